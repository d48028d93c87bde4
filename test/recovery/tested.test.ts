import { describe, expect, it } from 'vitest';
import { DAY } from '../../shared/kernel/clock.ts';
import { drillsOf, isTested, testBegins, testsOtherwise, voided } from '../../shared/recovery/tested.ts';
import { group, NOW, plan, spec, tested } from './things.ts';

const g = group('pg_1', ['db']);
const changed = { ...g, vms: ['db', 'web'] };
const applied = (of: ReturnType<typeof plan>, { set, remove }: ReturnType<typeof voided>) =>
  Object.fromEntries(Object.entries({ ...of, ...set }).filter(([k]) => !remove.includes(k))) as unknown as typeof of;

describe('whether a plan counts as tested (I11)', () => {
  it('a test counts for the groups as they were', () => {
    const of = tested(plan(['pg_1']), [g]);
    expect([isTested(of, [g]), isTested(of, [changed]), isTested(plan(['pg_1']), [g])]).toEqual([true, false, false]);
  });

  it('a new test of the same keeps the old success until it has one of its own', () => {
    expect(testBegins(tested(plan(['pg_1']), [g]), [g])).toEqual({ set: {}, remove: [] });
  });

  it('a test of something else that fails leaves the plan untested, though the test before was successful', () => {
    const of = tested(plan(['pg_1']), [g]);
    const begun = applied(of, testBegins(of, [changed]));
    expect(isTested(begun, [changed])).toBe(false);
    expect(isTested({ ...begun, testedAt: NOW }, [changed])).toBe(true);
  });

  it('a change of the plan makes it void, and the calendar of drills remembers it', () => {
    const of = tested(plan(['pg_1'], { drillEveryDays: 10 }), [g], NOW - 3 * DAY);
    const after = applied(of, voided(of));
    expect(isTested(after, [g])).toBe(false);
    expect(drillsOf(after, NOW)).toMatchObject({ lastAt: NOW - 3 * DAY, nextDue: NOW + 7 * DAY, overdueDays: 0 });
  });

  it('its name and its objectives are no such change, everything else is', () => {
    const before = spec(['pg_1'], { priorities: { db: 1 }, delays: { 1: 5 } });
    expect(testsOtherwise(before, { ...before, name: 'other', rtoMinutes: 5, drillEveryDays: 9 })).toBe(false);
    expect(testsOtherwise(before, { delays: { 1: 5 }, priorities: { db: 1 }, groups: ['pg_1'], name: 'erp' })).toBe(
      false,
    );
    for (const change of [
      { groups: ['pg_2'] },
      { priorities: { db: 2 } },
      { dependsOn: { db: [] } },
      { delays: { 1: 6 } },
      { networkMap: { a: 'b' } },
      { ipMap: { a: '10.0.0.1' } },
      { clusterMap: { a: 'b' } },
      { steps: [{ name: 's', at: 'beforeStart', kind: 'pause' } as const] },
    ])
      expect(testsOtherwise(before, { ...before, ...change }), JSON.stringify(change)).toBe(true);
  });
});

describe('the calendar of drills', () => {
  it('is there only for a plan that is to be drilled', () => {
    expect(drillsOf(plan(['pg_1']), NOW)).toBeUndefined();
  });
  it('counts from the creation where there was no test, and then from the last', () => {
    const of = plan(['pg_1'], { drillEveryDays: 30, createdAt: NOW });
    expect(drillsOf(of, NOW)).toEqual({ everyDays: 30, nextDue: NOW + 30 * DAY, overdueDays: 0 });
    expect(drillsOf({ ...of, testedAt: NOW + DAY }, NOW)?.nextDue).toBe(NOW + 31 * DAY);
  });
  it('says by how many begun days it is late', () => {
    const of = plan(['pg_1'], { drillEveryDays: 1, createdAt: NOW });
    expect([DAY, DAY + 1, 3 * DAY].map((ms) => drillsOf(of, NOW + ms)?.overdueDays)).toEqual([0, 1, 2]);
  });
});
