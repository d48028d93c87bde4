import { afterEach, describe, expect, it } from 'vitest';
import type { HostHardware } from '../../../shared/model/inventory.ts';
import { World } from '../../../shared/world/world.ts';
import { Ward } from './ward.ts';

let ward: Ward;
afterEach(() => ward.test.stop());

const hardwareOf = async (id: string) => (await new World(ward.test.cloud.store).host(id)) as HostHardware;

describe('expansion of a host (ELA-6)', () => {
  it('is one operation; no VM is down at any instant; the new capacity is there, and what did not fit before fits', async () => {
    ward = await Ward.open();
    const { hostId } = Ward.fullest(await ward.busy(5));
    const big = { name: 'big', vcpus: 40, memoryMiB: 81_920 };
    expect((await ward.acme.create(big)).status).toBe(507);
    const { status, body } = await ward.call(hostId, 'expand', { sockets: 4, memoryGiB: 192 });
    expect(status).toBe(202);
    let percent = 0;
    let offOrBooting = 0;
    await ward.watch(async () => {
      const now = (await ward.operation(body.id)).percent;
      expect(now).toBeGreaterThanOrEqual(percent);
      percent = now;
      const { processes, hosts } = await ward.test.world();
      if (hosts.find((h) => h.id === hostId)?.power !== 'on') {
        offOrBooting++;
        expect(processes.filter((p) => p.hostId === hostId)).toEqual([]);
      }
      return ward.ended(body.id)();
    });
    // A server boots for a minute.
    expect(offOrBooting).toBeGreaterThan(55);
    const { state, steps } = await ward.operation(body.id);
    expect(state).toBe('success');
    expect(steps.map((s) => s.name)).toEqual([
      'evacuate',
      'enter',
      'powerOff',
      'install',
      'powerOn',
      'awaitHost',
      'reconcile',
      'finish',
    ]);
    const host = await ward.host(hostId);
    expect(host).toMatchObject({ state: 'online', sockets: 4, memoryMiB: 196_608, numaNodes: 4 });
    expect(host.free).toEqual(host.capacity);
    expect(await hardwareOf(hostId)).toMatchObject({ sockets: 4, memoryMiB: 196_608, numaNodes: 4 });
    const made = await ward.acme.create(big);
    expect(made.status).toBe(201);
    await ward.test.settle();
    expect(await ward.acme.vm(made.body.id)).toMatchObject({ state: 'running', hostId });
    // It stays up: nobody takes the restart for a failure.
    await ward.test.advance(60);
    expect((await ward.host(hostId)).state).toBe('online');
    await ward.nothingIsLost();
  });

  it('a dry run says where each VM would go and what the host has then, and changes nothing', async () => {
    ward = await Ward.open();
    const { hostId } = Ward.fullest(await ward.busy(3));
    const before = await ward.host(hostId);
    const { body } = await ward.call<{ possible: boolean; capacity: { memoryMiB: number } }>(
      hostId,
      'expand?dryRun=true',
      { memoryGiB: 128 },
    );
    expect(body.possible).toBe(true);
    expect(body.capacity.memoryMiB).toBeGreaterThan(before.capacity.memoryMiB);
    expect(await ward.host(hostId)).toEqual(before);
  });

  it('what is promised on top grows with it, and so do the NUMA nodes of the ledger (OVC-5, NUMA-4)', async () => {
    ward = await Ward.open();
    await ward.test.client.must('PATCH', '/v1/system/clusters/cl_a-c1', ward.test.operator, {
      overcommit: { enabled: true, ratioPercent: 120 },
      numa: { guest: true },
    });
    await ward.test.settle();
    const { hostId } = Ward.fullest(await ward.busy(2));
    const { body } = await ward.call(hostId, 'expand', { sockets: 4 });
    await ward.watch(ward.ended(body.id));
    const { capacity, free, overcommitMiB = 0 } = await ward.host(hostId);
    expect(overcommitMiB).toBe(Math.floor(capacity.memoryMiB * 0.2));
    expect(free).toEqual({ ...capacity, memoryMiB: capacity.memoryMiB + overcommitMiB });
    expect([capacity.node3Vcpus, capacity.node3MiB]).toEqual([16, 16_384]);
    await ward.nothingIsLost();
  });

  it('a power controller that cannot be reached: nothing is switched off, the host serves again', async () => {
    ward = await Ward.open();
    const { hostId } = Ward.fullest(await ward.busy(2));
    await ward.test.fault('bmc-unreachable', hostId);
    const { body } = await ward.call(hostId, 'expand', { memoryGiB: 128 });
    await ward.watch(async () => (await ward.host(hostId)).state === 'maintenance');
    await ward.test.until(ward.ended(body.id), 1500);
    expect((await ward.operation(body.id)).error?.message).toMatch(/power controller/);
    await ward.test.until(async () => (await ward.host(hostId)).state === 'online');
    expect(await hardwareOf(hostId)).toMatchObject({ memoryMiB: 65_536 });
    expect((await ward.host(hostId)).free).toEqual((await ward.host(hostId)).capacity);
    await ward.nothingIsLost();
  });

  it('a host that does not come up again stays in maintenance with the reason, and is let out by hand', async () => {
    ward = await Ward.open();
    const { hostId } = Ward.fullest(await ward.busy(2));
    const { body } = await ward.call(hostId, 'expand', { memoryGiB: 128 });
    await ward.watch(async () => (await ward.host(hostId)).power === 'booting');
    const fault = await ward.test.fault('host-power-loss', hostId);
    await ward.test.until(ward.ended(body.id), 2500);
    const left = await ward.host(hostId);
    expect(left).toMatchObject({ state: 'maintenance', reason: expect.stringMatching(/did not come up/) });
    expect(left.claim).toBeUndefined();
    await ward.test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, ward.test.operator);
    await ward.test.advance(70);
    expect((await ward.call(hostId, 'maintenance-exit')).status).toBe(202);
    await ward.test.settle();
    const host = await ward.host(hostId);
    expect(host).toMatchObject({ state: 'online', memoryMiB: 131_072 });
    expect(host.reason).toBeUndefined();
    await ward.nothingIsLost();
  });

  it('the answers of the site are lost for a while: the hardware is added once', async () => {
    ward = await Ward.open();
    const { hostId } = Ward.fullest(await ward.busy(2));
    const { body } = await ward.call(hostId, 'expand', { memoryGiB: 128 });
    await ward.watch(async () => (await ward.host(hostId)).state === 'maintenance');
    await ward.test.fault('answer-lost', 'site_a', { for: 90 });
    await ward.test.until(ward.ended(body.id), 1500);
    expect((await ward.operation(body.id)).state).toBe('success');
    const host = await ward.host(hostId);
    expect(host.memoryMiB).toBe(131_072);
    expect(host.free).toEqual(host.capacity);
    await ward.nothingIsLost();
  });
});
