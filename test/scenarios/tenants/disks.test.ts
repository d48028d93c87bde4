import { afterEach, describe, expect, it } from 'vitest';
import { BLOCKS_PER_GIB } from '../../../shared/kernel/units.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { meetBeforeCommit } from '../../support/interleave.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
afterEach(async () => {
  await test.settle();
  expect(await test.violations()).toEqual([]);
  await test.stop();
});

const hosts = { count: 2, cores: 16, mhz: 2400, memoryGiB: 64 };
const estate = {
  sites: [{ name: 'a', clusters: [{ name: 'c1', hosts }], datastores: [{ name: 'san', capacityGiB: 100 }] }],
};
async function begin(shape: object = {}): Promise<VmView> {
  test = await TestCloud.start({ estate, memory: memoryEngine() });
  acme = await TestTenant.create(test);
  const [vm] = await acme.running(1, shape);
  return vm as VmView;
}
const belief = () => readBelief(test.cloud.store);
const disk = async () => (await belief()).vms[0]?.disks[0];
const used = async () => {
  const { vdcs, datastores } = await belief();
  return [vdcs[0]?.left.storageGiB, datastores[0]?.freeGiB];
};
const operation = (id: string) =>
  test.client.must<{ state: string; error?: { message: string }; result?: object }>(
    'GET',
    `/v1/operations/${id}`,
    acme.token,
  );

describe('a disk is made larger', () => {
  it('while its VM runs: what it holds stays, the new part can be written, quota and room are taken', async () => {
    const vm = await begin();
    const [left, free] = (await used()) as [number, number];
    await acme.write(vm.id, 4, 'kept');
    const asked = await acme.grow(vm.id, 50);
    expect(asked.status).toBe(202);
    expect(await disk()).toMatchObject({ sizeGiB: 50, resizing: { fromGiB: 20, operationId: asked.body.id } });
    await test.settle();
    expect(await operation(asked.body.id)).toMatchObject({ state: 'success', result: { disk: 'root', sizeGiB: 50 } });
    const seen = await test.client.must<{ disks: object[] }>('GET', `/v1/vms/${vm.id}`, acme.token);
    expect(seen.disks).toEqual([expect.not.objectContaining({ resizing: expect.anything() })]);
    expect(await used()).toEqual([left - 30, free - 30]);
    expect(await acme.read(vm.id, 4)).toBe('kept');
    expect(await acme.read(vm.id, 50 * BLOCKS_PER_GIB - 1)).toBe('');
    await acme.write(vm.id, 50 * BLOCKS_PER_GIB - 1, 'the last block');
    expect((await acme.vm(vm.id)).epoch).toBe(vm.epoch);
  });

  it('while it is stopped: it has it when it starts', async () => {
    const vm = await begin();
    await acme.action(vm.id, 'stop');
    await test.settle();
    expect((await acme.grow(vm.id, 30)).status).toBe(202);
    await test.settle();
    await acme.action(vm.id, 'start');
    await test.settle();
    await acme.write(vm.id, 30 * BLOCKS_PER_GIB - 1, 'the last block');
  });

  it('while its host fails: the recovery does not wait for it, nor it for the recovery', async () => {
    const vm = await begin();
    await test.fault('host-power-loss', vm.hostId as string);
    expect((await acme.grow(vm.id, 30)).status).toBe(202);
    await test.until(async () => (await acme.vm(vm.id)).epoch > vm.epoch && (await acme.vm(vm.id)).state === 'running');
    await test.settle();
    await acme.write(vm.id, 30 * BLOCKS_PER_GIB - 1, 'the last block');
    expect((await disk())?.resizing).toBeUndefined();
  });

  it('and as a dry run nothing is taken', async () => {
    const vm = await begin();
    const before = await belief();
    expect(await acme.grow(vm.id, 30, 'root', '?dryRun=true')).toMatchObject({ status: 200, body: { dryRun: true } });
    expect(await belief()).toEqual(before);
  });

  it('of two requests at once one is accepted, and what is taken is what it asked for', async () => {
    const vm = await begin();
    const [left, free] = (await used()) as [number, number];
    const { met } = meetBeforeCommit(2);
    const both = await Promise.all([acme.grow(vm.id, 30), acme.grow(vm.id, 40)]);
    expect([met(), ...both.map((r) => r.status).sort()]).toEqual([true, 202, 409]);
    const gib = both[0].status === 202 ? 10 : 20;
    expect(both.find((r) => r.status === 409)?.body.code).toBe('operation-in-progress');
    expect(await used()).toEqual([left - gib, free - gib]);
  });

  it('or, where its storage stays away, the operation says why; asked for once more it goes on, and nothing is taken twice', async () => {
    const vm = await begin();
    const { id } = await test.fault('datastore-loss', 'ds_a-san');
    const asked = await acme.grow(vm.id, 30);
    await test.until(async () => (await operation(asked.body.id)).state === 'failed', 2 * 3_600);
    const taken = await used();
    expect(await disk()).toMatchObject({ sizeGiB: 30, resizing: { fromGiB: 20, reason: /unreachable/ } });
    await test.client.must('DELETE', `/v1/sim/faults/${id}`, test.operator);
    expect((await acme.grow(vm.id, 30)).status).toBe(202);
    await test.settle();
    expect(await used()).toEqual(taken);
    expect((await disk())?.resizing).toBeUndefined();
  });
});

