import { describe, expect, it } from 'vitest';
import {
  memorySharesDefault,
  overcommitAlarm,
  overcommitRefusals,
  roundReservation,
  swapRefusal,
} from '../../../shared/hypervisor/overcommit/admission.ts';

describe('the switch and its bounds (OVC-5)', () => {
  const of = (sizes: number[], ratioPercent: number, enabled: boolean, reservations: number[] = []) =>
    overcommitRefusals({ sizes, reservations, domainMiB: 1000, ratioPercent, enabled }).map((r) => r.rule);

  it.each([
    ['off, up to the memory for VMs', [600, 400], 150, false, []],
    ['off, one MiB more', [600, 401], 150, false, ['OVC-5']],
    ['on, up to the ratio', [700, 500], 120, true, []],
    ['on, one MiB more', [700, 501], 120, true, ['OVC-5']],
    ['on, up to the ceiling', [700, 800], 150, true, []],
    ['on, a ratio above the ceiling', [], 151, true, ['OVC-5']],
    ['on, a ratio below 100 %', [], 99, true, ['OVC-5']],
  ])('%s', (_what, sizes, ratio, enabled, rules) => {
    expect(of(sizes, ratio, enabled)).toEqual(rules);
  });

  it('reservations fit the memory itself (QOS-4), and have no effect without overcommit', () => {
    expect(of([700, 700], 150, true, [500, 501])).toEqual(['QOS-4']);
    expect(of([500, 500], 150, false, [700, 700])).toEqual([]);
  });

  it('tells all that is wrong at once, with figures', () => {
    const refusals = overcommitRefusals({
      sizes: [2000],
      reservations: [1400],
      domainMiB: 1000,
      ratioPercent: 160,
      enabled: true,
    });
    expect(refusals.map((r) => r.rule)).toEqual(['OVC-5', 'OVC-5', 'QOS-4']);
    expect(refusals[1]?.figures).toEqual({ sizesMiB: 2000, allowedMiB: 1500, domainMiB: 1000 });
  });

  it('raises an alarm beyond the percentage, not at it', () => {
    expect(overcommitAlarm(1200, 1000, 120)).toEqual({ ratioPercent: 120, raised: false });
    expect(overcommitAlarm(1201, 1000, 120).raised).toBe(true);
    expect(overcommitAlarm(0, 0, 120)).toEqual({ ratioPercent: 0, raised: false });
  });
});

it('OVC-3: a swap partition lies on a virtualised local disk only', () => {
  expect(swapRefusal({ datastoreKind: 'virtualised-local' })).toBeUndefined();
  for (const datastoreKind of ['shared', 'local'] as const)
    expect(swapRefusal({ datastoreKind })).toMatchObject({ rule: 'OVC-3', figures: { datastoreKind } });
});

describe('memory parameters of a VM (MEM-15)', () => {
  it.each([
    [1000, 0, 0],
    [1000, 1, 700],
    [1000, 699, 700],
    [1000, 701, 701],
    [1000, 1000, 1000],
    [128, 1, 90],
  ])('of %d MiB a reservation of %d is stored as %d', (size, reservation, stored) => {
    expect(roundReservation(size, reservation)).toBe(stored);
  });

  it.each([1001, -1, Number.NaN])('of 1000 MiB a reservation of %d is refused', (reservation) => {
    expect(() => roundReservation(1000, reservation)).toThrow('MEM-15');
  });

  it('shares are ten per MiB by default', () => {
    expect(memorySharesDefault(4096)).toBe(40_960);
  });
});
