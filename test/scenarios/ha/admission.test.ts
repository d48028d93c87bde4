import { afterEach, describe, expect, it, vi } from 'vitest';
import { CapacityReader } from '../../../shared/store/capacity.ts';
import { TestCloud } from '../../support/cloud.ts';
import { aroundStep, beforeCommits, Gate, meeting, once } from '../../support/interleave.ts';
import { estate, HOST_MIB, Ward } from './failover-ward.ts';

let test: TestCloud;
afterEach(async () => {
  vi.restoreAllMocks();
  await test.stop();
});
const open = async (clusters?: Record<string, number>) => {
  test = await TestCloud.start({ estate: estate(clusters) });
  return Ward.open(test);
};
const sound = async () => expect(await test.violations()).toEqual([]);
const SLOTS = { admission: { kind: 'slots', toleratedFaults: 1 } };
const PERCENT = { admission: { kind: 'percentage', cpuPercent: 34, memoryPercent: 34 } };

describe('slots', () => {
  it('six VMs of 16 GiB run on three hosts of which one may fail; the seventh is refused with every figure, and so is its dry run', async () => {
    const ward = await open();
    await ward.set(SLOTS);
    await ward.run(6, 16);
    for (const dryRun of [false, true]) {
      const { status, body } = await ward.ask(16, { name: 'seventh', dryRun });
      expect([status, body.code, body.rule]).toEqual([507, 'failover-capacity', 'HA-13']);
      expect(body.clusters).toEqual([
        {
          clusterId: ward.cluster,
          policy: { kind: 'slots', toleratedFaults: 1 },
          now: { capacity: 1, toleratedFaults: 1, slotsTaken: 6, slots: 9, mhz: 32, memoryMiB: 16_384 },
          afterwards: { capacity: 0, toleratedFaults: 1, slotsTaken: 7, slots: 9, mhz: 32, memoryMiB: 16_384 },
          reasons: [expect.stringContaining('0 hosts could fail, 1 must be able to')],
        },
      ]);
      expect(body.ruledOut).toEqual({ 'failover-capacity': 3 });
      expect(body.help).toEqual([expect.stringMatching(/Stop VMs, add hosts/)]);
    }
    expect(await ward.state()).toMatchObject({ kept: true, promisedFailures: 1, toleratedFailures: 1 });
    await sound();
  });

  it('one large VM makes every slot large, and when it is gone the slots are small again by themselves', async () => {
    const ward = await open();
    await ward.set(SLOTS);
    const [large] = await ward.run(1, 30);
    await ward.run(3, 4);
    expect((await ward.ask(4)).body.clusters[0]?.now).toMatchObject({ slots: 6, memoryMiB: 30_720, slotsTaken: 4 });
    await ward.acme.remove(large?.id as string);
    await test.settle();
    await test.until(async () => (await ward.state()).figures.memoryMiB === 4096, 90);
    await ward.run(1, 4, { name: 'now' });
    await sound();
  });

  it('a VM that takes several slots of a capped size is counted with all of them, once, however often its start is tried', async () => {
    const ward = await open();
    await ward.set({ admission: { kind: 'slots', toleratedFaults: 1, slotCap: { memoryMiB: 8192 } } });
    aroundStep('provision-vm', 'startVms', async (run) => {
      await run();
      return run();
    });
    await ward.run(3, 16);
    expect((await ward.state()).figures).toMatchObject({ slots: 21, slotsTaken: 6, memoryMiB: 8192, capacity: 2 });
    const stopped = await ward.run(4, 16, { name: 'more' });
    expect((await ward.ask(8)).status).toBe(507);
    const { body } = await ward.ask(16);
    expect(body.clusters[0]?.now).toMatchObject({ slotsTaken: 14, capacity: 1 });
    expect(body.clusters[0]?.afterwards).toMatchObject({ slotsTaken: 16, capacity: 0 });
    await ward.acme.action(stopped[0]?.id as string, 'stop');
    await test.settle();
    await test.until(async () => (await ward.state()).figures.slotsTaken === 12, 90);
    await ward.run(1, 16, { name: 'again' });
    await sound();
  });
});

