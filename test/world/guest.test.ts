import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BLOCKS_PER_GIB } from '../../shared/kernel/units.ts';
import { simulatedSite } from '../../shared/world/agent.ts';
import { World } from '../../shared/world/world.ts';
import { TestCloud } from '../support/cloud.ts';
import { TestTenant, type VmView } from '../support/tenant.ts';
import { machine } from './facts.ts';

let test: TestCloud;
let acme: TestTenant;
let vm: VmView;
beforeAll(async () => {
  test = await TestCloud.start();
  acme = await TestTenant.create(test);
});
afterAll(() => test.stop());

const path = (index: number | string, disk = 'root') => `/v1/sim/vms/${vm.id}/disks/${disk}/blocks/${index}`;
const bytes = (...values: number[]) => Buffer.from(values).toString('base64');
const write = (index: number | string, data: string, more: object = {}) =>
  test.client.call<{ sequence: number; code: string }>('PUT', path(index), {
    token: test.operator,
    body: { data, ...more },
  });
const read = (index: number | string) =>
  test.client.call<{ data: string; sequence: number; code: string }>('GET', path(index), { token: test.operator });
const volume = async () => (await test.world()).volumes.find((v) => v.vmId === vm.id);

describe('the disk of a running guest', () => {
  beforeAll(async () => {
    vm = (await acme.running(1, { name: 'disk' }))[0] as VmView;
  });

  it.each([
    ['no bytes', []],
    ['all values', Array.from({ length: 256 }, (_, i) => i)],
    ['a whole block', Array.from({ length: 4096 }, (_, i) => (i * 7) % 256)],
  ])('gives back %s as they were written', async (_what, values) => {
    expect((await write(3, bytes(...values))).status).toBe(200);
    expect((await read(3)).body.data).toBe(bytes(...values));
  });

  it('is empty where nothing was written', async () => {
    expect((await read(4)).body).toEqual({ data: '', sequence: 0 });
  });

  it('counts its writes in their order', async () => {
    const [first, second] = [await write(5, bytes(1)), await write(6, bytes(2))];
    expect(second.body.sequence).toBe(first.body.sequence + 1);
    expect((await read(5)).body.sequence).toBe(first.body.sequence);
  });

  it('counts each of many writes at once', async () => {
    const before = (await volume())?.sequence ?? 0;
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => write(100 + i, bytes(i))));
    const done = all.filter((r) => r.status === 200).map((r) => r.body.sequence);
    expect(new Set(done).size).toBe(done.length);
    expect((await volume())?.sequence).toBe(before + done.length);
  });

  it.each([
    ['more than a block', 3, 'A'.repeat(5464), 400, 'invalid-request'],
    ['beyond the end', 20 * BLOCKS_PER_GIB, 'AQ==', 400, 'invalid-request'],
    ['a negative block', -1, 'AQ==', 400, 'invalid-request'],
    ['half a block number', '1.5', 'AQ==', 400, 'invalid-request'],
    ['a number in another notation', '1e3', 'AQ==', 400, 'invalid-request'],
    ['what is no base64', 3, '!', 400, 'invalid-request'],
  ])('takes no write of %s', async (_what, index, data, status, code) => {
    const before = await volume();
    expect(await write(index, data)).toMatchObject({ status, body: { code } });
    expect(await volume()).toEqual(before);
  });

  it('takes the last block', async () => {
    expect((await write(20 * BLOCKS_PER_GIB - 1, bytes(1))).status).toBe(200);
  });

  it('is not there under another name', async () => {
    const reply = await test.client.call('GET', path(0, 'other'), { token: test.operator });
    expect(reply).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });
});

describe('the disk cannot be reached', () => {
  const cured = async (kind: string, target: string, check: () => Promise<unknown>) => {
    const { id } = await test.fault(kind, target);
    await check();
    await test.client.must('DELETE', `/v1/sim/faults/${id}`, test.operator);
  };

  it.each([
    ['the host is cut off from its storage', 'storage-partition', () => vm.hostId as string],
    ['the datastore is lost', 'datastore-loss', async () => (await datastoreOf(vm.id)) as string],
  ])('while %s: neither write nor read, and the bytes are there afterwards', async (_what, kind, target) => {
    await write(9, bytes(1, 2, 3));
    await cured(kind, await target(), async () => {
      expect(await write(9, bytes(9))).toMatchObject({ status: 409, body: { code: 'storage-unreachable' } });
      expect(await read(9)).toMatchObject({ status: 409, body: { code: 'storage-unreachable' } });
    });
    expect((await read(9)).body.data).toBe(bytes(1, 2, 3));
  });

  it('by a guest that stands still', async () => {
    await cured('host-hang', vm.hostId as string, async () => {
      expect(await write(9, bytes(9))).toMatchObject({ status: 409, body: { code: 'not-running' } });
    });
    expect((await read(9)).status).toBe(200);
  });
});

describe('a stale copy (HA-11)', () => {
  it('is refused every write, each is counted, and the copy with the lease writes on', async () => {
    vm = (await acme.running(1, { name: 'twin' }))[0] as VmView;
    const old = vm.hostId as string;
    const other = (await test.world()).hosts.find((h) => h.id !== old && h.siteId === siteOf(old)) as {
      id: string;
      siteId: string;
    };
    const order = { vmId: vm.id, hostId: other.id, epoch: vm.epoch + 1, version: 1, machine: machine() };
    await write(1, bytes(1));
    const site = simulatedSite(new World(test.cloud.store), test.clock);
    const [started] = await site.startVms(other.siteId, [order]);
    test.clock.advanceTo(started?.readyAt ?? 0);
    const stale = [await write(1, bytes(66), { hostId: old }), await write(2, bytes(66), { hostId: old })];
    expect(stale.map((r) => r.body.code)).toEqual(['stale-epoch', 'stale-epoch']);
    expect(await volume()).toMatchObject({ leaseEpoch: vm.epoch + 1, refusedWrites: 2, sequence: 1 });
    expect((await write(2, bytes(2), { hostId: other.id })).body.sequence).toBe(2);
    expect([(await read(1)).body.data, (await read(2)).body.data]).toEqual([bytes(1), bytes(2)]);
  });

  it('on a host that never ran the VM is no copy at all', async () => {
    const never = (await test.world()).hosts.at(-1)?.id;
    expect(await write(1, bytes(1), { hostId: never })).toMatchObject({ status: 409, body: { code: 'not-running' } });
  });

  let sites: Map<string, string>;
  beforeAll(async () => {
    sites = new Map((await test.world()).hosts.map((h) => [h.id, h.siteId]));
  });
  const siteOf = (hostId: string) => sites.get(hostId);
});

async function datastoreOf(vmId: string): Promise<string | undefined> {
  for await (const row of test.cloud.store.scan<{ kind?: string; vmId?: string; datastoreId?: string }>('world'))
    if (row.kind === 'volume' && row.vmId === vmId) return row.datastoreId;
  return undefined;
}
