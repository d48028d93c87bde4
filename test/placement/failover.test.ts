import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import { RESERVE_MAX_PERCENT, SLOT_CAP_MAX, SLOT_MIN, TOLERATED_FAULTS_DEFAULT } from '../../shared/model/ha.ts';
import {
  admitPowerOn,
  type FailoverHost,
  type FailoverPolicy,
  faultsCovered,
  freePercent,
  policyFaults,
  reserveFor,
  slotView,
} from '../../shared/placement/failover.ts';
import type { Amount } from '../../shared/placement/load.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const GIB = 1024;
const host = (id: string, ghz: number, gib: number): FailoverHost => ({ id, mhz: ghz * 1000, memoryMiB: gib * GIB });
const vm = (ghz: number, gib: number): Amount => ({ mhz: ghz * 1000, memoryMiB: gib * GIB });
const equal = (count: number): FailoverHost[] => Array.from({ length: count }, (_, i) => host(`h${i}`, 10, 100));
const tolerate = (toleratedFaults: number, slotCap?: Partial<Amount>): FailoverPolicy => ({
  kind: 'slots',
  toleratedFaults,
  ...(slotCap ? { slotCap } : {}),
});

describe('slot policy', () => {
  const hosts = [host('H1', 9, 9), host('H2', 9, 6), host('H3', 6, 6)];
  const five = [vm(2, 1), vm(2, 1), vm(1, 2), vm(1, 1), vm(1, 1)];

  it('D1 (VMware vSphere Availability): slots of 2 GHz / 2 GB, 4 + 3 + 3 of them, and one of the three hosts can fail', () => {
    const view = slotView(hosts, five);
    expect(view.slot).toEqual(vm(2, 2));
    expect([...view.slotsOf]).toEqual([
      ['H1', 4],
      ['H2', 3],
      ['H3', 3],
    ]);
    expect(view).toMatchObject({ taken: 5, capacity: 1 });
  });

  it('D1 (VMware vSphere Availability): the fifth VM is accepted with one fault to tolerate, and refused with two, with figures', () => {
    const cluster = { hosts, poweredOn: five.slice(1) };
    expect(admitPowerOn(tolerate(TOLERATED_FAULTS_DEFAULT), cluster, five[0] as Amount, 'H1')).toEqual([]);
    expect(admitPowerOn(tolerate(2), cluster, five[0] as Amount, 'H1')).toMatchObject([
      { rule: 'HA-13', figures: { capacity: 1, toleratedFaults: 2, slotsTaken: 5, mhz: 2000, memoryMiB: 2048 } },
    ]);
  });

  it('a cap on the slot makes small VMs cheap again: the large one takes several slots instead', () => {
    const needs = [vm(8, 1), vm(1, 1), vm(1, 1)];
    expect(slotView(hosts, needs)).toMatchObject({ slot: vm(8, 1), taken: 3, capacity: 0 });
    const capped = slotView(hosts, needs, { mhz: 1000 });
    expect(capped).toMatchObject({ slot: vm(1, 1), taken: 10, capacity: 1 });
  });

  it('without any need a slot is of the least size, not of none', () => {
    expect(slotView(hosts, []).slot).toEqual(SLOT_MIN);
    expect(slotView(hosts, [{ mhz: 0, memoryMiB: 0 }]).slot).toEqual(SLOT_MIN);
  });

  const anyHosts = fc.array(
    fc.record({ mhz: fc.integer({ min: 1000, max: 100_000 }), memoryMiB: fc.integer({ min: 1024, max: 500_000 }) }),
    { minLength: 1, maxLength: 8 },
  );
  const anyNeeds = fc.array(
    fc.record({ mhz: fc.integer({ min: 0, max: 8000 }), memoryMiB: fc.integer({ min: 0, max: 32_768 }) }),
    { minLength: 1, maxLength: 30 },
  );
  const named = (list: Amount[]): FailoverHost[] => list.map((h, i) => ({ id: `h${i}`, ...h }));

  it('keeps its promise: after any failure of as many hosts as the capacity says, every VM has a slot that holds it', () => {
    fc.assert(
      fc.property(anyHosts, anyNeeds, fc.nat(), (amounts, needs, seed) => {
        const all = named(amounts);
        const { capacity, slot, slotsOf } = slotView(all, needs);
        // Any failed hosts, not the largest: a rotation of the list by the seed.
        const from = seed % all.length;
        const failed = new Set([...all, ...all].slice(from, from + capacity).map((h) => h.id));
        const left = all.filter((h) => !failed.has(h.id));
        if (capacity === 0) return;
        expect(left.reduce((sum, h) => sum + (slotsOf.get(h.id) as number), 0)).toBeGreaterThanOrEqual(needs.length);
        for (const n of needs) expect(n.mhz <= slot.mhz && n.memoryMiB <= slot.memoryMiB).toBe(true);
        for (const h of left) {
          const slots = slotsOf.get(h.id) as number;
          expect(slots * slot.mhz <= h.mhz && slots * slot.memoryMiB <= h.memoryMiB).toBe(true);
        }
      }),
      { numRuns },
    );
  });

  it('does not fall when a host is added, nor rise when a VM is, whatever their order', () => {
    fc.assert(
      fc.property(anyHosts, anyNeeds, (amounts, needs) => {
        const all = named(amounts);
        const { capacity } = slotView(all, needs);
        expect(slotView([...all, host('more', 50, 500)], needs).capacity).toBeGreaterThanOrEqual(capacity);
        expect(slotView(all, [...needs, vm(1, 1)]).capacity).toBeLessThanOrEqual(capacity);
        expect(slotView(all.toReversed(), needs.toReversed()).capacity).toBe(capacity);
      }),
      { numRuns },
    );
  });
});