describe('a percentage', () => {
  it('is kept free of CPU and of memory; each is refused with what would be left', async () => {
    const ward = await open();
    await ward.set(PERCENT);
    await ward.run(7, 16);
    const memory = await ward.ask(16);
    expect([memory.status, memory.body.code]).toEqual([507, 'failover-capacity']);
    const [cluster] = memory.body.clusters;
    expect(cluster?.now.memoryFreePercent).toBeCloseTo(100 - (100 * 7 * 16_384) / (3 * HOST_MIB), 6);
    expect(cluster?.afterwards.memoryFreePercent).toBeCloseTo(100 - (100 * 8 * 16_384) / (3 * HOST_MIB), 6);
    expect(cluster?.reasons).toEqual(['31.2 % of memory free, 34 % must be']);
    const cpu = await ward.ask(1, { mhz: 310_000, vcpus: 62 });
    expect([cpu.status, cpu.body.code]).toEqual([507, 'no-capacity']);
    await ward.run(2, 1, { mhz: 140_000, vcpus: 59 });
    const short = await ward.ask(1, { mhz: 20_000, vcpus: 10 });
    expect(short.body.clusters[0]?.reasons).toEqual([expect.stringMatching(/% of CPU free, 34 % must be/)]);
    await sound();
  });

  it('is asked by a reservation that grows while the VM runs, and not by one that shrinks', async () => {
    const ward = await open();
    await ward.set(PERCENT);
    const vms = await ward.run(2, 1, { mhz: 140_000, vcpus: 60 });
    const { id } = vms[0] as { id: string };
    const grown = await ward.patch(id, { cpu: { reservationMhz: 144_000 } });
    expect(grown.status).toBe(200);
    const [more] = await ward.run(1, 1, { vcpus: 60, name: 'third' });
    const refused = await ward.patch(more?.id as string, { cpu: { reservationMhz: 100_000 } });
    expect([refused.status, refused.body.code]).toEqual([507, 'failover-capacity']);
    expect(refused.body.clusters[0]).toMatchObject({
      now: { cpuReservePercent: 34 },
      afterwards: { cpuReservePercent: 34 },
      reasons: [expect.stringMatching(/% of CPU free/)],
    });
    expect((await ward.patch(id, { cpu: { reservationMhz: 100_000 } })).status).toBe(200);
    await test.settle();
    await sound();
  });
});

describe('what is refused', () => {
  it('a batch as a whole: none of it is created, and the figures are those of all of it', async () => {
    const ward = await open();
    await ward.set(SLOTS);
    await ward.run(4, 16);
    const { status, body } = await ward.ask(16, { name: 'batch', count: 3 });
    expect([status, body.code]).toEqual([507, 'failover-capacity']);
    expect(body.clusters[0]).toMatchObject({ now: { slotsTaken: 4 }, afterwards: { slotsTaken: 7, capacity: 0 } });
    expect((await ward.ask(16, { name: 'two', count: 2 })).status).toBe(201);
    await test.settle();
    await sound();
  });

  it('a start, as a creation is; a creation that is not to be started is not asked', async () => {
    const ward = await open();
    await ward.set(SLOTS);
    await ward.run(6, 16);
    const { status, body: vm } = await ward.ask(16, { name: 'resting', start: false });
    expect(status).toBe(201);
    await test.settle();
    const start = await ward.acme.action(vm.id, 'start');
    expect([start.status, start.body.code]).toEqual([507, 'failover-capacity']);
    expect((await ward.acme.vm(vm.id)).state).toBe('stopped');
    await sound();
  });

  it('only where no other cluster can take it: the one beside it is tried', async () => {
    const ward = await open({ c1: 2, c2: 1 });
    await ward.set(SLOTS);
    await ward.run(3, 16);
    expect((await ward.ask(16)).status).toBe(507);
    const body = { ...ward.acme.body({ memoryMiB: 16_384, vcpus: 1, nic: false }) };
    const path = `/v1/vdcs/${ward.acme.vdcId}/vms`;
    const { id } = await test.client.must<{ id: string }>('POST', path, ward.acme.token, body);
    await test.settle();
    expect((await ward.acme.vm(id)).hostId).toMatch(/^host_a-c2/);
    await sound();
  });
});

