import type { Execution } from '../model/execution.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { RecoveryPlan } from '../model/recovery-plan.ts';
import { type Lost, lostOf, rpoSeconds } from './report.ts';
import { drillsOf, isTested, lastDrill } from './tested.ts';

/** One plan in the operator's report on disaster recovery. Times in ms. */
export interface PlanRow {
  tenantId: string;
  tenant: string;
  planId: string;
  plan: string;
  state: RecoveryPlan['state'];
  groups: number;
  /** Groups that are what they should be. */
  protected: number;
  vms: number;
  tested: boolean;
  lastDrillAt?: number;
  nextDrillDue?: number;
  drillOverdueDays?: number;
  last?: Pick<Execution, 'action' | 'state' | 'startedAt' | 'finishedAt'> & { rpoSeconds: number; lost: Lost };
}

/** What the report says of a plan. Pure. */
export function rowOf(
  tenant: { id: string; name: string },
  plan: RecoveryPlan,
  groups: readonly ProtectedGroup[],
  last: Execution | undefined,
  now: number,
): PlanRow {
  const drills = drillsOf(plan, now);
  const lastDrillAt = lastDrill(plan);
  return {
    tenantId: tenant.id,
    tenant: tenant.name,
    planId: plan.id,
    plan: plan.name,
    state: plan.state,
    groups: plan.groups.length,
    protected: groups.filter((g) => g.state === 'protected').length,
    vms: groups.reduce((sum, g) => sum + g.vms.length, 0),
    tested: groups.length === plan.groups.length && isTested(plan, groups),
    ...(lastDrillAt === undefined ? {} : { lastDrillAt }),
    ...(drills ? { nextDrillDue: drills.nextDue, drillOverdueDays: drills.overdueDays } : {}),
    ...(last
      ? {
          last: {
            action: last.action,
            state: last.state,
            startedAt: last.startedAt,
            ...(last.finishedAt === undefined ? {} : { finishedAt: last.finishedAt }),
            rpoSeconds: rpoSeconds(last),
            lost: lostOf(last),
          },
        }
      : {}),
  };
}

export const totalsOf = (rows: readonly PlanRow[]) => ({
  plans: rows.length,
  vms: rows.reduce((sum, r) => sum + r.vms, 0),
  untested: rows.filter((r) => !r.tested).length,
  drillsOverdue: rows.filter((r) => (r.drillOverdueDays ?? 0) > 0).length,
  notProtected: rows.filter((r) => r.protected < r.groups).length,
});

/** A field of CSV (RFC 4180). What a spreadsheet would take for a formula is made a text: tenants choose their names. */
const field = (value: unknown): string => {
  const text = value === undefined ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && typeof value === 'string' ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** Objects of the same fields as CSV, with a line of their names. */
export const csvOf = <F extends string>(fields: readonly F[], rows: readonly Partial<Record<F, unknown>>[]): string =>
  [fields.join(','), ...rows.map((row) => fields.map((f) => field(row[f])).join(','))].map((l) => `${l}\r\n`).join('');
