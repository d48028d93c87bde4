import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MINUTE } from '../../shared/kernel/clock.ts';
import { type Zone, zoneOf } from '../../shared/kernel/local-time.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const zone = (name: string): Zone => {
  const found = zoneOf(name);
  if (!found) throw new Error(`no zone ${name}`);
  return found;
};

it.each([
  ['Europe/Berlin', '2026-03-29T00:59:00Z', { year: 2026, month: 3, day: 29, hour: 1, minute: 59 }],
  ['Europe/Berlin', '2026-03-29T01:00:00Z', { year: 2026, month: 3, day: 29, hour: 3, minute: 0 }],
  ['Asia/Kathmandu', '2026-01-01T00:00:00Z', { year: 2026, month: 1, day: 1, hour: 5, minute: 45 }],
  ['America/New_York', '2026-01-01T04:59:59Z', { year: 2025, month: 12, day: 31, hour: 23, minute: 59 }],
])('the wall clock of %s at %s', (name, at, shown) => {
  expect(zone(name).at(Date.parse(at))).toEqual(shown);
});

it.each([
  ['Europe/Berlin', { year: 2026, month: 3, day: 29, hour: 2, minute: 30 }, '2026-03-29T01:30:00Z', 'skipped: 03:30'],
  [
    'Australia/Lord_Howe',
    { year: 2026, month: 10, day: 4, hour: 2, minute: 15 },
    '2026-10-03T15:45:00Z',
    'half an hour is skipped: 02:45',
  ],
  [
    'Pacific/Apia',
    { year: 2011, month: 12, day: 30, hour: 12, minute: 0 },
    '2011-12-30T22:00:00Z',
    'the day is skipped: 31st',
  ],
  [
    'Europe/Berlin',
    { year: 2026, month: 10, day: 25, hour: 2, minute: 30 },
    '2026-10-25T00:30:00Z',
    'doubled: the first',
  ],
  ['Asia/Shanghai', { year: 2026, month: 7, day: 1, hour: 0, minute: 0 }, '2026-06-30T16:00:00Z', 'plain'],
])('%s, %j is %s (%s)', (name, local, at) => {
  expect(new Date(zone(name).instant(local)).toISOString()).toBe(new Date(at).toISOString());
});

it('a zone that nobody knows is none', () => {
  expect(zoneOf('Mars/Olympus')).toBeUndefined();
});

it('reading the clock and finding the instant go together, except where the clock shows a time twice', () => {
  const names = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia'];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.integer({ min: 0, max: 66_666_666 }), (name, minutes) => {
      const [z, at] = [zone(name), minutes * MINUTE];
      const back = z.instant(z.at(at));
      expect(back).toBeLessThanOrEqual(at);
      expect(z.at(back)).toEqual(z.at(at));
    }),
    { numRuns },
  );
});
