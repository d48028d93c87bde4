import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { busy, DomainError, notFound } from '../../../shared/kernel/errors.ts';
import { makeIds, tagOfTenant } from '../../../shared/kernel/ids.ts';
import { type Execution, type ExecutionPart, type PlanAction, VMS_PER_PART } from '../../../shared/model/execution.ts';
import type { Operation } from '../../../shared/model/operation.ts';
import type { ProtectedGroup } from '../../../shared/model/protection.ts';
import { EXECUTIONS_KEPT, priorityOf, type RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import { type Asked, type Decided, decide, KIND_OF, weigh } from '../../../shared/recovery/actions.ts';
import { expectedRpoMs } from '../../../shared/recovery/standing.ts';
import { testBegins } from '../../../shared/recovery/tested.ts';
import { keys, tenantPart } from '../../../shared/store/keys.ts';
import { emit, newOperation } from '../../../shared/store/outbox.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import { decideAnew, Raced } from '../../http/anew.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { operationView } from '../../http/views.ts';
import { rehearseAction } from './dry-run.ts';
import { type Ground, readGround, WITH_VMS, weighing } from './ground.ts';
import { chosenPoints } from './points.ts';
import { partKeys } from './records.ts';

/** Actions that can be taken back while they are under way. */
const CANCELABLE: readonly PlanAction[] = ['test', 'migrate', 'failback'];

/**
 * Accepts an action of a plan in one transaction: the plan's state and claim, those of its groups (one plan at a time,
 * DR-19), the record of the execution with a place for each VM, and the operation that carries it out.
 */
export const acceptAction = (call: Call<never>, port: HypervisorPort, action: PlanAction): Promise<Answer> =>
  decideAnew(async () => {
    const ground = await readGround(call, action);
    if (call.dryRun) return rehearseAction(call, port, ground);
    const decided = decide(ground.asked);
    const weighed = await weighing(ground, decided);
    const { capacity } = weighed;
    const warnings = capacity ? weigh(ground.asked, { ...weighed, capacity }) : [];
    const points =
      action === 'failover'
        ? await chosenPoints(port, ground.body, ground.asked.groups as ProtectedGroup[], decided.route)
        : undefined;
    return write(call, ground, decided, { warnings, points });
  });

async function write(
  call: Call<never>,
  ground: Ground,
  decided: Decided,
  found: { warnings: string[]; points: Record<string, number> | undefined },
): Promise<Answer> {
  const { asked, body } = ground;
  const { action, plan } = asked;
  const { tenantId } = call;
  const executionId = idAfter(plan.executionId, call);
  const override = body?.override && { by: call.caller.actor, reason: body.override.reason };
  const operation = operationOf(call, ground, decided, { executionId, ...found });
  const vms = WITH_VMS.includes(action) ? await vmsOf(call, ground, decided) : [];
  const execution: Execution = {
    id: executionId,
    tenantId,
    planId: plan.id,
    action,
    state: 'running',
    operationId: operation.id,
    ...(decided.rerunOf ? { rerunOf: decided.rerunOf.id } : {}),
    startedAt: call.now,
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
  if (full) await forgetOldest(call, tx, plan);
  takePlan(tx, plan, decided, { operation, execution, full, asked });
  for (const { group, state } of decided.groups) takeGroup(tx, group, state, plan, operation.id);
  if (decided.untested && override)
    emit(tx, {
      id: call.newId('event'),
      type: 'plan.overridden',
      at: call.now,
      tenantId,
      subject: plan.id,
      data: { action, executionId, ...override },
    });
  const answer: Answer = {
    status: 202,
    body: operationView(operation),
    headers: { 'operation-location': `/v1/operations/${operation.id}`, 'retry-after': '1' },
  };
  return call.commit(tx, answer, { operation });
}

/** Records are listed by their ids: one that was begun in the same millisecond as the one before sorts after it. */
function idAfter(last: string | undefined, { now, tenantId, deps }: Call<never>): string {
  for (let at = now; ; at++) {
    const id = makeIds({ now: () => at }, deps.random).make('execution', tagOfTenant(tenantId));
    if (last === undefined || id > last) return id;
  }
}

function operationOf(
  call: Call<never>,
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
    id: call.newId('operation'),
    kind: KIND_OF[action],
    tenantId: call.tenantId,
    target: plan.id,
    input: {
      planId: plan.id,
      executionId,
      tenantId: call.tenantId,
      ...(points ? { points } : {}),
      // biome-ignore lint/suspicious/noThenProperty: no promise is ever made of the input of a workflow
      ...(action === 'failback' ? { then: 'reprotect' } : {}),
      ...(action === 'rollback' ? { rollback: true } : {}),
      ...(rerunOf ? { rerunOf: rerunOf.id } : {}),
      ...(action !== 'test' && plan.testExecutionId ? { testExecutionId: plan.testExecutionId } : {}),
      toSiteId: route.toSiteId,
    },
    createdAt: call.now,
    ...(notes.length > 0 ? { note: notes.join(' ') } : {}),
    ...(CANCELABLE.includes(action) ? { cancelable: true as const } : {}),
  });
}

/** What is gone on with is about the VMs that were not brought to an end. */
async function vmsOf(call: Call<never>, { asked, vms }: Ground, { rerunOf }: Decided): Promise<Vm[]> {
  if (!rerunOf || asked.action === 'test' || asked.action === 'rollback') return vms;
  const parts = await readParts(call, rerunOf);
  const done = new Set(
    parts.flatMap((p) =>
      Object.values(p.vms).flatMap((v) => (v.outcome === 'ready' || v.outcome === 'left' ? v.id : [])),
    ),
  );
  // Those that it left out had come to an end before it.
  const about = new Set(parts.flatMap((p) => Object.keys(p.vms)));
  return vms.filter((vm) => about.has(vm.id) && !done.has(vm.id));
}

const readParts = (call: Call<never>, execution: Execution) =>
  call.deps.store.getMany<ExecutionPart>(partKeys(execution));

function partsOf(execution: Execution, { asked }: Ground, vms: readonly Vm[]): ExecutionPart[] {
  const groupOf = new Map(asked.groups.flatMap((g) => g.vms.map((id) => [id, g.id] as const)));
  return Array.from({ length: Math.ceil(vms.length / VMS_PER_PART) }, (_, n) => ({
    tenantId: execution.tenantId,
    executionId: execution.id,
    n,
    vms: Object.fromEntries(
      vms.slice(n * VMS_PER_PART, (n + 1) * VMS_PER_PART).map((vm) => [
        vm.id,
        {
          id: vm.id,
          name: vm.name,
          groupId: groupOf.get(vm.id) as string,
          priority: priorityOf(asked.plan, vm.id),
          outcome: 'waiting' as const,
        },
      ]),
    ),
  }));
}

/** DR-3: of so many records the oldest makes room for the new one, in the same transaction. */
async function forgetOldest(call: Call<never>, tx: Transaction, plan: RecoveryPlan): Promise<void> {
  const { items } = await call.deps.store.query<Execution>(tenantPart(call.tenantId, `EXEC#${plan.id}`), 'control', {
    limit: 1,
    consistent: true,
  });
  const [oldest] = items;
  if (!oldest) return;
  tx.delete(keys.execution(call.tenantId, plan.id, oldest.id));
  for (const key of partKeys(oldest)) tx.delete(key);
}

function takePlan(
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

function takeGroup(
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
