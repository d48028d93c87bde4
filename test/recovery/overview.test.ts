import { describe, expect, it } from 'vitest';
import { DAY } from '../../shared/kernel/clock.ts';
import type { Execution } from '../../shared/model/execution.ts';
import { csvOf, rowOf, totalsOf } from '../../shared/recovery/overview.ts';
import { group, NOW, plan, tested } from './things.ts';

const acme = { id: 'ten_1', name: 'acme' };
const g = group('pg_1', ['db', 'web']);

describe('the operator’s report on disaster recovery', () => {
  it('says of a plan whether it is tested and drilled, and what was done with it last', () => {
    const of = tested(plan(['pg_1'], { drillEveryDays: 1 }), [g], NOW - 2 * DAY);
    const last = { action: 'failover', state: 'partial', startedAt: NOW, groups: [] } as unknown as Execution;
    expect(rowOf(acme, of, [g], last, NOW)).toMatchObject({
      tenant: 'acme',
      plan: 'erp',
      groups: 1,
      protected: 1,
      vms: 2,
      tested: true,
      lastDrillAt: NOW - 2 * DAY,
      drillOverdueDays: 1,
      last: { action: 'failover', state: 'partial', rpoSeconds: 0 },
    });
  });

  it('a plan of which a group is gone is neither tested nor protected', () => {
    const of = tested(plan(['pg_1', 'pg_2']), [g]);
    expect(rowOf(acme, of, [g], undefined, NOW)).toMatchObject({ tested: false, groups: 2, protected: 1 });
  });

  it('its totals are the sums of its rows', () => {
    const rows = [
      rowOf(acme, tested(plan(['pg_1']), [g]), [g], undefined, NOW),
      rowOf(acme, plan(['pg_1'], { drillEveryDays: 1, createdAt: 0 }), [{ ...g, state: 'error' }], undefined, NOW),
    ];
    expect(totalsOf(rows)).toEqual({ plans: 2, vms: 4, untested: 1, drillsOverdue: 1, notProtected: 1 });
  });

  it('as CSV keeps names apart that have commas, quotes or lines in them, and lets none be a formula', () => {
    const rows = [{ a: 'x, y', b: 'say "no"' }, { a: '=1+1', b: -3 }, { a: 'two\nlines' }];
    expect(csvOf(['a', 'b'], rows)).toBe('a,b\r\n"x, y","say ""no"""\r\n\'=1+1,-3\r\n"two\nlines",\r\n');
  });
});
