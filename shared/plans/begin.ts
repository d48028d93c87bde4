import type { HypervisorPort } from '../hypervisor/port.ts';
import { makeIds, tagOfTenant } from '../kernel/ids.ts';
import type { Execution, PlanAction } from '../model/execution.ts';
import type { Operation } from '../model/operation.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import { EXECUTIONS_KEPT } from '../model/recovery-plan.ts';
import { type Decided, decide, KIND_OF, weigh } from '../recovery/actions.ts';
import { expectedRpoMs } from '../recovery/standing.ts';
import { keys } from '../store/keys.ts';
import { emit, newOperation } from '../store/outbox.ts';
import { Transaction } from '../store/transaction.ts';
import { type Asker, type Ground, WITH_VMS, weighing } from './ground.ts';
import { chosenPoints } from './points.ts';
import { partsOf, vmsOf } from './records.ts';
import { forgetOldest, takeGroup, takePlan } from './take.ts';

/** Actions that can be taken back while they are under way. */
const CANCELABLE: readonly PlanAction[] = ['test', 'migrate', 'failback'];

/** What carries an action out, once its transaction is committed with the operation accepted in it. */
export interface Beginning {
  tx: Transaction;
  operation: Operation;
  execution: Execution;
}

/**
 * An action of a plan, as one transaction: the plan's state and claim, those of its groups (one plan at a time, DR-19),
 * the record of the execution with a place for each VM. The same for a tenant's request and for a switch of a whole site.
 * @throws every refusal of the action; its transaction fails with `Raced` when what was read has changed
 */
export async function beginAction(asker: Asker, port: HypervisorPort, ground: Ground): Promise<Beginning> {
  const decided = decide(ground.asked);
  const weighed = await weighing(ground, decided);
  const { capacity } = weighed;
  const warnings = capacity ? weigh(ground.asked, { ...weighed, capacity }) : [];
  const points =
    ground.asked.action === 'failover'
      ? await chosenPoints(port, ground.body, ground.asked.groups as ProtectedGroup[], decided.route)
      : undefined;
  return write(asker, ground, decided, { warnings, points });
}

async function write(
  asker: Asker,
  ground: Ground,
  decided: Decided,
  found: { warnings: string[]; points: Record<string, number> | undefined },
): Promise<Beginning> {
  const { asked, body } = ground;
  const { action, plan } = asked;
  const { tenantId, now, deps } = asker;
  const executionId = idAfter(plan.executionId, asker);
  const override = body?.override && { by: asker.name, reason: body.override.reason };
  const operation = operationOf(asker, ground, decided, { executionId, ...found });
  const vms = WITH_VMS.includes(action) ? await vmsOf(deps.store, ground, decided) : [];
  const execution: Execution = {
    id: executionId,
    tenantId,
    planId: plan.id,
    action,
    state: 'running',
    operationId: operation.id,
    ...(decided.rerunOf ? { rerunOf: decided.rerunOf.id } : {}),
    startedAt: now,
    startedBy: asker.name,
    ...(override ? { override } : {}),
    ...(found.warnings.length > 0 ? { warnings: found.warnings } : {}),
    phases: [],
    groups: decided.groups.map(({ group }) => ({
      groupId: group.id,
      expectedRpoMs: expectedRpoMs(group, decided.route),
    })),
    fromSiteId: decided.route.fromSiteId,
    toSiteId: decided.route.toSiteId,
    vms: vms.length,
    waits: [],
    version: 1,
  };
  const tx = new Transaction().put(keys.execution(tenantId, plan.id, executionId), execution);
  for (const part of partsOf(execution, ground, vms)) tx.put(keys.executionPart(tenantId, executionId, part.n), part);
  const full = plan.executions >= EXECUTIONS_KEPT;
  if (full) await forgetOldest(deps.store, tx, plan);
  takePlan(tx, plan, decided, { operation, execution, full, asked });
  for (const { group, state } of decided.groups) takeGroup(tx, group, state, plan, operation.id);
  if (decided.untested && override)
    emit(tx, {
      id: deps.ids.make('event', tagOfTenant(tenantId)),
      type: 'plan.overridden',
      at: now,
      tenantId,
      subject: plan.id,
      data: { action, executionId, ...override },
    });
  return { tx, operation, execution };
}

/** Records are listed by their ids: one that was begun in the same millisecond as the one before sorts after it. */
function idAfter(last: string | undefined, { now, tenantId, deps }: Asker): string {
  for (let at = now; ; at++) {
    const id = makeIds({ now: () => at }, deps.random).make('execution', tagOfTenant(tenantId));
    if (last === undefined || id > last) return id;
  }
}

function operationOf(
  { tenantId, now, deps }: Asker,
  { asked, body }: Ground,
  { route, rerunOf, untested }: Decided,
  more: { executionId: string; warnings: string[]; points: Record<string, number> | undefined },
): Operation {
  const { action, plan } = asked;
  const { executionId, warnings, points } = more;
  const notes = [
    ...(untested && body?.override ? [`Begun without a successful test: ${body.override.reason}.`] : []),
    ...(warnings.length > 0 ? [`${warnings.length} warnings: ${warnings.join('; ')}.`] : []),
  ];
  return newOperation({
    id: deps.ids.make('operation', tagOfTenant(tenantId)),
    kind: KIND_OF[action],
    tenantId,
    target: plan.id,
    input: {
      planId: plan.id,
      executionId,
      tenantId,
      ...(points ? { points } : {}),
      // biome-ignore lint/suspicious/noThenProperty: no promise is ever made of the input of a workflow
      ...(action === 'failback' ? { then: 'reprotect' } : {}),
      ...(action === 'rollback' ? { rollback: true } : {}),
      ...(rerunOf ? { rerunOf: rerunOf.id } : {}),
      ...(action !== 'test' && plan.testExecutionId ? { testExecutionId: plan.testExecutionId } : {}),
      toSiteId: route.toSiteId,
    },
    createdAt: now,
    ...(notes.length > 0 ? { note: notes.join(' ') } : {}),
    ...(CANCELABLE.includes(action) ? { cancelable: true as const } : {}),
  });
}
