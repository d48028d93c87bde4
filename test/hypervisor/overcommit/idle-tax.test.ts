import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Claim, divideByShares } from '../../../shared/hypervisor/overcommit/idle-tax.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const claim = (shares: number, activeMiB: number, floorMiB = 0, ceilingMiB = 1000): Claim => ({
  shares,
  activeMiB,
  floorMiB,
  ceilingMiB,
});

describe('memory by shares and idle tax (Waldspurger, OSDI 2002)', () => {
  it('divides active memory in proportion to shares', () => {
    const got = divideByShares([claim(1, 1000), claim(3, 1000)], 800);
    expect(got[0]).toBeCloseTo(200, 9);
    expect(got[1]).toBeCloseTo(600, 9);
  });

  it('lets an idle page cost four active ones at a tax of 75 %', () => {
    const got = divideByShares([claim(1, 0), claim(1, 1000)], 1000);
    expect(got[0]).toBeCloseTo(200, 9);
    expect(got[1]).toBeCloseTo(800, 9);
  });

  const anyClaim = fc
    .record({
      shares: fc.integer({ min: 1, max: 1000 }),
      activeMiB: fc.nat(1000),
      floorMiB: fc.nat(500),
      above: fc.nat(500),
    })
    .map(({ above, ...c }) => ({ ...c, ceilingMiB: c.floorMiB + above }));

  it('hands out all there is, between floors and ceilings, and the same in any order', () => {
    fc.assert(
      fc.property(fc.array(anyClaim, { maxLength: 12 }), fc.nat(10_000), (claims, total) => {
        const got = divideByShares(claims, total);
        const [least, most] = [sum(claims.map((c) => c.floorMiB)), sum(claims.map((c) => c.ceilingMiB))];
        expect(sum(got)).toBeCloseTo(Math.max(least, Math.min(most, total)), 6);
        for (const [i, c] of claims.entries()) {
          expect(got[i]).toBeGreaterThanOrEqual(c.floorMiB);
          expect(got[i]).toBeLessThanOrEqual(c.ceilingMiB);
        }
        const turned = divideByShares([...claims].reverse(), total).reverse();
        for (const [i, mib] of turned.entries()) expect(mib).toBeCloseTo(got[i] as number, 6);
      }),
      { numRuns },
    );
  });

  it('charges all claims that are inside their bounds the same per share', () => {
    fc.assert(
      fc.property(fc.array(anyClaim, { maxLength: 8 }), fc.nat(6000), (claims, total) => {
        const got = divideByShares(claims, total);
        const costs = claims.flatMap((c, i) => {
          const mib = got[i] as number;
          const inside = mib > c.floorMiB + 1e-6 && mib < c.ceilingMiB - 1e-6;
          return inside ? [(Math.min(mib, c.activeMiB) + 4 * Math.max(0, mib - c.activeMiB)) / c.shares] : [];
        });
        for (const cost of costs) expect(cost).toBeCloseTo(costs[0] as number, 5);
      }),
      { numRuns },
    );
  });
});
