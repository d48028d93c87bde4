import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { siteAgent } from '../../functions/site-agent/agent.ts';
import type { PortAnswer, PortCall } from '../../shared/hypervisor/port.ts';
import { silent } from '../../shared/kernel/log.ts';
import { TestCloud } from '../support/cloud.ts';
import { machine } from '../world/facts.ts';

let test: TestCloud;
let agent: (call: PortCall) => Promise<PortAnswer>;
let hosts: string[];
let siteId: string;
beforeAll(async () => {
  test = await TestCloud.start();
  agent = siteAgent({ store: test.cloud.store, clock: test.clock, log: silent });
  const world = await test.world();
  hosts = world.hosts.map((h) => h.id);
  siteId = world.hosts[0]?.siteId as string;
});
afterAll(() => test.stop());

/** Every case works on a VM and a host of its own. */
let made = 0;
function fresh() {
  const n = ++made;
  const vmId = `vm_case${n}`;
  const hostId = hosts[n % hosts.length] as string;
  const volume = { id: `vol_case${n}`, vmId, name: 'root', sizeGiB: 1, datastoreId: 'ds_1' };
  const order = { vmId, hostId, epoch: 1, version: 1, machine: machine() };
  return { vmId, hostId, volume, order };
}
const call = (name: string, ...args: unknown[]) => agent({ call: name as PortCall['call'], siteId, args });
const there = async (vmId: string) => {
  const world = await test.world();
  return {
    processes: world.processes.filter((p) => p.vmId === vmId).length,
    volumes: world.volumes.filter((v) => v.vmId === vmId),
  };
};
async function during<T>(kind: string, target: string, act: () => Promise<T>): Promise<T> {
  const { id } = await test.fault(kind, target);
  try {
    return await act();
  } finally {
    await test.client.must('DELETE', `/v1/sim/faults/${id}`, test.operator);
  }
}

describe('the site agent', () => {
  it('does what it is asked and answers', async () => {
    const { vmId, volume, order } = fresh();
    expect(await call('createVolumes', [volume])).toEqual({ ok: true, value: [{ id: volume.id, ok: true }] });
    expect(await call('startVms', [order])).toMatchObject({ ok: true, value: [{ outcome: 'started' }] });
    expect(await there(vmId)).toMatchObject({ processes: 1, volumes: [{ leaseEpoch: 1 }] });
  });

  it.each(['toString', 'constructor', 'orderPower', ''])('knows no call %o', async (name) => {
    expect(await call(name)).toMatchObject({ ok: false, error: 'failed' });
  });

  it('answers that a call has failed when it cannot make sense of it', async () => {
    expect(await call('startVms', 'nonsense')).toMatchObject({ ok: false, error: 'failed' });
  });

  it.each(['call-timeout', 'site-loss'])('under %s does nothing, and does not answer', async (kind) => {
    const { vmId, volume } = fresh();
    const answer = await during(kind, siteId, () => call('createVolumes', [volume]));
    expect(answer).toMatchObject({ ok: false, error: 'timeout' });
    expect((await there(vmId)).volumes).toEqual([]);
  });

  it('under answer-lost does it, and does not answer; asked again it says that it is done', async () => {
    const { vmId, volume, order } = fresh();
    await call('createVolumes', [volume]);
    const lost = await during('answer-lost', siteId, () => call('startVms', [order]));
    expect(lost).toMatchObject({ ok: false, error: 'timeout' });
    expect((await there(vmId)).processes).toBe(1);
    expect(await call('startVms', [order])).toMatchObject({ ok: true, value: [{ outcome: 'already' }] });
  });

  it('is not touched by a fault of another site', async () => {
    const { volume } = fresh();
    await test.client.must('POST', '/v1/system/estates', test.operator, {
      sites: [
        {
          name: 'far',
          clusters: [{ name: 'c1', hosts: { count: 1, cores: 16, mhz: 2600, memoryGiB: 128 } }],
          datastores: [{ name: 'san', capacityGiB: 100 }],
        },
      ],
    });
    const far = (await test.world()).hosts.find((h) => h.siteId !== siteId)?.siteId as string;
    expect(await during('call-timeout', far, () => call('createVolumes', [volume]))).toMatchObject({ ok: true });
  });
});

