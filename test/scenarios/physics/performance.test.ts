import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lab } from './settings.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open({ numa: { guest: true } });
});
afterEach(() => lab.stop());

/** So many VMs that all vCPUs of one host are given out. */
const crowd = async (count: number, more: object = {}) => {
  const vms = [];
  for (let i = 0; i < count; i++) vms.push(await lab.vm({ name: `crowd-${i}`, ...more }));
  const busiest = [...Map.groupBy(vms, (vm) => vm.hostId).values()].sort((a, b) => b.length - a.length)[0];
  return busiest as typeof vms;
};

describe('what a VM gets, and why', () => {
  it('an idle VM is held back by nothing, and is told so', async () => {
    const vm = await lab.vm();
    const seen = await lab.performance(vm.id);
    expect(seen.cpu).toMatchObject({ boundBy: 'demand', readyPercent: 0, limitedPercent: 0 });
    expect(seen.summary.length).toBeGreaterThan(0);
    expect(seen.memory).toMatchObject({ sizeMiB: 2048, balloonedMiB: 0, swappedMiB: 0 });
  });

  it('a limit binds on an idle host; raising it takes effect without restart (QOS-3, QOS-7)', async () => {
    const vm = await lab.vm({ cpu: { vcpus: 2, mode: 'hardware', limitMhz: 1200 } });
    await lab.load(vm.id, { cpu: 1 });
    expect((await lab.performance(vm.id)).cpu).toMatchObject({ boundBy: 'limit', grantedMhz: 1200, readyPercent: 0 });
    expect((await lab.change(`/v1/vms/${vm.id}`, { cpu: { limitMhz: 3000 } }, lab.acme.token)).status).toBe(200);
    expect((await lab.performance(vm.id)).cpu).toMatchObject({ boundBy: 'limit', grantedMhz: 3000 });
    expect(await lab.acme.vm(vm.id)).toMatchObject({ state: 'running', epoch: vm.epoch, hostId: vm.hostId });
  });

  it('under contention shares decide, a reservation holds, and the waiting is told as ready time (QOS-1, QOS-2)', async () => {
    expect((await lab.change('/v1/system/clusters/cl_a-c1', { vcpuRatioPercent: 300 })).status).toBe(200);
    const [first, second, ...others] = await crowd(24);
    for (const vm of [first, second, ...others]) await lab.load(vm?.id as string, { cpu: 1 });
    const alike = await lab.performance(first?.id as string);
    expect(alike.cpu.boundBy).toBe('shares');
    expect(alike.cpu.readyPercent).toBeGreaterThan(0);
    await lab.change(`/v1/vms/${first?.id}`, { cpu: { shares: 8000 } }, lab.acme.token);
    await lab.change(`/v1/vms/${second?.id}`, { cpu: { shares: 1, reservationMhz: 2000 } }, lab.acme.token);
    const [rich, poor] = [await lab.performance(first?.id as string), await lab.performance(second?.id as string)];
    expect(rich.cpu.grantedMhz).toBeGreaterThan(alike.cpu.grantedMhz);
    expect(poor.cpu).toMatchObject({ boundBy: 'reservation', floorMhz: 2000 });
    expect(poor.cpu.grantedMhz).toBeCloseTo(2000, 6);
    const host = await lab.host(first?.hostId as string);
    expect(host.cpu.grantedMhz).toBeLessThanOrEqual(host.cpu.capacityMhz * (1 + 1e-9));
    expect(host.cpu.grantedMhz).toBeCloseTo(host.cpu.capacityMhz, 3);
  });

  it('CPU modes cost in the order of CPU-12, and only full virtualisation translates', async () => {
    const modes = ['hardware', 'para', 'full'];
    const costs = [];
    for (const mode of modes) {
      const vm = await lab.vm({ name: mode, cpu: { vcpus: 2, mode } });
      await lab.load(vm.id, { cpu: 0.5 });
      costs.push((await lab.performance(vm.id)).cpu);
    }
    const [hardware, para, full] = costs;
    expect(hardware?.overheadMhz).toBeLessThan(para?.overheadMhz as number);
    expect(para?.overheadMhz).toBeLessThan(full?.overheadMhz as number);
    expect(hardware?.exitsPerSecond).toBeGreaterThan(0);
    expect(para?.handedOverPerSecond).toBeGreaterThan(0);
    expect([hardware?.translationsPerSecond, para?.translationsPerSecond]).toEqual([0, 0]);
    expect(full?.translationsPerSecond).toBeGreaterThan(0);
  });

  it('mixed host: emulated, virtio and passthrough under the same load come out in that order of cost, and it is said where it arises', async () => {
    const seen = [];
    for (const io of ['emulated', 'virtio', 'passthrough']) {
      const vm = await lab.vm({
        name: io,
        ha: { enabled: false },
        disks: [{ name: 'root', sizeGiB: 10, boot: true, io }],
      });
      await lab.load(vm.id, { cpu: 0.2, writeIops: 5000, requestKiB: 4 });
      seen.push((await lab.performance(vm.id)).disks[0]);
    }
    const [emulated, virtio, passthrough] = seen;
    for (const what of ['hostMhz', 'exitsPerSecond'] as const) {
      expect(passthrough?.[what]).toBeLessThan(virtio?.[what] as number);
      expect(virtio?.[what]).toBeLessThan(emulated?.[what] as number);
    }
    expect(emulated?.path).toContainEqual(expect.stringMatching(/trap/));
    expect(passthrough?.path.join()).not.toMatch(/trap|QEMU/);
    expect(new Set(seen.map((s) => s?.where)).size).toBe(3);
  });

  it('a guest without the virtio driver is emulated, and is told (IO-2)', async () => {
    const vm = await lab.vm({ guest: { os: 'windows', pvDriver: false } });
    const [disk] = (await lab.performance(vm.id)).disks;
    expect(disk).toMatchObject({ io: 'emulated', fallback: expect.stringMatching(/driver/i) });
  });

  it('disk caps bind, the tighter one, and can be lifted while it runs (QOS-6, L3)', async () => {
    const qos = { total: { iops: 1000, kbps: 50_000 } };
    const vm = await lab.vm({ disks: [{ name: 'root', sizeGiB: 10, boot: true, io: 'virtio', qos }] });
    await lab.load(vm.id, { writeIops: 2000, requestKiB: 64 });
    const [bytes] = (await lab.performance(vm.id)).disks;
    expect(Math.floor(bytes?.granted.write as number)).toBe(762);
    await lab.load(vm.id, { writeIops: 2000, requestKiB: 4 });
    expect((await lab.performance(vm.id)).disks[0]?.granted.write).toBeCloseTo(1000, 6);
    const change = { disks: [{ name: 'root', qos: { total: { iops: 0 } } }] };
    expect((await lab.change(`/v1/vms/${vm.id}`, change, lab.acme.token)).status).toBe(200);
    expect((await lab.performance(vm.id)).disks[0]?.granted.write).toBeCloseTo(2000, 6);
  });

  it('a port group shapes each of its ports, and a change reaches those that run (NET-1, QOS-5, L1)', async () => {
    const nics = [{ networkId: lab.acme.networkId, io: 'virtio' }];
    const vms = [await lab.vm({ name: 'one', nics }), await lab.vm({ name: 'two', nics })];
    for (const vm of vms) await lab.load(vm.id, { sendMbps: 500, receiveMbps: 300 });
    expect((await lab.performance(vms[0]?.id as string)).nics[0]?.granted).toEqual({ read: 300, write: 500 });
    const qos = { send: { averageMbps: 100 } };
    expect((await lab.change(`/v1/networks/${lab.acme.networkId}`, { qos }, lab.acme.token)).status).toBe(200);
    for (const vm of vms) expect((await lab.performance(vm.id)).nics[0]?.granted).toEqual({ read: 300, write: 100 });
  });

  it('huge pages come from the pool and shorten the walk; the pool ends though memory is free (MEM-11, MEM-12)', async () => {
    const small = await lab.vm();
    const large = await lab.vm({ name: 'large', memory: { sizeMiB: 2048, mode: 'hardware', pageSize: '2m' } });
    const walk = async (id: string) => (await lab.performance(id)).memory.walk;
    expect((await walk(small.id)).referencesPerMiss).toBe(24);
    expect((await walk(large.id)).referencesPerMiss).toBe(15);
    const second = await lab.ask({ name: 'second', memory: { sizeMiB: 2048, mode: 'hardware', pageSize: '2m' } });
    expect(second.status).toBe(201);
    const third = await lab.ask({ name: 'third', memory: { sizeMiB: 1024, mode: 'hardware', pageSize: '2m' } });
    expect(third).toMatchObject({ status: 507, body: { ruledOut: { 'huge-pages': 2 } } });
    expect(third.body.help?.join()).toMatch(/MEM-12/);
  });

  it('guest NUMA: each virtual node lies whole on one node of the host, and accesses stay local (NUMA-2, NUMA-3)', async () => {
    const vm = await lab.vm({
      cpu: { vcpus: 8, mode: 'hardware' },
      memory: { sizeMiB: 8192, mode: 'hardware', pageSize: '4k' },
      numa: { nodes: 2 },
    });
    const { numa } = await lab.performance(vm.id);
    expect(numa).toMatchObject({ localShare: 1, remoteShare: 0, spilled: false });
    expect(numa.nodes.map((n) => [n.vcpus, n.memoryMiB])).toEqual([
      [4, 4096],
      [4, 4096],
    ]);
  });

  it('a VM wider than a node, without guest NUMA, is spilled, pays for remote accesses, and is told (NUMA-1)', async () => {
    const vm = await lab.vm({ cpu: { vcpus: 10, mode: 'hardware' } });
    const seen = await lab.performance(vm.id);
    expect(seen.numa.spilled).toBe(true);
    expect(seen.numa.remoteShare).toBeGreaterThan(0);
    expect(seen.memory.slowdown).toBeGreaterThan(1);
    expect(seen.summary.join(' ')).toMatch(/remote|node/i);
  });

  it('a VM that does not run gets nothing, and another tenant`s is not there', async () => {
    const vm = await lab.vm();
    await lab.acme.action(vm.id, 'stop');
    await lab.test.settle();
    const of = (token: string) =>
      lab.test.client.call<{ code: string }>('GET', `/v1/vms/${vm.id}/performance`, { token });
    expect(await of(lab.acme.token)).toMatchObject({ status: 409, body: { code: 'not-running' } });
    const stranger = await lab.test.client.must<{ id: string }>('POST', '/v1/system/tenants', lab.test.operator, {
      name: 'other',
    });
    expect((await of(await lab.test.client.tenant(stranger.id))).status).toBe(404);
  });
});
