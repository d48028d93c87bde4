import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBelief } from '../../../shared/store/belief.ts';
import { Lab } from './settings.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.stop());

const cpu = (more: object) => ({ cpu: { vcpus: 2, mode: 'hardware', ...more } });
const memory = (more: object) => ({ memory: { sizeMiB: 2048, mode: 'hardware', pageSize: '4k', ...more } });
const disk = (more: object) => ({ disks: [{ name: 'root', sizeGiB: 10, boot: true, io: 'virtio', ...more }] });

describe('a VM that cannot be is refused with the id of its rule, and nothing is changed', () => {
  it.each([
    ['cores that do not divide the vCPUs', 400, 'ELA-1', cpu({ vcpus: 6, coresPerSocket: 4 })],
    ['virtual NUMA nodes that do not divide the vCPUs', 400, 'NUMA-3', { ...cpu({ vcpus: 6 }), numa: { nodes: 4 } }],
    ['guest NUMA where the cluster shows none', 507, 'NUMA-3', { ...cpu({ vcpus: 4 }), numa: { nodes: 2 } }],
    ['a CPU reservation that its vCPUs cannot give', 507, 'QOS-2', cpu({ reservationMhz: 4801 })],
    ['a CPU limit below the reservation', 400, 'QOS-3', cpu({ reservationMhz: 2000, limitMhz: 1000 })],
    ['a memory reservation above the size', 400, 'MEM-15', memory({ reservationMiB: 4096 })],
    ['a memory limit that is not the size', 400, 'MEM-15', memory({ limitMiB: 1024 })],
    ['a size that is no whole number of huge pages', 400, 'MEM-11', memory({ sizeMiB: 1025, pageSize: '2m' })],
    ['huge pages that no host has set aside', 507, 'MEM-12', memory({ sizeMiB: 8192, pageSize: '1g' })],
    ['para-virtualisation of a closed kernel', 409, 'CPU-9', { ...cpu({ mode: 'para' }), guest: { os: 'windows' } }],
    ['HA for a VM with a passthrough device', 409, 'IO-4', { ...disk({ io: 'passthrough' }), ha: { enabled: true } }],
    ['a disk cap below the smallest', 400, 'QOS-6', disk({ qos: { total: { iops: 15 } } })],
  ])('%s', async (_what, status, rule, more) => {
    const before = await readBelief(lab.test.cloud.store);
    const { body, status: got } = await lab.ask(more);
    expect([got, JSON.stringify(body)]).toEqual([status, expect.stringContaining(rule)]);
    expect(JSON.stringify(body)).toMatch(/"fix"|"help"|at least/);
    const after = await readBelief(lab.test.cloud.store);
    expect([after.vms, after.hosts, after.vdcs]).toEqual([before.vms, before.hosts, before.vdcs]);
  });

  it('a reservation, or a limit, that is set while it runs and that its vCPUs cannot give (QOS-2, QOS-3)', async () => {
    const vm = await lab.vm({ name: 'greedy' });
    for (const [field, rule] of [
      ['reservationMhz', 'QOS-2'],
      ['limitMhz', 'QOS-3'],
    ]) {
      const { status, body } = await lab.change(
        `/v1/vms/${vm.id}`,
        { cpu: { [field as string]: 4801 } },
        lab.acme.token,
      );
      expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining(rule as string)]);
    }
    await lab.acme.remove(vm.id);
    await lab.test.settle();
  });

  it('a peak below the average of a port group (QOS-5)', async () => {
    const qos = { send: { averageMbps: 100, peakMbps: 50 } };
    const { status, body } = await lab.change(`/v1/networks/${lab.acme.networkId}`, { qos }, lab.acme.token);
    expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('QOS-5')]);
  });

  it('hosts without VT-x, or without EPT, are ruled out for the modes that need them (CPU-10, MEM-7)', async () => {
    const bare = await Lab.open({
      hosts: { count: 1, cores: 8, mhz: 2400, memoryGiB: 64, hardwareVirtualisation: false },
    });
    try {
      const ruled = async (more: object) => JSON.stringify((await bare.ask(more)).body);
      expect(await ruled({ ...cpu({}), ...memory({ mode: 'shadow' }) })).toMatch(/CPU-10/);
      expect(await ruled({ ...cpu({ mode: 'full' }), ...memory({ mode: 'hardware' }) })).toMatch(/MEM-7/);
      const vm = await bare.vm({ ...cpu({ mode: 'full' }), ...memory({ mode: 'shadow' }) });
      expect((await bare.performance(vm.id)).memory).toMatchObject({
        scheme: 'shadow',
        walk: { referencesPerMiss: 4 },
      });
    } finally {
      await bare.stop();
    }
  });
});