describe('percentage policy', () => {
  const keep = (percent: number): FailoverPolicy => ({
    kind: 'percentage',
    cpuPercent: percent,
    memoryPercent: percent,
  });

  it('D3 (VMware vSphere HA design texts): to tolerate 2 of 10 equal hosts, reserve 20 %', () => {
    expect(reserveFor(2, 10)).toBe(20);
  });

  it.each([
    [8, 2],
    [32, 8],
  ])('D3 (VMware vSphere HA design texts): 25 %% of %d balanced hosts cover %d failures', (hosts, faults) => {
    expect(faultsCovered(25, hosts)).toBe(faults);
  });

  it('what is reserved for k of n hosts covers k of n hosts, also where the percentage has no end', () => {
    for (let n = 1; n <= 64; n++) for (let k = 0; k <= n; k++) expect(faultsCovered(reserveFor(k, n), n)).toBe(k);
  });

  it('counts CPU and memory separately, and names each that falls short', () => {
    const cluster = { hosts: equal(4), poweredOn: [vm(28, 100)] };
    expect(freePercent(cluster.hosts, cluster.poweredOn)).toEqual({ cpu: 30, memory: 75 });
    expect(admitPowerOn(keep(25), cluster, vm(2, 1), 'h0')).toEqual([]);
    expect(admitPowerOn(keep(25), cluster, vm(2.1, 1), 'h0')).toMatchObject([{ figures: { cpuReservePercent: 25 } }]);
    expect(admitPowerOn(keep(25), cluster, vm(3, 300), 'h0')).toHaveLength(2);
  });

  it('lets VMs fill exactly what n - k hosts hold, and not one MHz more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), (n, seed) => {
        const k = seed % (Math.floor(n / 2) + 1);
        const cluster = { hosts: equal(n), poweredOn: [{ mhz: 10_000 * (n - k) - 1, memoryMiB: 0 }] };
        expect(admitPowerOn(keep(reserveFor(k, n)), cluster, { mhz: 1, memoryMiB: 0 }, 'h0')).toEqual([]);
        expect(admitPowerOn(keep(reserveFor(k, n)), cluster, { mhz: 2, memoryMiB: 0 }, 'h0')).toHaveLength(1);
      }),
      { numRuns },
    );
  });
});

it('dedicated failover hosts take no VM in normal operation, all others do', () => {
  const policy: FailoverPolicy = { kind: 'dedicated', hostIds: ['h1'] };
  const cluster = { hosts: equal(2), poweredOn: [] };
  expect(admitPowerOn(policy, cluster, vm(1, 1), 'h0')).toEqual([]);
  expect(admitPowerOn(policy, cluster, vm(1, 1), 'h1')).toMatchObject([{ rule: 'HA-13', figures: { hostId: 'h1' } }]);
});

describe('figures out of the range of HA-13 are refused', () => {
  const hosts = equal(3);
  it.each<[string, FailoverPolicy, number]>([
    ['faults of 0', tolerate(0), 1],
    ['faults above the number of hosts', tolerate(4), 1],
    ['half a fault', tolerate(1.5), 1],
    ['faults of all hosts are allowed', tolerate(3), 0],
    ['the largest slot cap is allowed', tolerate(1, SLOT_CAP_MAX), 0],
    ['a larger one is not', tolerate(1, { mhz: SLOT_CAP_MAX.mhz + 1, memoryMiB: SLOT_CAP_MAX.memoryMiB + 1 }), 2],
    ['nor a smaller one than the lower ends', tolerate(1, { mhz: SLOT_MIN.mhz - 1, memoryMiB: 127 }), 2],
    ['a reserve above 50 %', { kind: 'percentage', cpuPercent: 51, memoryPercent: RESERVE_MAX_PERCENT }, 1],
    ['a reserve below 0 %', { kind: 'percentage', cpuPercent: 0, memoryPercent: -1 }, 1],
    ['a reserve that is no number', { kind: 'percentage', cpuPercent: Number.NaN, memoryPercent: 0 }, 1],
    ['a failover host of nowhere', { kind: 'dedicated', hostIds: ['h0', 'elsewhere'] }, 1],
  ])('%s', (_what, policy, faults) => {
    expect(policyFaults(policy, hosts)).toHaveLength(faults);
    const ask = () => admitPowerOn(policy, { hosts, poweredOn: [] }, vm(1, 1), 'h2');
    if (faults > 0) expect(ask).toThrow(Refused);
    else expect(ask).not.toThrow();
  });

  it('needs below zero, and more failures than hosts', () => {
    expect(() => slotView(hosts, [vm(-1, 1)])).toThrow(Refused);
    expect(() => freePercent(hosts, [{ mhz: 1, memoryMiB: Number.NaN }])).toThrow(Refused);
    expect(() => reserveFor(4, 3)).toThrow(Refused);
  });
});