describe('two that were admitted at once, on pictures that did not show the other', () => {
  /** Each request decides on a picture from before both. */
  const stale = async () => {
    const reader = () => new CapacityReader(test.cloud.store, test.clock).retake();
    const pictures = [await reader(), await reader()];
    vi.spyOn(CapacityReader.prototype, 'snapshot').mockImplementation(async () => pictures.pop() ?? reader());
  };

  it('are never both started: the later of the two checks sees the other one, and its creation leaves nothing', async () => {
    const ward = await open();
    await ward.set(SLOTS);
    await ward.run(5, 16);
    await stale();
    // The first one has been checked, and is about to be entered at its host, until the second has been judged.
    const [checked, judged] = [new Gate(), new Gate()];
    const pause = once(async () => {
      void checked.pass();
      await judged.pass();
    });
    let first = true;
    aroundStep('provision-vm', 'startVms', async (run, deps) => {
      if (first) {
        first = false;
        return run({ ...deps, store: beforeCommits(deps.store, pause) });
      }
      return run().finally(judged.open);
    });
    const a = await ward.ask(16, { name: 'a' });
    await checked.reached;
    const b = await ward.ask(16, { name: 'b' });
    expect([a.status, b.status]).toEqual([201, 201]);
    await test.settle();
    expect((await ward.operation(a.body.operationId)).state).toBe('success');
    const failed = await ward.operation(b.body.operationId);
    expect(failed?.error?.code).toBe('failover-capacity');
    expect(failed?.error?.message).toMatch(
      /0 hosts could fail, 1 must be able to: of 9 slots .* 7 are taken \(HA-13\)/,
    );
    expect(failed?.error?.message).not.toMatch(/host_/);
    expect((await ward.state()).figures).toMatchObject({ slotsTaken: 6, capacity: 1 });
    await sound();
  });

  it('are both refused where both checks see both, rather than the promise be broken', async () => {
    const ward = await open();
    await ward.set(SLOTS);
    await ward.run(5, 16);
    await stale();
    const both = meeting(2);
    aroundStep('provision-vm', 'startVms', async (run) => {
      await both();
      return run();
    });
    const [a, b] = [await ward.ask(16, { name: 'a' }), await ward.ask(16, { name: 'b' })];
    expect([a.status, b.status]).toEqual([201, 201]);
    await test.settle();
    const operations = await Promise.all([a, b].map(({ body }) => ward.operation(body.operationId)));
    expect(operations.map((o) => o.error?.code)).toEqual(['failover-capacity', 'failover-capacity']);
    expect((await ward.state()).figures).toMatchObject({ slotsTaken: 5 });
    await sound();
  });

  it('each larger than the other in one way make a slot that is as large as both, and one of them is not started', async () => {
    const ward = await open();
    await ward.set(SLOTS);
    await ward.run(1, 1);
    await stale();
    const both = meeting(2);
    aroundStep('provision-vm', 'startVms', async (run) => {
      await both();
      return run();
    });
    const [a, b] = [
      await ward.ask(30, { name: 'memory', vcpus: 2 }),
      await ward.ask(1, { name: 'cpu', vcpus: 60, mhz: 140_000 }),
    ];
    expect([a.status, b.status]).toEqual([201, 201]);
    await test.settle();
    const operations = await Promise.all([a, b].map(({ body }) => ward.operation(body.operationId)));
    expect(operations.filter((o) => o.error?.code === 'failover-capacity').length).toBeGreaterThanOrEqual(1);
    expect((await ward.state()).kept).toBe(true);
    await sound();
  });
});

