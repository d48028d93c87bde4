import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isoWeek, type RetentionPolicy, retain } from '../../shared/backup/retention.ts';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import { DAY, MINUTE } from '../../shared/kernel/clock.ts';
import { naiveKeep } from './naive-retention.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const point = (id: string, at: string) => ({ id, at: Date.parse(at) });
const kept = (list: { point: { id: string }; keep: string | undefined }[]) =>
  list.filter((r) => r.keep !== undefined).map((r) => r.point.id);

describe('J1 (Proxmox Backup Server, pruning): backups at noon', () => {
  const days = [
    '2018-11-15',
    '2019-11-15',
    '2019-11-21',
    '2019-11-22',
    '2019-11-29',
    '2019-12-01',
    '2019-12-02',
    '2019-12-03',
    '2019-12-04',
  ];
  const points = days.map((day) => point(day, `${day}T12:00:00Z`));

  it.each<[RetentionPolicy, string[]]>([
    [{ daily: 1 }, ['2019-12-04']],
    [{ last: 1, daily: 1 }, ['2019-12-03', '2019-12-04']],
    [{ daily: 1, weekly: 1 }, ['2019-12-01', '2019-12-04']],
    [{ daily: 1, weekly: 1, monthly: 1 }, ['2019-11-22', '2019-12-01', '2019-12-04']],
    [{ monthly: 1, yearly: 1 }, ['2018-11-15', '2019-12-04']],
  ])('%j keeps %j', (policy, expected) => {
    expect(kept(retain(points, policy, 'UTC')).sort()).toEqual(expected);
    expect(kept(retain(points.toReversed(), policy, 'Europe/Vienna')).sort()).toEqual(expected);
  });
  it('says of each point which rule keeps it, the newest first', () => {
    const told = retain(points, { daily: 1, weekly: 1, monthly: 1 }, 'UTC').map((r) => [r.point.id.slice(5), r.keep]);
    expect(told.slice(0, 6)).toEqual([
      ['12-04', 'daily'],
      ['12-03', undefined],
      ['12-02', undefined],
      ['12-01', 'weekly'],
      ['11-29', undefined],
      ['11-22', 'monthly'],
    ]);
  });
});

it('without a number for any rule nothing is removed', () => {
  const points = [point('a', '2026-01-01T00:00:00Z'), point('b', '2026-01-01T00:00:01Z')];
  expect(kept(retain(points, {}, 'UTC'))).toHaveLength(2);
  expect(kept(retain(points, { daily: 0, last: 0 }, 'UTC'))).toHaveLength(2);
});

it('periods are those of the wall clock: the same two points are of one day in Berlin and of two in UTC', () => {
  const points = [point('late', '2026-01-10T23:30:00Z'), point('early', '2026-01-11T00:30:00Z')];
  expect(kept(retain(points, { daily: 5 }, 'Europe/Berlin'))).toEqual(['early']);
  expect(kept(retain(points, { daily: 5 }, 'UTC'))).toEqual(['early', 'late']);
});

it('the hour that comes twice in autumn is one hour', () => {
  const points = [point('first', '2026-10-25T00:30:00Z'), point('second', '2026-10-25T01:30:00Z')];
  expect(kept(retain(points, { hourly: 5 }, 'Europe/Berlin'))).toEqual(['second']);
});

it.each([
  ['2018-12-31', '2019-W01'],
  ['2019-12-29', '2019-W52'],
  ['2019-12-30', '2020-W01'],
  ['2020-12-31', '2020-W53'],
  ['2021-01-03', '2020-W53'],
  ['2021-01-04', '2021-W01'],
])('the ISO week of %s is %s', (date, week) => {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  expect(isoWeek({ year, month, day })).toBe(week);
});

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'] as const;
/** Steps of minutes, hours, days or months, so that crowded hours and empty years both come up; around changes of clocks and years. */
const calendar = fc
  .record({
    from: fc.integer({ min: Date.UTC(2015, 0, 1) / MINUTE, max: Date.UTC(2030, 0, 1) / MINUTE }),
    steps: fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: 90 }),
        fc.integer({ min: 60, max: 2000 }),
        fc.integer({ min: 1000, max: 15_000 }),
        fc.integer({ min: 20_000, max: 400_000 }),
      ),
      { maxLength: 40 },
    ),
  })
  .map(({ from, steps }) => {
    let at = from;
    return steps.map((step, i) => {
      at += step;
      return { id: `p${String(i).padStart(2, '0')}`, at: at * MINUTE };
    });
  });
const number = fc.integer({ min: 0, max: 6 });
const policies = fc.record(
  { last: number, hourly: number, daily: number, weekly: number, monthly: number, yearly: number },
  { requiredKeys: [] },
);

describe('over random calendars', () => {
  it('the same points are kept as by a reference that was written apart from it', () => {
    fc.assert(
      fc.property(calendar, policies, fc.constantFrom(...zones), (points, policy, zone) => {
        expect(kept(retain(points, policy, zone)).sort()).toEqual(naiveKeep(points, policy, zone).sort());
      }),
      // Cheap, and rare calendars matter: 1000 at least.
      { numRuns: Math.max(1000, numRuns) },
    );
  });
  it('the newest point is never removed, no rule keeps more than its number, and the order of the list does not matter', () => {
    fc.assert(
      fc.property(calendar, policies, fc.constantFrom(...zones), (points, policy, zone) => {
        const told = retain(points, policy, zone);
        expect(told.map((r) => r.point.id).sort()).toEqual(points.map((p) => p.id));
        if (told[0]) expect(told[0].keep).toBeDefined();
        for (const rule of Object.keys(policy) as (keyof RetentionPolicy)[])
          expect(told.filter((r) => r.keep === rule).length).toBeLessThanOrEqual(policy[rule] ?? 0);
        expect(retain(points.toReversed(), policy, zone)).toEqual(told);
      }),
      { numRuns },
    );
  });
  it('a second run with the same policy right after the first removes nothing that one rule keeps', () => {
    fc.assert(
      fc.property(
        calendar,
        fc.constantFrom('last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'),
        number,
        (points, rule, n) => {
          const first = retain(points, { [rule]: n }, 'UTC').filter((r) => r.keep !== undefined);
          const second = retain(
            first.map((r) => r.point),
            { [rule]: n },
            'UTC',
          );
          expect(kept(second)).toEqual(kept(first));
        },
      ),
      { numRuns },
    );
  });
});

it('a number that is none, an unknown zone, and two points of one id are refused', () => {
  expect(() => retain([], { daily: -1 }, 'UTC')).toThrow(Refused);
  expect(() => retain([], { daily: 1.5 }, 'UTC')).toThrow(Refused);
  expect(() => retain([], { daily: 1 }, 'Mars/Olympus')).toThrow(Refused);
  expect(() =>
    retain(
      [
        { id: 'a', at: 0 },
        { id: 'a', at: DAY },
      ],
      { daily: 1 },
      'UTC',
    ),
  ).toThrow(Refused);
});
