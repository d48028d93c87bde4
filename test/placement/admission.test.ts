import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demandOf } from '../../shared/hypervisor/demand.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import { minus } from '../../shared/model/amounts.ts';
import { type Admission, type ClusterHa, DEFAULT_HA, RECOVERY_METHODS } from '../../shared/model/ha.ts';
import type { Cluster, Host } from '../../shared/model/inventory.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { admitPowerOn, type FailoverPolicy } from '../../shared/placement/failover.ts';
import { failoverState, isFragmented } from '../../shared/placement/failover-state.ts';
import { place } from '../../shared/placement/placement.ts';
import { ClusterPromise } from '../../shared/placement/promise.ts';
import { placeRecovered, recoveryStages } from '../../shared/placement/recovery.ts';
import { rehearse } from '../../shared/placement/rehearsal.ts';
import { CapacitySnapshot, needOf } from '../../shared/placement/snapshot.ts';
import { cluster, host } from './hosts.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);

const clusterWith = (ha: Partial<ClusterHa>, more: Partial<Cluster> = {}): Cluster => ({
  ...cluster,
  ...more,
  ha: { ...DEFAULT_HA, ...ha },
});
const hosts = (count: number): Host[] => Array.from({ length: count }, (_, i) => host(`h${i}`));
/** Memory of such a host for VMs, MiB. */
const HOST_MIB = host('h').capacity.memoryMiB;

const vm = (id: string, memoryMiB: number, { hostId = null, ...more }: Partial<Vm> & { mhz?: number } = {}): Vm =>
  ({
    id,
    name: id,
    state: 'running',
    desired: 'running',
    cpu: { vcpus: 1, mode: 'hardware', ...(more.mhz ? { reservationMhz: more.mhz } : {}) },
    memory: { sizeMiB: memoryMiB, mode: 'hardware', pageSize: '4k' },
    disks: [],
    nics: [],
    ha: { enabled: true, restartPriority: 'medium', faultProcess: 'notProcess', failBack: false },
    siteId: 's1',
    clusterId: 'c1',
    hostId,
    ...more,
  }) as never;

/** Hosts whose ledgers carry these VMs. */
const carrying = (list: readonly Host[], vms: readonly Vm[]): Host[] =>
  list.map((h) => ({
    ...h,
    free: vms.filter((v) => v.hostId === h.id).reduce((free, v) => minus(free, demandOf(v)), h.free),
  }));

describe('whatever VMs are powered on one after the other', () => {
  const policies = fc.oneof(
    fc.record({
      kind: fc.constant('slots' as const),
      toleratedFaults: fc.integer({ min: 1, max: 3 }),
      slotCap: fc.option(fc.record({ memoryMiB: fc.integer({ min: 512, max: 8192 }) }), { nil: undefined }),
    }),
    fc.record({
      kind: fc.constant('percentage' as const),
      cpuPercent: fc.integer({ min: 0, max: 50 }),
      memoryPercent: fc.integer({ min: 0, max: 50 }),
    }),
  );
  const wishes = fc.array(
    fc.record({
      gib: fc.integer({ min: 1, max: 24 }),
      mhz: fc.integer({ min: 0, max: 2400 }),
      times: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 60 },
  );

  it('the promise holds after each that was admitted, as one who looks at all VMs finds, and nobody is refused whom it allows', () => {
    let [admitted, refused] = [0, 0];
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), policies, wishes, fc.nat(), (count, admission, wanted, seed) => {
        fc.pre(admission.kind !== 'slots' || admission.toleratedFaults < count);
        const own = clusterWith({ admission: admission as Admission });
        const list = hosts(count);
        const plain = list.map((h) => ({ id: h.id, ...h.capacity }));
        const snapshot = new CapacitySnapshot([own], list, []);
        const running: Vm[] = [];
        for (const { gib, mhz, times } of wanted) {
          // A batch asks for all of its VMs with one need.
          const shape = vm('', gib * 1024, { mhz });
          const need = needOf(shape, { sites: ['s1'], storage: false, powersOn: true });
          const allowed = (vms: readonly Vm[], more: Vm) =>
            admitPowerOn(
              admission as FailoverPolicy,
              { hosts: plain, poweredOn: vms.map(demandOf) },
              demandOf(more),
              'h0',
            ).length === 0;
          for (let i = 0; i < times; i++) {
            const next = { ...shape, id: `vm-${running.length}` };
            const decision = place(need, snapshot, seededRandom(seed));
            if (decision.ok) {
              expect(allowed(running, next)).toBe(true);
              snapshot.take(decision.candidate.host.id, need.demand);
              running.push(next);
              admitted++;
            } else if (decision.promised.length > 0) {
              expect(allowed(running, next)).toBe(false);
              refused++;
            }
          }
        }
      }),
      { numRuns },
    );
    expect(admitted > 0 && refused > 0).toBe(true);
  });

  it('under slots every host that the promise speaks of can really fail, since memory alone is short', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }), wishes, fc.nat(), (count, wanted, seed) => {
        const own = clusterWith({ admission: { kind: 'slots', toleratedFaults: 1 } }, { vcpuRatioPercent: 1000 });
        const list = hosts(count).map((h) => ({ ...h, overcommitVcpus: 200, free: { ...h.free, vcpus: 222 } }));
        const snapshot = new CapacitySnapshot([own], list, []);
        const running: Vm[] = [];
        for (const { gib } of wanted) {
          const next = vm(`vm-${String(running.length).padStart(3, '0')}`, gib * 1024);
          const need = needOf(next, { sites: ['s1'], storage: false, powersOn: true });
          const decision = place(need, snapshot, seededRandom(seed));
          if (!decision.ok) continue;
          snapshot.take(decision.candidate.host.id, need.demand);
          running.push({ ...next, hostId: decision.candidate.host.id });
        }
        const { failures } = rehearse(own, carrying(list, running), running, 1);
        expect(failures).toBeGreaterThanOrEqual(1);
      }),
      { numRuns },
    );
  });
});