describe('a VM with a passthrough device (IO-3, IO-4)', () => {
  it('takes a function of a card, is refused when none is free, and gives it back', async () => {
    const devices = { ...disk({ io: 'passthrough' }), ha: { enabled: false } };
    const vms = [await lab.vm({ name: 'p1', ...devices }), await lab.vm({ name: 'p2', ...devices })];
    expect(new Set(vms.map((v) => v.hostId)).size).toBe(2);
    expect(await lab.ask({ name: 'p3', ...devices })).toMatchObject({
      status: 507,
      body: { ruledOut: { device: 2 }, help: [expect.stringMatching(/IO-3/)] },
    });
    await lab.acme.remove(vms[0]?.id as string);
    await lab.test.settle();
    expect((await lab.ask({ name: 'p3', ...devices })).status).toBe(201);
    await lab.test.settle();
    expect(await lab.test.violations()).toEqual([]);
  });

  it('is not moved while it runs, cannot get HA, and rests with the reason when its host fails', async () => {
    const nics = [{ networkId: lab.acme.networkId, io: 'passthrough' }];
    const vm = await lab.vm({ name: 'fixed', nics, ha: { enabled: false } });
    const moved = await lab.test.client.call('POST', `/v1/vms/${vm.id}/migrate`, { token: lab.acme.token });
    expect(moved).toMatchObject({ status: 409, body: { code: 'feature-unavailable', rule: 'IO-4' } });
    const change = await lab.change(`/v1/vms/${vm.id}`, { ha: { enabled: true } }, lab.acme.token);
    expect(change).toMatchObject({ status: 409, body: { code: 'feature-unavailable', rule: 'IO-4' } });
    await lab.test.fault('host-power-loss', vm.hostId);
    await lab.test.until(async () => (await lab.acme.vm(vm.id)).state === 'stopped');
    expect((await lab.acme.vm(vm.id)).reason).toMatch(/passthrough.*IO-4/);
  });
});

describe('a CPU baseline (SCH-6)', () => {
  it('lets VMs move between generations, and is refused for a host that is older', async () => {
    const mixed = await Lab.open({
      hosts: [
        { name: 'old', cores: 16, mhz: 2400, memoryGiB: 64, cpuGeneration: 'Westmere', vendor: 'Inspur' },
        { name: 'new', cores: 16, mhz: 2400, memoryGiB: 64, cpuGeneration: 'Ivy Bridge', vendor: 'Huawei' },
      ],
    });
    try {
      const start = () =>
        mixed.test.client.must<{ items: { id: string; name: string }[] }>(
          'GET',
          '/v1/system/hosts',
          mixed.test.operator,
        );
      const hosts = (await start()).items;
      const [older, newer] = ['old', 'new'].map((n) => hosts.find((h) => h.name === n)?.id) as [string, string];
      const move = (id: string, hostId: string) =>
        mixed.test.client.call<{ errors: { message: string }[] }>('POST', `/v1/system/vms/${id}/migrate`, {
          token: mixed.test.operator,
          body: { hostId },
        });
      let vm = await mixed.vm({ name: 'a' });
      if (vm.hostId !== newer) {
        expect((await move(vm.id, newer)).status).toBe(202);
        await mixed.test.settle();
        await mixed.acme.action(vm.id, 'stop');
        await mixed.test.settle();
      }
      const vms = [vm];
      for (let i = 0; vms.at(-1)?.hostId !== newer && i < 12; i++) vms.push(await mixed.vm({ name: `b${i}` }));
      vm = vms.at(-1) as typeof vm;
      const refused = await move(vm.id, older);
      expect(refused.status).toBe(409);
      expect(refused.body.errors.map((e) => e.message).join()).toMatch(/Ivy Bridge.*Westmere.*SCH-6/);
      const tooNew = await mixed.change('/v1/system/clusters/cl_a-c1', { cpuBaseline: 'Ivy Bridge' });
      expect(tooNew).toMatchObject({ status: 409, body: { rule: 'SCH-6' } });
      expect((await mixed.change('/v1/system/clusters/cl_a-c1', { cpuBaseline: 'Nehalem' })).status).toBe(200);
      // What it sees was decided at its start: after the next one it can move.
      for (const action of ['stop', 'start'] as const) {
        await mixed.acme.action(vm.id, action);
        await mixed.test.settle();
      }
      const to = (await mixed.acme.vm(vm.id)).hostId === older ? newer : older;
      expect((await move(vm.id, to)).status).toBe(202);
      await mixed.test.settle();
      expect((await mixed.acme.vm(vm.id)).hostId).toBe(to);
    } finally {
      await mixed.stop();
    }
  });
});