describe('it is refused, and nothing changes,', () => {
  it.each([
    [20, 'has 20 GiB already'],
    [10, 'never made smaller'],
  ])('for a size that is not larger: %d GiB', async (sizeGiB, words) => {
    const vm = await begin();
    const before = await belief();
    const { status, body } = await acme.grow(vm.id, sizeGiB);
    expect([status, body.code, body.errors?.[0]?.location]).toEqual([400, 'invalid-request', 'body.sizeGiB']);
    expect(body.errors?.[0]).toMatchObject({ message: expect.stringContaining(words), fix: 'ask for more than 20' });
    expect(await belief()).toEqual(before);
  });

  it('beyond the largest disk, and for a disk that is not there', async () => {
    const vm = await begin();
    expect((await acme.grow(vm.id, 65_537)).body).toMatchObject({ code: 'invalid-request' });
    expect((await acme.grow(vm.id, 30, 'data')).status).toBe(404);
  });

  it('beyond the quota, with the figures', async () => {
    const vm = await begin();
    await test.client.must('PATCH', `/v1/system/tenants/${acme.id}/vdcs/${acme.vdcId}`, test.operator, {
      quota: { storageGiB: 25 },
    });
    const before = await belief();
    const { status, body } = await acme.grow(vm.id, 30);
    expect([status, body]).toMatchObject([
      409,
      { code: 'quota-exceeded', resource: 'storageGiB', limit: 25, used: 20, requested: 10 },
    ]);
    expect(await belief()).toEqual(before);
  });

  it('beyond its datastore, with the figures', async () => {
    const vm = await begin();
    const before = await belief();
    const { status, body } = await acme.grow(vm.id, 101);
    expect([status, body.code]).toEqual([507, 'no-capacity']);
    expect(body.rooms).toEqual([{ siteId: 'site_a', neededGiB: 81, freeGiB: 80 }]);
    expect(await belief()).toEqual(before);
  });

  it('while something else works on the VM', async () => {
    await begin();
    const made = await acme.create({ name: 'other' });
    expect((await acme.grow(made.body.id, 30)).body).toMatchObject({ code: 'operation-in-progress' });
  });
});

describe('a disk that is not persistent', () => {
  it('is shown as such; what was written is gone after a stop, and after its host has failed', async () => {
    test = await TestCloud.start({ estate, memory: memoryEngine() });
    acme = await TestTenant.create(test);
    const disks = [{ name: 'root', sizeGiB: 10, persistent: false }];
    const made = await test.client.must<VmView>('POST', `/v1/vdcs/${acme.vdcId}/vms`, acme.token, {
      ...acme.body(),
      disks,
    });
    await test.settle();
    const shown = await test.client.must<{ disks: object[] }>('GET', `/v1/vms/${made.id}`, acme.token);
    expect(shown.disks).toMatchObject([{ name: 'root', persistent: false }]);
    await acme.write(made.id, 1, 'first');
    expect(await acme.read(made.id, 1)).toBe('first');
    await acme.action(made.id, 'stop');
    await test.settle();
    await acme.action(made.id, 'start');
    await test.settle();
    expect(await acme.read(made.id, 1)).toBe('');
    await acme.write(made.id, 1, 'second');
    const { epoch, hostId } = await acme.vm(made.id);
    await test.fault('host-power-loss', hostId as string);
    await test.until(async () => {
      const vm = await acme.vm(made.id);
      return vm.epoch > epoch && vm.state === 'running';
    });
    await test.settle();
    expect(await acme.read(made.id, 1)).toBe('');
  });
});
