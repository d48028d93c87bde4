import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divideAmongVcpus, divideCpu } from '../../../shared/hypervisor/qos/cpu.ts';
import { poolSharesAt, sharesAt } from '../../../shared/hypervisor/qos/levels.ts';
import { freeReservation, type Pool, reserve } from '../../../shared/hypervisor/qos/pools.ts';
import { type Claim, waterFill } from '../../../shared/hypervisor/qos/water-filling.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const busy = { reservation: 0, demand: Number.POSITIVE_INFINITY };
const granted = (capacity: number, claims: Claim[]) => waterFill(capacity, claims).grants.map((g) => g.granted);
const vm = (id: string, shares: number, more: object = {}) => ({ id, vcpus: 1, shares, demandMhz: 2800, ...more });

describe('CPU QoS, worked examples', () => {
  it('B1 (Huawei community forum, FusionCompute CPU QoS): shares 1000/2000/4000 on a core of 2.8 GHz give 400/800/1600 MHz', () => {
    const grants = divideCpu(2800, 2800, [vm('a', 1000), vm('b', 2000), vm('c', 4000)]);
    expect(grants.map((g) => g.grantedMhz)).toEqual([400, 800, 1600]);
    expect(grants.map((g) => g.boundBy)).toEqual(['shares', 'shares', 'shares']);
  });

  it('B2 (Huawei community forum, FusionCompute CPU QoS): with 700 MHz reserved by the first they get 700/700/1400 MHz', () => {
    const grants = divideCpu(2800, 2800, [vm('a', 1000, { reservationMhz: 700 }), vm('b', 2000), vm('c', 4000)]);
    expect(grants.map((g) => g.grantedMhz)).toEqual([700, 700, 1400]);
    expect(grants[0]?.boundBy).toBe('reservation');
  });

  it('B3 (Huawei community forum, FusionCompute CPU QoS): a limit of 3 GHz for a VM of 2 vCPUs leaves each 1.5 GHz', () => {
    const [grant] = divideCpu(100_000, 2800, [{ id: 'a', vcpus: 2, limitMhz: 3000, demandMhz: 5600 }]);
    expect(grant).toMatchObject({ grantedMhz: 3000, boundBy: 'limit', readyPercent: 0 });
    expect(divideAmongVcpus(3000, 2800, [2800, 2800])).toEqual([1500, 1500]);
    expect(divideAmongVcpus(3000, 2800, [2800, 400])).toEqual([2600, 400]);
  });

  it('B5 (VMware vSphere 7.0 Resource Management): 2 vCPUs and 1 GB at Normal have 2000 and 10 240 shares; a pool counts as 4 vCPUs and 16 GB', () => {
    expect(sharesAt('normal', { vcpus: 2, memoryMiB: 1024 })).toEqual({ cpu: 2000, memory: 10_240 });
    expect(sharesAt('high', { vcpus: 1, memoryMiB: 1 })).toEqual({ cpu: 2000, memory: 20 });
    expect(sharesAt('low', { vcpus: 1, memoryMiB: 1 })).toEqual({ cpu: 500, memory: 5 });
    expect(poolSharesAt('normal')).toEqual(sharesAt('normal', { vcpus: 4, memoryMiB: 16_384 }));
  });

  it('B7 (derived from algorithm 1): limit and reservation together give 3000/4500/2500 of 10 000 MHz at level 2.25', () => {
    const { grants, level } = waterFill(10_000, [
      { id: 'A', share: 4000, ...busy, limit: 3000 },
      { id: 'B', share: 2000, ...busy, reservation: 1000 },
      { id: 'C', share: 1000, ...busy, reservation: 2500 },
    ]);
    expect(level).toBeCloseTo(2.25, 9);
    expect(grants.map((g) => g.granted)).toEqual([3000, 4500, 2500]);
    expect(grants.map((g) => g.boundBy)).toEqual(['limit', 'shares', 'reservation']);
  });

  it('C1 (VMware vSphere 7.0 Resource Management): an expandable pool borrows from the 3 GHz that its parent has free', () => {
    const mom: Pool = { id: 'RP-MOM', reservation: 6, reservedBelow: 1 + 2, lent: 0, expandable: false };
    const kid: Pool = { id: 'RP-KID', reservation: 2, reservedBelow: 0, lent: 0, expandable: true, parent: mom };
    expect(reserve(kid, 2)).toEqual({ ok: true, takes: [{ poolId: 'RP-KID', amount: 2 }] });
    kid.reservedBelow = 2;
    expect(freeReservation(mom)).toBe(3);
    expect(reserve(kid, 2)).toEqual({ ok: true, takes: [{ poolId: 'RP-MOM', amount: 2 }] });
    expect(reserve(kid, 4)).toMatchObject({ ok: false, refusal: { figures: { pool: 'RP-MOM', missing: 1 } } });
    expect(reserve({ ...kid, expandable: false }, 2)).toMatchObject({
      ok: false,
      refusal: { rule: 'VDC-3', figures: { pool: 'RP-KID', missing: 2 } },
    });
  });
});

describe('ready time', () => {
  it('is the part of the time that a vCPU waits for a CPU, and a limit is told apart from it', () => {
    const [ready] = divideCpu(2800, 2800, [vm('a', 1000), vm('b', 1000)]);
    expect(ready).toMatchObject({ readyPercent: 50, limitedPercent: 0 });
    const [limited] = divideCpu(28_000, 2800, [vm('a', 1000, { limitMhz: 700 })]);
    expect(limited).toMatchObject({ readyPercent: 0, limitedPercent: 75, boundBy: 'limit' });
  });

  it('is zero when nothing is contended, whatever the shares (QOS-1)', () => {
    for (const g of divideCpu(28_000, 2800, [vm('a', 1), vm('b', 128_000)]))
      expect(g).toMatchObject({ grantedMhz: 2800, readyPercent: 0, boundBy: 'demand' });
  });
});