describe('a promise', () => {
  it('counts the VMs of hosts that have failed, and no host that takes none', () => {
    const own = clusterWith({ admission: { kind: 'percentage', cpuPercent: 0, memoryPercent: 50 } });
    const vms = [vm('a', HOST_MIB / 2, { hostId: 'h0' }), vm('b', HOST_MIB / 2, { hostId: 'h1' })];
    const [h0, h1, h2] = carrying(hosts(3), vms) as [Host, Host, Host];
    const free = (list: Host[]) => new ClusterPromise(own, list).now().figures.memoryFreePercent;
    expect(free([h0, h1, h2])).toBeCloseTo(66.7, 1);
    expect(free([{ ...h0, state: 'fencing' }, h1, h2])).toBe(50);
    expect(free([h0, h1, { ...h2, draining: 'op' }])).toBe(50);
    expect(free([h0, h1, { ...h2, state: 'maintenance' }])).toBe(50);
  });

  it('is counted over the hosts in normal operation, not over those kept free', () => {
    const own = clusterWith({ admission: { kind: 'slots', toleratedFaults: 1 }, failoverHosts: ['h2'] });
    expect(new ClusterPromise(own, hosts(3)).hostsInUse).toBe(2);
  });

  it('of dedicated hosts is broken when one is lost or used, or when no recovery would use it', () => {
    const stands = (ha: Partial<ClusterHa>, list = hosts(3)) =>
      new ClusterPromise(clusterWith({ admission: { kind: 'dedicated' }, failoverHosts: ['h2'], ...ha }), list).now()
        .broken.length;
    expect(stands({ recovery: 'reserved' })).toBe(0);
    expect(stands({ recovery: 'automatic' })).toBe(1);
    expect(stands({ recovery: 'reserved', failoverHosts: [] })).toBe(1);
    const lost = hosts(3).map((h) => (h.id === 'h2' ? { ...h, state: 'fenced' as const } : h));
    expect(stands({ recovery: 'reserved' }, lost)).toBe(1);
    const used = carrying(hosts(3), [vm('a', 1024, { hostId: 'h2' })]);
    expect(stands({ recovery: 'reserved' }, used)).toBe(1);
  });
});

describe('the recovery method', () => {
  const normal = (free: number) => [host('h0', { free: { memoryMiB: free } })];
  const reserved = (free: number) => [host('kept', { free: { memoryMiB: free } })];
  const placed = (method: ClusterHa['recovery'], list: Host[]) => {
    const own = clusterWith({
      recovery: method,
      failoverHosts: ['kept'],
      admission: { kind: 'slots', toleratedFaults: 1 },
    });
    const need = needOf(vm('a', 4096), { sites: ['s1'], clusterId: 'c1', storage: false, powersOn: true });
    const snapshot = new CapacitySnapshot([own], list, []);
    const decision = placeRecovered(need, own, (asked) => place(asked, snapshot, seededRandom(1)));
    return decision.ok ? decision.candidate.host.id : decision.ruledOut;
  };

  it.each([
    ['automatic', 'h0', 'h0', { memory: 1, failover: 1 }],
    ['reserved', 'kept', { memory: 1, failover: 1 }, 'kept'],
    ['automaticThenReserved', 'h0', 'h0', 'kept'],
    ['reservedThenAutomatic', 'kept', 'h0', 'kept'],
  ] as const)(
    '%s: with room everywhere, only on hosts in use, only on those kept free',
    (method, both, inUse, free) => {
      expect(placed(method, [...normal(8192), ...reserved(8192)])).toEqual(both);
      expect(placed(method, [...normal(8192), ...reserved(0)])).toEqual(inUse);
      expect(placed(method, [...normal(0), ...reserved(8192)])).toEqual(free);
    },
  );

  it('with two stages says of each host once why it cannot be taken', () => {
    const down = host('down', { state: 'fenced' });
    expect(placed('automaticThenReserved', [...normal(0), ...reserved(0), down])).toEqual({ memory: 2, state: 1 });
  });

  it('is never one without a stage', () => {
    for (const method of RECOVERY_METHODS) expect(recoveryStages(method).length).toBeGreaterThan(0);
  });
});

