import { tagOfTenant } from '../../shared/kernel/ids.ts';
import type { Execution, ExecutionVm } from '../../shared/model/execution.ts';
import type { AlarmText } from '../../shared/model/incident.ts';
import { type GroupEvent, groupMachine, type ProtectedGroup } from '../../shared/model/protection.ts';
import { type PlanEvent, type PlanState, planMachine, type RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import { ALARM } from '../../shared/replication/watch.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { emit } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { StepDeps } from '../engine/step-table.ts';
import { asRead, type Case, groupKey, phasesEnded, planKey, setExecution } from './case.ts';

/** How an execution ends, for all that it held. */
export interface Ending {
  execution: { state: Execution['state']; reason?: string };
  plan: { event?: PlanEvent[]; set?: Partial<RecoveryPlan>; remove?: string[] };
  /** Of each group, what has happened to it; none leaves its state. */
  group(group: ProtectedGroup): {
    event?: GroupEvent | GroupEvent[];
    reason?: string;
    set?: Partial<ProtectedGroup>;
    remove?: string[];
  };
}

const INCOMPLETE = 'recovery-incomplete';
/** Why an execution has failed that was cancelled. */
export const CANCELLED = 'it was cancelled';

const alarmOf = ({ plan, execution }: Case, failed: number, reason: string | undefined): AlarmText => ({
  code: INCOMPLETE,
  object: plan.id,
  severity: 'critical',
  text: `Recovery plan ${plan.name}: ${execution.action} did not bring everything to an end${failed > 0 ? `, ${failed} VMs were left behind` : ''}${reason ? `: ${reason}` : ''}`,
});

const stateOf = (group: ProtectedGroup, ending: Ending): ProtectedGroup['state'] =>
  [ending.group(group).event ?? []]
    .flat()
    .reduce((at, event) => (groupMachine.can(at, event) ? groupMachine.next(at, event) : at), group.state);

/** What is not true any more of a group in that state: one that has switched has no copy that could be late. */
const alarmsOver = (state: ProtectedGroup['state']): string[] => [
  ...(state === 'error' ? [] : [ALARM.error]),
  ...(state === 'invalid' ? [ALARM.alone, ALARM.violated, ALARM.atRisk] : []),
];

/** Whether a group has come to serve nobody: other plans may use it (DR-19). */
const isFree = (state: ProtectedGroup['state']): boolean => state === 'protected' || state === 'error';

/**
 * Ends an execution in one transaction: plan and groups get their states and are let go of, the record is closed. The
 * operation is ended before, since whoever repeats it after a crash must still hold the plan.
 */
export async function endExecution(
  found: Case,
  ending: Ending,
  entries: readonly ExecutionVm[],
  deps: StepDeps,
): Promise<void> {
  const { plan, execution, groups } = found;
  const { store, ids, clock } = deps;
  const now = clock.now();
  const failed = entries.filter((entry) => entry.outcome === 'failed').length;
  const state = (ending.plan.event ?? []).reduce<PlanState>((at, event) => planMachine.next(at, event), plan.state);
  // What somebody has cancelled, and what was undone to the end, leaves nothing to be brought to an end.
  const undone = ending.execution.reason === CANCELLED && state === 'ready' && failed === 0;
  const incomplete = ending.execution.state !== 'success' && !undone;
  if (incomplete) await raiseAlarm(store, ids, alarmOf(found, failed, ending.execution.reason), now);
  else await clearAlarm(store, ids, INCOMPLETE, plan.id, now);
  for (const group of groups)
    for (const code of alarmsOver(stateOf(group, ending))) await clearAlarm(store, ids, code, group.id, now);
  const tx = new Transaction();
  for (const group of groups) {
    const { reason, set = {}, remove = [] } = ending.group(group);
    const next = stateOf(group, ending);
    tx.update(groupKey(group), {
      set: { ...set, state: next, ...(reason === undefined ? {} : { reason }) },
      add: { version: 1 },
      remove: ['claim', ...remove, ...(reason === undefined ? ['reason'] : []), ...(isFree(next) ? ['usedBy'] : [])],
      ...asRead('group', group),
    });
  }
  const { reason } = ending.execution;
  tx.update(planKey(plan), {
    set: { ...ending.plan.set, state, ...(reason === undefined ? {} : { reason }) },
    add: { version: 1 },
    remove: ['claim', ...(ending.plan.remove ?? []), ...(reason === undefined ? ['reason'] : [])],
    ...asRead('plan', plan),
  });
  setExecution(tx, execution, { ...ending.execution, finishedAt: now, phases: phasesEnded(execution.phases, now) });
  emit(tx, {
    id: ids.make('event', tagOfTenant(plan.tenantId)),
    type: 'plan.executed',
    at: now,
    tenantId: plan.tenantId,
    subject: plan.id,
    data: { executionId: execution.id, action: execution.action, state: ending.execution.state, failed },
  });
  await store.commit(tx);
}
