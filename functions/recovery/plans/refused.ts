import { DomainError } from '../../../shared/kernel/errors.ts';
import type { ProtectedGroup } from '../../../shared/model/protection.ts';
import type { RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import { nextOf } from '../../../shared/recovery/readiness.ts';

const held = (plan: RecoveryPlan): DomainError =>
  new DomainError(
    'operation-in-progress',
    `Plan ${plan.name} is ${plan.state} and held by operation ${plan.claim}; wait for it to end.`,
    { figures: { state: plan.state, operationId: plan.claim } },
  );

/** A plan is not changed while it executes, and its groups only while none of them is with it. */
export function patchRefused(
  plan: RecoveryPlan,
  change: { groups?: string[] | undefined; reserve?: string | undefined },
): DomainError | undefined {
  if (plan.claim !== undefined) return held(plan);
  if ((change.groups === undefined && change.reserve === undefined) || plan.state === 'ready') return undefined;
  return new DomainError(
    'illegal-transition',
    `Plan ${plan.name} is ${plan.state}: its groups, and what is kept for them, can be changed only when it is ready. What can be done: ${nextOf(plan)}.`,
    { figures: { state: plan.state, allowedFrom: ['ready'] } },
  );
}

/**
 * Without its plan, a group that was switched could not be protected again, nor a test be cleaned up: unless there is no site
 * any more to which it could be.
 */
export function deleteRefused(plan: RecoveryPlan, groups: readonly ProtectedGroup[]): DomainError | undefined {
  const nowhere = groups.every(({ former }) => former?.abandoned !== undefined && former.demoted !== true);
  if (plan.claim === undefined && (plan.state === 'ready' || (plan.state === 'recovered' && nowhere))) return undefined;
  return new DomainError(
    'in-use',
    `Plan ${plan.name} is ${plan.state}, and its groups are with it. What can be done: ${nextOf(plan)}.`,
    { figures: { state: plan.state, ...(plan.claim ? { operationId: plan.claim } : {}) } },
  );
}