describe('a call that arrives twice is carried out twice, and the second time does no harm:', () => {
  const twice = (name: string, ...args: unknown[]) => during('duplicate-call', siteId, () => call(name, ...args));
  const started = async () => {
    const all = fresh();
    await call('createVolumes', [all.volume]);
    await call('startVms', [all.order]);
    return all;
  };

  it('volumes are made once', async () => {
    const { vmId, volume } = fresh();
    expect(await twice('createVolumes', [volume])).toMatchObject({ ok: true, value: [{ ok: true }] });
    expect((await there(vmId)).volumes).toHaveLength(1);
  });

  it('a VM is started once', async () => {
    const { vmId, volume, order } = fresh();
    await call('createVolumes', [volume]);
    expect(await twice('startVms', [order])).toMatchObject({ ok: true, value: [{ outcome: 'started' }] });
    expect(await there(vmId)).toMatchObject({ processes: 1, volumes: [{ leaseEpoch: 1 }] });
  });

  it('a VM is stopped once', async () => {
    const { vmId, hostId } = await started();
    expect(await twice('stopVms', [{ vmId, hostId, epoch: 1 }])).toMatchObject({
      ok: true,
      value: [{ outcome: 'stopped' }],
    });
    expect((await there(vmId)).processes).toBe(0);
  });

  it('a stop that comes late spares the newer process', async () => {
    const { vmId, hostId, order } = await started();
    await call('startVms', [{ ...order, epoch: 2 }]);
    expect(await twice('stopVms', [{ vmId, hostId, epoch: 1 }])).toMatchObject({ value: [{ outcome: 'newer' }] });
    expect((await there(vmId)).processes).toBe(1);
  });

  it('a start that comes after its stop starts nothing', async () => {
    const { vmId, hostId, volume, order } = fresh();
    await call('createVolumes', [volume]);
    await twice('stopVms', [{ vmId, hostId, epoch: 1 }]);
    await twice('startVms', [order]);
    expect((await there(vmId)).processes).toBe(0);
  });

  it('volumes are deleted once', async () => {
    const { vmId, volume } = await started();
    expect(await twice('deleteVolumes', [volume])).toMatchObject({ ok: true, value: [{ ok: true }] });
    expect((await there(vmId)).volumes).toEqual([]);
  });

  it('blocks are written once, into a volume that no VM was given; they are read page by page, and their hash follows the bytes', async () => {
    const { volume, order } = fresh();
    const ref = { id: volume.id, vmId: volume.vmId, name: volume.name };
    const block = (index: number, text: string) => ({
      index,
      data: Buffer.from(text).toString('base64'),
      sequence: index + 1,
      at: 5,
    });
    const blocks = [block(2, 'two'), block(40, 'forty'), block(300, '')];
    await call('createVolumes', [volume]);
    const sum = async () =>
      ((await call('hashVolumes', [ref])) as { value: { hash: string; blocks: number }[] }).value[0];
    const empty = await sum();
    expect(await twice('writeBlocks', [{ ...ref, blocks }])).toMatchObject({ value: [{ ok: true }] });
    const full = await sum();
    expect([empty?.blocks, full?.blocks, full?.hash === empty?.hash]).toEqual([0, 3, false]);
    const read = (after: number) => call('readBlocks', [{ ...ref, after, limit: 2 }]);
    expect(await read(-1)).toMatchObject({ value: [{ outcome: 'read', blocks: blocks.slice(0, 2), more: true }] });
    expect(await read(40)).toMatchObject({ value: [{ outcome: 'read', blocks: blocks.slice(2), more: false }] });
    expect(await call('readBlocks', [{ ...ref, id: 'vol_other', after: -1, limit: 2 }])).toMatchObject({
      value: [{ outcome: 'absent' }],
    });
    await call('writeBlocks', [{ ...ref, blocks: [block(2, 'TWO')] }]);
    expect((await sum())?.hash).not.toBe(full?.hash);
    const changed = await sum();
    await call('startVms', [order]);
    expect(await call('writeBlocks', [{ ...ref, blocks }])).toMatchObject({ value: [{ ok: false }] });
    expect(await sum()).toEqual(changed);
  });

  it('a host is fenced once and powered on once', async () => {
    const hostId = hosts[0] as string;
    expect(await twice('fenceHosts', [hostId])).toMatchObject({ value: [{ outcome: 'confirmed' }] });
    expect(await twice('powerOnHosts', [hostId])).toMatchObject({ value: [{ outcome: 'confirmed' }] });
    const orders = await (async () => {
      for await (const row of test.cloud.store.scan<{ id?: string; bmc?: { power: string }[] }>('world'))
        if (row.id === hostId) return row.bmc?.map((o) => o.power);
    })();
    expect(orders).toEqual(['off', 'on']);
  });
});