describe('a recovery', () => {
  it('may use what was kept for it; the promise is then broken, said by an alarm, and kept again when the host is back', async () => {
    const ward = await open();
    await ward.set(SLOTS);
    const vms = await ward.run(6, 16);
    const lost = vms[0]?.hostId as string;
    const { id: fault } = await test.fault('host-power-loss', lost);
    await test.until(async () => (await ward.alarms()).includes(`failover-capacity#${ward.cluster}`), 90);
    await test.settle();
    for (const { id } of vms) {
      const { state, hostId } = await ward.acme.vm(id);
      expect(state).toBe('running');
      expect(hostId).not.toBe(lost);
    }
    expect(await ward.state()).toMatchObject({ kept: false, toleratedFailures: 0, figures: { capacity: 0 } });
    expect((await ward.ask(1)).body.code).toBe('failover-capacity');
    await test.client.must('DELETE', `/v1/sim/faults/${fault}`, test.operator);
    await test.client.must('POST', `/v1/system/hosts/${lost}/power-on`, test.operator);
    await test.settle();
    await test.until(async () => (await ward.alarms()).length === 0, 180);
    expect(await ward.state()).toMatchObject({ kept: true });
    await sound();
  });

  it.each([
    ['automatic', 16, 'normal'],
    ['reserved', 16, 'reserved'],
    ['automaticThenReserved', 16, 'normal'],
    ['automaticThenReserved', 36, 'reserved'],
    ['reservedThenAutomatic', 16, 'reserved'],
    ['reservedThenAutomatic', 36, 'both'],
  ] as const)('%s: VMs of %d GiB go to hosts in use or kept free: %s', async (recovery, gib, where) => {
    const ward = await open({ c1: where === 'both' ? 4 : 3 });
    const hosts = await ward.hosts();
    const kept = hosts.at(-1) as string;
    await ward.set({ recovery, failoverHosts: [kept] });
    const vms = await ward.run(hosts.length - 1, gib);
    for (const vm of vms) expect(vm.hostId).not.toBe(kept);
    const lost = vms[0]?.hostId as string;
    await test.fault('host-power-loss', lost);
    await test.until(async () => (await ward.acme.vm(vms[0]?.id as string)).hostId !== lost);
    await test.settle();
    const places = await Promise.all(vms.map(async ({ id }) => (await ward.acme.vm(id)).hostId));
    const moved = (await ward.acme.vm(vms[0]?.id as string)).hostId;
    if (where === 'both') {
      // The kept host is full now: who comes next finds no room at the first stage, and the second has none either.
      expect(moved).toBe(kept);
      const second = vms[1]?.hostId as string;
      await test.fault('host-power-loss', second);
      await test.until(async () => (await ward.acme.vm(vms[1]?.id as string)).state === 'faultResuming');
      await test.advance(120);
      expect(await ward.acme.vm(vms[1]?.id as string)).toMatchObject({ state: 'faultResuming', hostId: null });
      await ward.acme.remove(vms[2]?.id as string);
      await test.until(async () => (await ward.acme.vm(vms[1]?.id as string)).state === 'running');
      expect((await ward.acme.vm(vms[1]?.id as string)).hostId).toBe(vms[2]?.hostId);
    } else expect(places.filter((id) => id === kept)).toHaveLength(where === 'reserved' ? 1 : 0);
    await test.settle();
    await sound();
  });
});