const claim = fc
  .record({
    share: fc.integer({ min: 1, max: 128_000 }),
    reservation: fc.integer({ min: 0, max: 5000 }),
    above: fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
    demand: fc.integer({ min: 0, max: 10_000 }),
  })
  .map(({ share, reservation, above, demand }) => ({
    share,
    reservation,
    limit: above === undefined ? undefined : reservation + above,
    demand,
  }));
const contention = fc
  .record({ claims: fc.array(claim, { minLength: 1, maxLength: 40 }), spare: fc.nat(100_000) })
  .map(({ claims, spare }) => ({
    claims: claims.map((c, i): Claim => ({ ...c, id: `vm-${i}` })),
    // Admission has seen to it that the reservations fit (QOS-2).
    capacity: claims.reduce((n, c) => n + c.reservation, 0) + spare,
  }));
const near = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(b)));
const total = (numbers: number[]) => numbers.reduce((n, x) => n + x, 0);

describe('proportional share, for every contention', () => {
  it('gives out exactly the smaller of the capacity and what may be had (CPU-19; nothing idle, nothing twice)', () => {
    fc.assert(
      fc.property(contention, ({ capacity, claims }) => {
        const ceilings = claims.map((c) => Math.min(c.limit ?? Number.POSITIVE_INFINITY, c.demand));
        near(total(granted(capacity, claims)), Math.min(capacity, total(ceilings)));
      }),
      { numRuns },
    );
  });

  it('keeps every grant between floor and ceiling (QOS-2, QOS-3)', () => {
    fc.assert(
      fc.property(contention, ({ capacity, claims }) => {
        for (const [i, g] of waterFill(capacity, claims).grants.entries()) {
          const c = claims[i] as Claim;
          expect(g.granted).toBeGreaterThanOrEqual(Math.min(c.reservation, c.limit ?? c.demand, c.demand));
          expect(g.granted).toBeLessThanOrEqual(Math.min(c.limit ?? c.demand, c.demand));
        }
      }),
      { numRuns },
    );
  });

  it('treats those strictly inside their bounds alike: grant by share is equal', () => {
    fc.assert(
      fc.property(contention, ({ capacity, claims }) => {
        const { grants, level } = waterFill(capacity, claims);
        for (const [i, g] of grants.entries())
          if (g.boundBy === 'shares') near(g.granted / (claims[i] as Claim).share, level);
      }),
      { numRuns },
    );
  });

  it('does not depend on the order of the VMs', () => {
    fc.assert(
      fc.property(contention, fc.nat(), ({ capacity, claims }, turn) => {
        const by = turn % claims.length;
        const turned = [...claims.slice(by), ...claims.slice(0, by)].reverse();
        const [one, other] = [claims, turned].map(
          (list) => new Map(waterFill(capacity, list).grants.map((g) => [g.id, g.granted])),
        );
        for (const [id, amount] of one as Map<string, number>)
          near((other as Map<string, number>).get(id) ?? -1, amount);
      }),
      { numRuns },
    );
  });

  it('never gives less for a larger share of one`s own, nor for a larger capacity', () => {
    fc.assert(
      fc.property(contention, fc.nat(), fc.integer({ min: 1, max: 50_000 }), ({ capacity, claims }, which, more) => {
        const i = which % claims.length;
        const before = granted(capacity, claims);
        const richer = claims.map((c, at) => (at === i ? { ...c, share: c.share + more } : c));
        expect(granted(capacity, richer)[i]).toBeGreaterThanOrEqual((before[i] as number) * (1 - 1e-9) - 1e-9);
        for (const [at, amount] of granted(capacity + more, claims).entries())
          expect(amount).toBeGreaterThanOrEqual((before[at] as number) * (1 - 1e-9) - 1e-9);
      }),
      { numRuns },
    );
  });

  it('agrees with the level found by bisection', () => {
    fc.assert(
      fc.property(contention, ({ capacity, claims }) => {
        const at = (level: number) =>
          claims.map((c) => {
            const ceiling = Math.min(c.limit ?? c.demand, c.demand);
            return Math.min(Math.max(level * c.share, Math.min(c.reservation, ceiling)), ceiling);
          });
        let [low, high] = [0, 20_000];
        for (let i = 0; i < 100; i++) {
          const middle = (low + high) / 2;
          if (total(at(middle)) < capacity) low = middle;
          else high = middle;
        }
        const expected = at(high);
        for (const [i, amount] of granted(capacity, claims).entries()) near(amount, expected[i] as number);
      }),
      { numRuns },
    );
  });

  it('stops where one ceiling and the capacity meet before another floor is left', () => {
    // 49 x (1 / 49) falls just short of 1: a level that is missed by a rounding must not end in nothing for the first.
    const claims = [
      { id: 'a', share: 49, reservation: 0, limit: 1, demand: 1000 },
      { id: 'b', share: 1, reservation: 0.25, demand: 1000 },
    ];
    for (const [i, amount] of granted(1.25, claims).entries()) near(amount, [1, 0.25][i] as number);
  });

  it('refuses a set of reservations that the capacity cannot keep, with its rule (QOS-2)', () => {
    const claims = [1, 2].map((n) => ({ id: `${n}`, share: 1, ...busy, reservation: 600 }));
    expect(() => waterFill(1000, claims)).toThrow(/QOS-2/);
  });
});
