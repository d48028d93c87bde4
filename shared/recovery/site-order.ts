import type { Execution } from '../model/execution.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { RecoveryPlan } from '../model/recovery-plan.ts';
import { RANKS, type SiteAction, type SitePlan, type SiteSwitch } from '../model/site-switch.ts';

/**
 * Plans that a switch of a site is about: those of which a group has its right to write there, whatever site was their
 * home; those that were left half-way when they were last brought away from there; and those without any group, at their
 * home. Pure.
 */
export function plansAt(
  siteId: string,
  plans: readonly RecoveryPlan[],
  groups: ReadonlyMap<string, Pick<ProtectedGroup, 'primarySiteId'>>,
  last: ReadonlyMap<string, Pick<Execution, 'fromSiteId'>>,
): RecoveryPlan[] {
  return plans.filter((plan) => {
    const there = plan.groups.flatMap((id) => groups.get(id) ?? []);
    if (there.length === 0) return plan.homeSiteId === siteId;
    if (there.some((g) => g.primarySiteId === siteId)) return true;
    return isHalfWay(plan) && last.get(plan.id)?.fromSiteId === siteId;
  });
}

/** Its last switch has left something behind. */
export const isHalfWay = ({ state }: Pick<RecoveryPlan, 'state'>): boolean =>
  state === 'failoverPartialFailure' || state === 'migratePartialFailure';

/** A plan's own rank goes before that of its tenant. */
const rankOf = (plan: Pick<RecoveryPlan, 'id' | 'tenantId'>, ranks: SiteSwitch['ranks'] = {}): number => {
  const of = (id: string) => (Object.hasOwn(ranks, id) ? ranks[id] : undefined);
  return of(plan.id) ?? of(plan.tenantId) ?? RANKS.default;
};

/**
 * The order in which plans begin: the operator's ranks; within a rank the urgent ones first, which is who was promised the
 * shortest time (DR-20); then the oldest. Pure.
 */
export function inOrder<P extends Pick<RecoveryPlan, 'id' | 'tenantId' | 'rtoMinutes'>>(
  plans: readonly P[],
  ranks: SiteSwitch['ranks'],
): { plan: P; rank: number }[] {
  const promised = ({ rtoMinutes }: P) => rtoMinutes ?? Number.POSITIVE_INFINITY;
  return plans
    .map((plan) => ({ plan, rank: rankOf(plan, ranks) }))
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        (promised(a.plan) < promised(b.plan) ? -1 : promised(a.plan) > promised(b.plan) ? 1 : 0) ||
        (a.plan.id < b.plan.id ? -1 : 1),
    );
}

const isOpen = ({ outcome }: SitePlan): boolean => outcome === 'waiting' || outcome === 'running';

/**
 * Whose turn it is: of the first rank that has not come to its end so many that no more than `atOnce` are under way. One
 * that waits for a person keeps nobody, and one that something else has held so far comes after the others. Pure.
 */
export function turnOf(plans: readonly SitePlan[], atOnce: number): SitePlan[] {
  const open = plans.filter(isOpen);
  const rank = Math.min(...open.map((p) => p.rank));
  const under = open.filter((p) => p.outcome === 'running').length;
  return open
    .filter((p) => p.rank === rank && p.outcome === 'waiting')
    .sort((a, b) => Number(a.heldSince !== undefined) - Number(b.heldSince !== undefined) || a.turn - b.turn)
    .slice(0, Math.max(0, atOnce - under));
}

/** Nothing is under way and nothing is to be begun. What waits for a person goes on by itself, whenever that is. */
export const isSettled = (plans: readonly SitePlan[]): boolean => !plans.some(isOpen);

/** The plan at which a switch stops that stops at the first error (DR-9). */
export const stopsAt = ({ onError }: Pick<SiteSwitch, 'onError'>, plans: readonly SitePlan[]): SitePlan | undefined =>
  onError === 'goOn'
    ? undefined
    : plans.find(({ outcome }) => outcome === 'refused' || outcome === 'failed' || outcome === 'partial');

/** A plan that its tenant has begun to bring away already is joined, not begun again. */
export const isUnderWay = (plan: Pick<RecoveryPlan, 'state' | 'claim'>, action: SiteAction): boolean =>
  plan.claim !== undefined && plan.state === (action === 'failover' ? 'failingOver' : 'migrating');

const WORDS: [SitePlan['outcome'], string][] = [
  ['refused', 'refused'],
  ['failed', 'failed'],
  ['partial', 'ended in parts'],
  ['paused', 'waiting for a person'],
  ['running', 'under way'],
  ['notBegun', 'not begun'],
];
/** How a switch ends, by what became of its plans, and in words what did not come to a good end. Pure. */
export function endOf(plans: readonly SitePlan[]): { state: 'success' | 'partial' | 'failed'; reason?: string } {
  const count = (outcome: SitePlan['outcome']) => plans.filter((p) => p.outcome === outcome).length;
  if (count('success') === plans.length) return { state: 'success' };
  const words = WORDS.flatMap(([outcome, word]) => (count(outcome) > 0 ? [`${count(outcome)} ${word}`] : []));
  const none = count('refused') + count('failed') + count('notBegun') === plans.length;
  return { state: none ? 'failed' : 'partial', reason: `of ${plans.length} plans ${words.join(', ')}` };
}