describe('dedicated failover hosts', () => {
  it('take no creation, start, migration or evacuation, and say so; a promise without them is not kept', async () => {
    const ward = await open({ c1: 2 });
    const [first, kept] = (await ward.hosts()) as [string, string];
    const state = await ward.set({ failoverHosts: [kept], admission: { kind: 'dedicated' }, recovery: 'reserved' });
    expect(state).toMatchObject({ kept: true, promisedFailures: 1, figures: { failoverHosts: 1, ready: 1 } });
    const vms = await ward.run(3, 16);
    for (const vm of vms) expect(vm.hostId).toBe(first);
    expect((await ward.state()).toleratedFailures).toBe(1);
    const full = await ward.ask(16);
    expect([full.status, full.body.code, full.body.ruledOut]).toEqual([507, 'no-capacity', { memory: 1, failover: 1 }]);
    const path = `/v1/system/vms/${vms[0]?.id}/migrate`;
    const move = await test.client.call<{ ruledOut: object }>('POST', path, {
      token: test.operator,
      body: { hostId: kept },
    });
    expect([move.status, move.body.ruledOut]).toEqual([507, { host: 1, failover: 1 }]);
    const leave = await test.client.call<{ detail: string }>('POST', `/v1/system/hosts/${first}/maintenance-enter`, {
      token: test.operator,
    });
    expect([leave.status, leave.body.detail]).toEqual([507, expect.stringMatching(/failover rules out 1/)]);
    await test.fault('host-power-loss', kept);
    await test.until(async () => (await ward.alarms()).includes(`failover-capacity#${ward.cluster}`), 90);
    expect(await ward.state()).toMatchObject({ kept: false, figures: { ready: 0 } });
    await test.settle();
    await sound();
  });

  it('must be empty hosts of the cluster, and each contradiction is named; a refused change changes nothing', async () => {
    const ward = await open();
    const [vm] = await ward.run(1, 16);
    const hosts = await ward.hosts();
    const other = hosts.find((id) => id !== vm?.hostId) as string;
    const flaws = async (ha: object) => {
      const { status, body } = await ward.settings(ha);
      return [status, body.code, ...(body.errors ?? []).map((e) => e.location)];
    };
    expect(await flaws({ failoverHosts: ['host_x', other, other] })).toEqual([
      400,
      'invalid-request',
      'body.ha.failoverHosts.0',
      'body.ha.failoverHosts.2',
    ]);
    expect(await flaws({ admission: { kind: 'dedicated' }, recovery: 'reserved' })).toEqual([
      400,
      'invalid-request',
      'body.ha.admission',
      'body.ha.recovery',
    ]);
    expect(await flaws({ admission: { kind: 'slots', toleratedFaults: 3 } })).toEqual([
      400,
      'invalid-request',
      'body.ha.admission.toleratedFaults',
    ]);
    expect(await flaws({ failoverHosts: hosts })).toEqual([400, 'invalid-request', 'body.ha.failoverHosts']);
    const full = await ward.settings({ failoverHosts: [vm?.hostId, other] });
    expect([full.status, full.body.code]).toEqual([409, 'in-use']);
    expect(full.body.hosts).toEqual([{ hostId: vm?.hostId, name: expect.any(String), vms: 1 }]);
    expect(await ward.state()).toMatchObject({ failoverHosts: [], policy: { kind: 'none' }, kept: true });
    await sound();
  });
});

describe('a policy that is broken when it is set', () => {
  it('is taken, answered with how it stands, and raises the alarm, which goes with the policy', async () => {
    const ward = await open();
    await ward.run(7, 16);
    const state = await ward.set(SLOTS);
    expect(state).toMatchObject({ kept: false, figures: { capacity: 0, slotsTaken: 7, slots: 9 } });
    expect(state.reasons).toEqual([expect.stringMatching(/\(HA-13\)$/)]);
    await test.until(async () => (await ward.alarms()).length > 0, 70);
    await ward.set({ admission: { kind: 'none' } });
    await test.until(async () => (await ward.alarms()).length === 0, 70);
    await sound();
  });

  it('kept in sum and not placeable: a VM of 36 GiB finds no host though 52 GiB are free, which is told on its own', async () => {
    const ward = await open();
    await ward.run(3, 36);
    const state = await ward.set(PERCENT);
    expect(state).toMatchObject({ kept: true, promisedFailures: 1, toleratedFailures: 0 });
    expect(state.fragmentation).toMatchObject({
      keptInSum: true,
      placeable: false,
      example: {
        name: expect.stringMatching(/^vm-/),
        needs: { memoryMiB: 36_864 },
        freeInSum: { memoryMiB: 2 * (HOST_MIB - 36_864) },
        mostOnOneHost: { memoryMiB: HOST_MIB - 36_864 },
        lackingInSum: [],
        ruledOut: { memory: 2 },
      },
    });
    await test.until(async () => (await ward.alarms()).includes(`failover-fragmented#${ward.cluster}`), 70);
    expect(await ward.alarms()).toHaveLength(1);
    await sound();
  });
});