describe('a rehearsal of failures', () => {
  const half = Math.floor(HOST_MIB / 2);

  it('places the VMs of one host after the other until one finds none, and says which, and why', () => {
    const vms = [0, 1, 2, 3].map((i) => vm(`vm-${i}`, half, { hostId: `h${i}` }));
    const list = carrying(hosts(4), vms);
    expect(rehearse(clusterWith({}), list, vms, 64)).toMatchObject({
      failures: 2,
      atLeast: false,
      homeless: {
        needs: { memoryMiB: half },
        mostOnOneHost: { memoryMiB: HOST_MIB - 2 * half },
        ruledOut: { memory: 1 },
      },
    });
    expect(rehearse(clusterWith({}), list, vms, 1)).toEqual({ failures: 1, atLeast: true });
  });

  it('takes the worst of all first failures, not that of the largest host', () => {
    const large = host('large', { memoryMiB: 131_072 });
    const vms = [vm('small', 1024, { hostId: 'large' }), vm('big', HOST_MIB - 1024, { hostId: 'h0' })];
    const list = carrying([large, host('h0'), host('h1', { free: { memoryMiB: 2048 } })], vms);
    const filled = list.map((h) => (h.id === 'large' ? { ...h, free: { ...h.free, memoryMiB: 1024 } } : h));
    expect(rehearse(clusterWith({}), filled, vms, 64)).toMatchObject({
      failures: 0,
      homeless: { vmId: 'big', failedHosts: ['h0'] },
    });
  });

  it('leaves out VMs that no recovery would start: without HA, or with a device of the host', () => {
    const off = { enabled: false, restartPriority: 'medium', faultProcess: 'notProcess', failBack: false } as const;
    const vms = [
      vm('off', HOST_MIB, { hostId: 'h0', ha: off }),
      vm('device', HOST_MIB, { hostId: 'h1', nics: [{ io: 'passthrough' }] as never }),
    ];
    expect(rehearse(clusterWith({}), carrying(hosts(2), vms), vms, 64)).toEqual({ failures: 2, atLeast: false });
  });

  it('places first what waits already; where that finds no host, none can fail', () => {
    const vms = [vm('waits', HOST_MIB, { state: 'faultResuming' }), vm('b', 1024, { hostId: 'h0' })];
    const list = carrying(hosts(1), vms);
    expect(rehearse(clusterWith({}), list, vms, 64)).toMatchObject({
      failures: 0,
      homeless: { vmId: 'waits', failedHosts: [] },
    });
  });

  it('uses failover hosts as the recovery method does', () => {
    const vms = [vm('a', HOST_MIB, { hostId: 'h0' })];
    const list = carrying(hosts(2), vms);
    const failures = (recovery: ClusterHa['recovery']) =>
      rehearse(clusterWith({ recovery, failoverHosts: ['h1'] }), list, vms, 64).failures;
    expect(failures('reserved')).toBe(1);
    expect(failures('automatic')).toBe(0);
  });

  it('does not depend on the order of hosts and VMs, and changes nothing that it is given', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), sizes, (count, gibs) => {
        const room = new Map<string, number>();
        const vms = gibs.flatMap((gib, i) => {
          const id = `h${i % count}`;
          const left = (room.get(id) ?? HOST_MIB) - gib * 1024;
          if (left < 0) return [];
          room.set(id, left);
          return [vm(`vm-${i}`, gib * 1024, { hostId: id })];
        });
        const list = carrying(hosts(count), vms);
        const before = structuredClone(list);
        const one = rehearse(clusterWith({}), list, vms, 64);
        expect(rehearse(clusterWith({}), list.toReversed(), vms.toReversed(), 64)).toEqual(one);
        expect(list).toEqual(before);
      }),
      { numRuns },
    );
  });
});

describe('a cluster that keeps its promise in sum', () => {
  const big = Math.floor(HOST_MIB * 0.6);

  it('but has it scattered over hosts says so, with a VM that would find none though the sum suffices', () => {
    const own = clusterWith({ admission: { kind: 'percentage', cpuPercent: 34, memoryPercent: 34 } });
    const vms = [0, 1, 2].map((i) => vm(`vm-${i}`, big, { hostId: `h${i}` }));
    const state = failoverState(own, carrying(hosts(3), vms), vms);
    expect(state).toMatchObject({
      kept: true,
      promisedFailures: 1,
      toleratedFailures: 0,
      fragmentation: { keptInSum: true, placeable: false, example: { lackingInSum: [], ruledOut: { memory: 2 } } },
    });
    expect(isFragmented(state)).toBe(true);
  });

  it('and where it can be placed is not fragmented', () => {
    const own = clusterWith({ admission: { kind: 'percentage', cpuPercent: 34, memoryPercent: 34 } });
    const vms = [0, 1, 2].map((i) => vm(`vm-${i}`, 1024, { hostId: `h${i}` }));
    expect(isFragmented(failoverState(own, carrying(hosts(3), vms), vms))).toBe(false);
  });
});
