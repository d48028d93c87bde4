import { busy, DomainError, notFound } from '../kernel/errors.ts';
import type { Execution } from '../model/execution.ts';
import type { Operation } from '../model/operation.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { RecoveryPlan } from '../model/recovery-plan.ts';
import type { Asked, Decided } from '../recovery/actions.ts';
import { testBegins } from '../recovery/tested.ts';
import { Raced } from '../store/anew.ts';
import { keys, tenantPart } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';
import { partKeys } from './records.ts';

/** The plan is held by the operation from here on. */
export function takePlan(
  tx: Transaction,
  plan: RecoveryPlan,
  { planState, groups }: Decided,
  by: { operation: Operation; execution: Execution; full: boolean; asked: Asked },
): void {
  const { action } = by.asked;
  const test =
    action === 'test'
      ? testBegins(
          plan,
          groups.map(({ group }) => group),
        )
      : { set: {}, remove: [] };
  tx.update(keys.plan(plan.tenantId, plan.id), {
    set: {
      state: planState,
      claim: by.operation.id,
      operationId: by.operation.id,
      executionId: by.execution.id,
      ...(action === 'test' ? { testExecutionId: by.execution.id } : {}),
      ...(by.full ? {} : { executions: plan.executions + 1 }),
      ...test.set,
    },
    remove: ['reason', ...test.remove],
    add: { version: 1 },
    condition: '#version = :version AND attribute_not_exists(#claim)',
    names: { '#version': 'version', '#claim': 'claim' },
    values: { ':version': plan.version },
    onFail: (found) =>
      found
        ? new Raced(busy(`Plan ${plan.name} changes faster than this request can; try again.`))
        : notFound('recovery plan', plan.id),
  });
}

/** The group serves this plan alone (DR-19). */
export function takeGroup(
  tx: Transaction,
  group: ProtectedGroup,
  state: ProtectedGroup['state'],
  plan: RecoveryPlan,
  operationId: string,
): void {
  tx.update(keys.group(group.tenantId, group.id), {
    set: { state, usedBy: plan.id, claim: operationId },
    remove: state === group.state ? [] : ['reason'],
    add: { version: 1 },
    condition: '#version = :version',
    names: { '#version': 'version' },
    values: { ':version': group.version },
    onFail: (found) => {
      // Who has it now is told by deciding anew.
      return new Raced(
        found
          ? busy(`Protected group ${group.name} changes faster than this request can; try again.`)
          : new DomainError('not-ready', `There is no protected group '${group.id}' any more.`),
      );
    },
  });
}

/** DR-3: of so many records the oldest makes room for the new one, in the same transaction. */
export async function forgetOldest(store: Store, tx: Transaction, plan: RecoveryPlan): Promise<void> {
  const { items } = await store.query<Execution>(tenantPart(plan.tenantId, `EXEC#${plan.id}`), 'control', {
    limit: 1,
    consistent: true,
  });
  const [oldest] = items;
  if (!oldest) return;
  tx.delete(keys.execution(plan.tenantId, plan.id, oldest.id));
  for (const key of partKeys(oldest)) tx.delete(key);
}
