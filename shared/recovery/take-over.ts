import type { GroupStatus } from '../hypervisor/replication-port.ts';
import { MINUTE } from '../kernel/clock.ts';
import type { Flaw } from '../kernel/errors.ts';
import type { Execution } from '../model/execution.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import { planMachine, type RecoveryPlan, type RecoveryPlanSpec } from '../model/recovery-plan.ts';
import { notTestedWords } from './readiness.ts';
import { recoverySites } from './route.ts';
import { isTested } from './tested.ts';

/** Who begins what no person has asked for, as records of executions name it. */
export const TAKE_OVER = 'automatic take-over';
/** A plan that takes over by itself cannot, and why. Of the plan. */
export const TAKE_OVER_BLOCKED = 'take-over-blocked';

/** What was left behind is tried again after so long at least, ms. Declared. */
const AGAIN_MS = MINUTE;

/** The mark by which the watch finds such a plan. */
export interface AutomaticPlan {
  planId: string;
  tenantId: string;
}

export const isAutomatic = ({ takeOver }: Pick<RecoveryPlanSpec, 'takeOver'>): boolean => takeOver === 'automatic';

/** Only what loses nothing may be decided without a person: with a synchronous copy an acknowledged write is at both. */
export function takeOverFlaws(
  plan: RecoveryPlanSpec,
  groups: readonly Pick<ProtectedGroup, 'id' | 'name' | 'replication'>[],
): Flaw[] {
  if (!isAutomatic(plan)) return [];
  return groups
    .filter((g) => g.replication.mode !== 'sync')
    .map((g) => ({
      location: 'body.takeOver',
      message: `group ${g.name} (${g.id}) is replicated asynchronously: to take over loses writes, which a person has to decide`,
      fix: 'take over by hand, or replicate the group synchronously',
    }));
}

/** What is known of a plan that takes over by itself, and of its sites. */
export interface TakeOverCase {
  plan: RecoveryPlan;
  /** In the order of the plan; those that are there. */
  groups: readonly ProtectedGroup[];
  previous?: Execution | undefined;
  /** Sites that do not answer the control plane. */
  silent: ReadonlySet<string>;
  /** When the lease of the site that was lost is, or was, over, margins included, ms. */
  leaseOverAt: number;
  /** What the site that would take over says, by group; those that it said nothing of are missing. */
  there: ReadonlyMap<string, GroupStatus>;
}
export type TakeOver =
  /** Nothing is to be done, or not yet. */
  | { kind: 'rest' }
  | { kind: 'blocked'; reason: string }
  /** Both the control plane and the other copy have lost the site, its lease is over, and every acknowledged write is there. */
  | { kind: 'failover'; toSiteId: string }
  /** What was taken over so is protected the other way round: the old site is back, and has nothing of its own (I8). */
  | { kind: 'reprotect' };

/**
 * Arbitration of a synchronous pair: of the control plane and the two copies, two that see each other decide (DR-7, I8). A
 * site that only the control plane has lost goes on as it is. Pure; the failover itself waits for the lease once more.
 */
export function takeOverOf(found: TakeOverCase, now: number): TakeOver {
  const { plan, groups, silent, leaseOverAt } = found;
  const [first] = groups;
  if (!isAutomatic(plan) || plan.claim !== undefined || !first || groups.length < plan.groups.length)
    return { kind: 'rest' };
  if (!silent.has(first.primarySiteId)) return afterwards(found, now);
  if (plan.state === 'recovered' || plan.state === 'recoveredPeerPending') return { kind: 'rest' };
  const [toSiteId] = recoverySites(first);
  if (toSiteId === undefined || silent.has(toSiteId)) return blocked(`no site that holds a copy answers`);
  if (groups.some((g) => found.there.get(g.id)?.copy?.linkUp === true)) return { kind: 'rest' };
  const why = hindrance(found, toSiteId);
  if (why !== undefined) return blocked(why);
  return now < leaseOverAt ? { kind: 'rest' } : { kind: 'failover', toSiteId };
}

const blocked = (reason: string): TakeOver => ({ kind: 'blocked', reason });

function hindrance({ plan, groups, there }: TakeOverCase, toSiteId: string): string | undefined {
  // What a person has begun and not brought to an end is that person's.
  if (plan.state.endsWith('PartialFailure') || !planMachine.can(plan.state, 'failover'))
    return `the plan is ${plan.state}`;
  if (!isTested(plan, groups)) return `it was not tested: ${notTestedWords(plan)}`;
  for (const group of groups) {
    const { name } = group;
    const status = there.get(group.id);
    if (group.usedBy !== undefined && group.usedBy !== plan.id) return `group ${name} is used by plan ${group.usedBy}`;
    if (group.replication.mode !== 'sync' || status?.copy?.mode !== 'sync')
      return `group ${name} has no synchronous copy at ${toSiteId}`;
    if (group.state !== 'protected' && group.state !== 'error') return `group ${name} is ${group.state}`;
    if (group.aloneSince !== undefined)
      return `the guests of group ${name} went on without the copy at ${toSiteId}: writes would be lost`;
    if (status.copy.state === 'initial' || status.copy.points.length === 0)
      return `the copy of group ${name} at ${toSiteId} is not complete`;
    const lacks = lackedBy(status.copy, status.head.sequence);
    if (lacks !== undefined) return `the copy of group ${name} at ${toSiteId} ${lacks}: writes would be lost`;
  }
  return undefined;
}

/**
 * What the copy itself knows that it has not, whatever is noted of its group: a pair that was suspended, or has caught up
 * not quite, when its primary was lost.
 */
function lackedBy({ state, points, lacks = [] }: NonNullable<GroupStatus['copy']>, head: number): string | undefined {
  const newest = points.at(-1)?.sequence ?? 0;
  if (state === 'suspended') return 'was not sent to';
  if (head > newest) return `has been told of ${head - newest} writes that it has not`;
  return lacks.length > 0 ? `does not hold ${lacks.length} of its VMs yet` : undefined;
}

/**
 * What was taken over is brought to its end. VMs that found no place are tried again, each time after half of the time that
 * has passed since the loss; so it stays a few times, however long it takes. Nothing is overwritten that anybody could
 * miss (DR-14): with writes of its own the old site waits for a person.
 */
function afterwards({ plan, groups, previous, leaseOverAt }: TakeOverCase, now: number): TakeOver {
  if (previous?.startedBy !== TAKE_OVER || previous.action !== 'failover') return { kind: 'rest' };
  if (plan.state === 'failoverPartialFailure') {
    const ended = previous.finishedAt ?? now;
    const gap = Math.max(AGAIN_MS, (ended - leaseOverAt) / 2);
    return now - ended >= gap ? { kind: 'failover', toSiteId: previous.toSiteId } : { kind: 'rest' };
  }
  const clean = groups.every(({ former }) => former?.demoted === true && former.divergent?.count === 0);
  return plan.state === 'recovered' && clean ? { kind: 'reprotect' } : { kind: 'rest' };
}
