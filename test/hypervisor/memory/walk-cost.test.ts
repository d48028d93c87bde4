import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { translationCost } from '../../../shared/hypervisor/memory/walk-cost.ts';
import { TLB_ENTRIES, VMM_STEP_CYCLES, WALK_CYCLES_PER_REFERENCE } from '../../../shared/hypervisor/parameters.ts';
import { Refused } from '../../../shared/hypervisor/refusal.ts';
import { RUNS } from './worlds.ts';

const fixed = fc.constantFrom('4k' as const, '2m' as const, '1g' as const);

describe('cost of translation', () => {
  it('K1 (published 4 and 24, derived 19 and 15): references of a miss come from walks', () => {
    const of = (scheme: 'native' | 'shadow' | 'nested', guestPage: '4k' | '2m', hostPage: '4k' | '2m') =>
      translationCost({ scheme, guestPage, hostPage, activeMiB: 1024 }).referencesPerMiss;
    expect([of('native', '4k', '4k'), of('shadow', '4k', '4k')]).toEqual([4, 4]);
    expect([of('nested', '4k', '4k'), of('nested', '4k', '2m'), of('nested', '2m', '2m')]).toEqual([24, 19, 15]);
  });
  it('MEM-10: misses are what the reach leaves of the active memory', () => {
    const cost = translationCost({
      scheme: 'nested',
      guestPage: '4k',
      hostPage: '2m',
      activeMiB: 24,
      tlbEntries: 1536,
    });
    expect(cost.tlbReachMiB).toBe(6);
    expect(cost.missRatio).toBeCloseTo(0.75, 9);
    expect(cost.referencesPerAccess).toBeCloseTo(0.75 * 19, 8);
    expect(cost.cyclesPerAccess).toBeCloseTo(0.75 * 19 * WALK_CYCLES_PER_REFERENCE, 6);
    expect(translationCost({ scheme: 'nested', guestPage: '2m', hostPage: '2m', activeMiB: 3072 }).missRatio).toBe(0);
  });
  it('MEM-10: larger pages in guest or host never cost more', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('native' as const, 'shadow' as const, 'nested' as const),
        fixed,
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (scheme, hostPage, activeMiB) => {
          const costs = (['4k', '2m', '1g'] as const).flatMap((guestPage) => [
            translationCost({ scheme, guestPage, hostPage, activeMiB }).cyclesPerAccess,
            translationCost({ scheme, guestPage: hostPage, hostPage: guestPage, activeMiB }).cyclesPerAccess,
          ]);
          for (let i = 2; i < costs.length; i++) expect(costs[i]).toBeLessThanOrEqual((costs[i - 2] as number) + 1e-9);
        },
      ),
      RUNS,
    );
  });
  it('MEM-6, MEM-7: writes to the guest tables cost VMM work with a shadow page table only', () => {
    const load = {
      guestPage: '4k',
      hostPage: '4k',
      activeMiB: 1,
      accessesPerSecond: 1e6,
      guestTableWritesPerSecond: 1000,
    } as const;
    expect(translationCost({ ...load, scheme: 'nested' })).toMatchObject({ vmmStepsPerSecond: 0, cyclesPerAccess: 0 });
    const shadow = translationCost({ ...load, scheme: 'shadow' });
    expect(shadow.vmmStepsPerSecond).toBe(3000); // the trap, and a merge that asks the tables of guest and VMM
    expect(shadow.cyclesPerAccess).toBeCloseTo((3000 * VMM_STEP_CYCLES) / 1e6, 9);
  });
  it('MEM-13: transparent huge pages lie between 4 KiB and 2 MiB pages, by the share that was promoted', () => {
    const of = (hostPage: '4k' | '2m' | 'thp', promotedShare = 0) =>
      translationCost({ scheme: 'nested', guestPage: '2m', hostPage, activeMiB: 16_384, promotedShare });
    expect(of('thp', 0)).toEqual(of('4k'));
    expect(of('thp', 1)).toEqual(of('2m'));
    const [low, high] = [of('thp', 0.3), of('thp', 0.7)];
    expect(low.missRatio).toBeGreaterThan(high.missRatio);
    expect(low.cyclesPerAccess).toBeLessThan(of('4k').cyclesPerAccess);
    expect(high.tlbReachMiB).toBeGreaterThan((TLB_ENTRIES * 4) / 1024);
  });
  it('an idle VM costs nothing, and figures that are none are refused', () => {
    const idle = { scheme: 'nested', guestPage: '4k', hostPage: '4k', activeMiB: 0 } as const;
    expect(translationCost(idle)).toMatchObject({
      missRatio: 0,
      cyclesPerAccess: 0,
      referencesPerMiss: 24,
      tlbReachMiB: 6,
    });
    for (const bad of [
      { activeMiB: -1 },
      { activeMiB: Number.NaN },
      { promotedShare: 2 },
      { tlbEntries: 0.5 },
      { accessesPerSecond: 0 },
    ])
      expect(() => translationCost({ ...idle, ...bad }), JSON.stringify(bad)).toThrow(Refused);
  });
});
