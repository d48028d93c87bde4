import { DAY } from '../kernel/clock.ts';
import { hash32 } from '../kernel/random.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { RecoveryPlan, RecoveryPlanSpec } from '../model/recovery-plan.ts';

type Tested = Pick<RecoveryPlan, 'testedAt' | 'testPrint' | 'drilledAt' | 'createdAt' | 'drillEveryDays'>;
type Group = Pick<ProtectedGroup, 'id' | 'vms' | 'replication' | 'primarySiteId'>;

/**
 * What a test of the plan tests: its groups with their members, policies and direction. A test counts while this is the
 * same (I11); so a reprotected plan is tested again before it goes back (DR-13). What the plan itself says is not in it: a
 * change of the plan makes its test void at once.
 */
export function printOf(groups: readonly Group[]): string {
  const said = groups.map(({ id, vms, replication, primarySiteId }) => [
    id,
    [...vms].sort(),
    Object.entries(replication).sort(([a], [b]) => (a < b ? -1 : 1)),
    primarySiteId,
  ]);
  const text = JSON.stringify(said);
  return `${hash32(text).toString(36)}.${hash32(`${text}/`).toString(36)}`;
}

/** I11: there was a successful test of the plan as it is, with its groups as they are. */
export const isTested = (plan: Tested, groups: readonly Group[]): boolean =>
  plan.testedAt !== undefined && plan.testPrint === printOf(groups);

/** What of a plan is set when a test of it begins: a test of something else does not count any more. */
export function testBegins(plan: Tested, groups: readonly Group[]): { set: Partial<RecoveryPlan>; remove: string[] } {
  const testPrint = printOf(groups);
  if (plan.testPrint === testPrint) return { set: {}, remove: [] };
  return voided(plan, { testPrint });
}

/** What of a plan is set when a change of it makes its test void. The calendar of drills remembers that there was one. */
export function voided(
  plan: Tested,
  set: Partial<RecoveryPlan> = {},
): { set: Partial<RecoveryPlan>; remove: string[] } {
  const drilledAt = lastDrill(plan);
  return {
    set: { ...set, ...(drilledAt ? { drilledAt } : {}) },
    remove: ['testedAt', ...(set.testPrint ? [] : ['testPrint'])],
  };
}

/** Whether a change of a plan changes what a test of it would show: not its name, its objectives, who begins it, what it keeps. */
export function testsOtherwise(before: RecoveryPlanSpec, after: RecoveryPlanSpec): boolean {
  const shown = ({ name, rtoMinutes, drillEveryDays, takeOver, reserve, ...rest }: RecoveryPlanSpec) => canonical(rest);
  return shown(before) !== shown(after);
}

/** With keys in order, and nothing that is undefined. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** When it was last tested with success, however it was then, ms. */
export const lastDrill = ({ testedAt, drilledAt }: Tested): number | undefined => {
  const last = Math.max(testedAt ?? 0, drilledAt ?? 0);
  return last > 0 ? last : undefined;
};

export interface Drills {
  everyDays: number;
  lastAt?: number;
  /** ms. Counted from the creation of the plan where there was none. */
  nextDue: number;
  overdueDays: number;
}
/** The calendar of drills of a plan that has one. `overdueDays` are begun days; 0 when it is not due. */
export function drillsOf(plan: Tested, now: number): Drills | undefined {
  if (plan.drillEveryDays === undefined) return undefined;
  const lastAt = lastDrill(plan);
  const nextDue = (lastAt ?? plan.createdAt) + plan.drillEveryDays * DAY;
  return {
    everyDays: plan.drillEveryDays,
    ...(lastAt === undefined ? {} : { lastAt }),
    nextDue,
    overdueDays: Math.max(0, Math.ceil((now - nextDue) / DAY)),
  };
}
