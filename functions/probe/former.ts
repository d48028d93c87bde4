import type { Runtime } from '../../shared/aws/runtime.ts';
import type { Execution } from '../../shared/model/execution.ts';
import { type FormerPrimary, type ProtectedGroup, waitsForFormer } from '../../shared/model/protection.ts';
import { planMachine, type RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import { asTenant } from '../../shared/store/context.ts';
import { groupChange, tellOfGroup } from '../../shared/store/groups.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { Overtaken } from './overtaken.ts';

/**
 * A former primary was heard: it writes no more, and what it has alone is known to the last write. So the loss of the
 * execution that has left it is exact now, and a plan that waited for its peers goes on once all of them are heard. All of
 * it in one transaction: what was lost is settled if and only if it is known.
 */
export async function settleFormer(group: ProtectedGroup, former: FormerPrimary, runtime: Runtime): Promise<void> {
  const { store } = runtime;
  const tx = new Transaction().update(...groupChange(group, { set: { former } }, () => new Overtaken()));
  const { siteId, divergent } = former;
  tellOfGroup(tx, group, 'group.former-demoted', { siteId, ...divergent }, runtime);
  const data = new TenantData(store, asTenant(group.tenantId));
  const plans = (await data.list('plan', { limit: 100, contains: { groups: group.id } })).items;
  for (const plan of plans) {
    if (former.executionId === undefined) continue;
    const left = await settleExecution(tx, plan, group, { former, id: former.executionId }, store);
    // What went on with it tells of the same loss.
    if (left && plan.executionId && plan.executionId !== left.id)
      await settleExecution(tx, plan, group, { former, id: plan.executionId, epoch: epochIn(left, group) }, store);
    if (left && (plan.executionId === left.id || group.usedBy === plan.id)) await settlePlan(tx, plan, group, data);
  }
  await store.commit(tx);
}

const epochIn = ({ groups }: Execution, { id }: ProtectedGroup): number | undefined =>
  groups.find((g) => g.groupId === id)?.epoch;

/** Adds what is known of the loss to an execution of the plan; to one that went on, where it is about the same `epoch`. */
async function settleExecution(
  tx: Transaction,
  plan: RecoveryPlan,
  group: ProtectedGroup,
  { former, id, epoch }: { former: FormerPrimary; id: string; epoch?: number | undefined },
  store: Store,
): Promise<Execution | undefined> {
  const key = keys.execution(group.tenantId, plan.id, id);
  const execution = await store.get<Execution>(key);
  if (!execution || !former.divergent) return execution;
  if (epoch !== undefined && epochIn(execution, group) !== epoch) return execution;
  const { discarded: _, ...lost } = former.divergent;
  const groups = execution.groups.map((outcome) =>
    outcome.groupId === group.id && outcome.point && outcome.lost?.known !== 'exact'
      ? { ...outcome, lost: { ...lost, known: 'exact' as const } }
      : outcome,
  );
  tx.update(key, {
    set: { groups },
    add: { version: 1 },
    condition: '#version = :versionWas',
    names: { '#version': 'version' },
    values: { ':versionWas': execution.version },
    onFail: () => new Overtaken(),
  });
  return execution;
}

/** Other groups of the plan may have formers that nobody has heard yet, nor given up: then it goes on waiting. */
async function settlePlan(tx: Transaction, plan: RecoveryPlan, group: ProtectedGroup, data: TenantData): Promise<void> {
  if (plan.state !== 'recoveredPeerPending') return;
  const others = await Promise.all(plan.groups.filter((id) => id !== group.id).map((id) => data.find('group', id)));
  if (others.some((g) => g && waitsForFormer(g))) return;
  tx.update(keys.plan(plan.tenantId, plan.id), {
    set: { state: planMachine.next(plan.state, 'peerSettled') },
    add: { version: 1 },
    condition: '#version = :versionWas AND #state = :stateWas',
    names: { '#version': 'version', '#state': 'state' },
    values: { ':versionWas': plan.version, ':stateWas': plan.state },
    onFail: () => new Overtaken(),
  });
}
