import type * as z from 'zod';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { busy, type DomainError, invalid, notFound } from '../../../shared/kernel/errors.ts';
import type { Execution } from '../../../shared/model/execution.ts';
import type { ProtectedGroup } from '../../../shared/model/protection.ts';
import {
  type RecoveryPlan,
  type RecoveryPlanSpec,
  type recoveryPlanChange,
  recoveryPlanSpec,
} from '../../../shared/model/recovery-plan.ts';
import { PlanReader } from '../../../shared/plans/facts.ts';
import { partKeys } from '../../../shared/plans/records.ts';
import { routeOf } from '../../../shared/recovery/route.ts';
import { type AutomaticPlan, isAutomatic } from '../../../shared/recovery/take-over.ts';
import { testsOtherwise, voided } from '../../../shared/recovery/tested.ts';
import { decideAnew, Raced } from '../../../shared/store/anew.ts';
import { keys, tenantPart } from '../../../shared/store/keys.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { MAX_ACTIONS, Transaction } from '../../../shared/store/transaction.ts';
import { type Call, resource } from '../../http/call.ts';
import { nameTaken, versioned } from '../../http/conditions.ts';
import { acceptAction } from './accept.ts';
import { readReadiness } from './readiness.ts';
import { deleteRefused, patchRefused } from './refused.ts';
import { orDecidedAnew, reserve } from './reserve.ts';
import { planView } from './views.ts';

const nameKey = (tenantId: string, name: string) => keys.name(tenantId, 'PLAN', name);
const shown = (plan: RecoveryPlan, call: Call<never>, status = 200) => resource(status, planView(plan, call.now));
const read = (call: Call<never>) => new TenantData(call.deps.store, call.context).get('plan', call.param('planId'));

/** @throws `invalid-request` with everything that is wrong, found together (DR-3) */
async function mustBeSound(call: Call<never>, spec: RecoveryPlanSpec, homeSiteId?: string) {
  const reader = new PlanReader(call.deps.store, call.tenantId);
  const groups = await reader.groups(spec.groups);
  const [first] = groups;
  const home = homeSiteId ?? first?.primarySiteId ?? '';
  const route = first && routeOf({ homeSiteId: home }, first);
  const flaws = await reader.flaws(spec, groups, await reader.vms(groups), route);
  if (flaws.length > 0) throw invalid(flaws);
  return { homeSiteId: home };
}

const SPEC = Object.keys(recoveryPlanSpec.shape) as (keyof RecoveryPlanSpec)[];
/** What of a plan its owner has said. */
const spec = (plan: RecoveryPlan): RecoveryPlanSpec =>
  Object.fromEntries(SPEC.map((part) => [part, plan[part]])) as unknown as RecoveryPlanSpec;

export const planHandlers = (port: HypervisorPort) => {
  const act = (action: Parameters<typeof acceptAction>[2]) => (call: Call<never>) => acceptAction(call, port, action);
  return {
    testRecoveryPlan: act('test'),
    cleanupRecoveryPlan: act('cleanup'),
    migrateRecoveryPlan: act('migrate'),
    failoverRecoveryPlan: act('failover'),
    reprotectRecoveryPlan: act('reprotect'),
    failbackRecoveryPlan: act('failback'),
    rollbackRecoveryPlan: act('rollback'),

    createRecoveryPlan: (call: Call<RecoveryPlanSpec>) => decideAnew(() => create(call)),

    async listRecoveryPlans(call: Call<never>) {
      const { state, name } = call.query;
      const paging = call.paging(tenantPart(call.tenantId, 'PLAN'), { state, name });
      const page = await new TenantData(call.deps.store, call.context).list('plan', paging.options);
      return paging.answer(page, (plan) => planView(plan, call.now));
    },

    async getRecoveryPlan(call: Call<never>) {
      return shown(await read(call), call);
    },

    patchRecoveryPlan: (call: Call<z.infer<typeof recoveryPlanChange>>) => decideAnew(() => change(call)),

    deleteRecoveryPlan: (call: Call<never>) => decideAnew(() => end(call)),

    async getRecoveryPlanReadiness(call: Call<never>) {
      return { status: 200, body: await readReadiness(call, port, await read(call)) };
    },
  };
};

/** The watch finds plans that take over by themselves by their marks, in the transaction that makes them so. */
function markAutomatic(tx: Transaction, before: RecoveryPlan | undefined, after: RecoveryPlan | undefined): void {
  const [was, is] = [before && isAutomatic(before), after && isAutomatic(after)];
  if (after && is && !was)
    tx.put(keys.automaticPlan(after.id), { planId: after.id, tenantId: after.tenantId } satisfies AutomaticPlan);
  if (before && was && !is) tx.delete(keys.automaticPlan(before.id));
}

async function create(call: Call<RecoveryPlanSpec>) {
  const { homeSiteId } = await mustBeSound(call as Call<never>, call.body);
  const plan: RecoveryPlan = {
    ...call.body,
    id: call.newId('plan'),
    tenantId: call.tenantId,
    state: 'ready',
    homeSiteId,
    executions: 0,
    version: 1,
    createdAt: call.now,
  };
  const tx = new Transaction()
    .put(keys.plan(call.tenantId, plan.id), plan)
    .put(keys.plannedPlan(plan.id), { planId: plan.id, tenantId: call.tenantId })
    .put(nameKey(call.tenantId, plan.name), { id: plan.id }, { ifAbsent: nameTaken('recovery plan', plan.name) });
  markAutomatic(tx, undefined, plan);
  await reserve(tx, call as Call<never>, undefined, plan);
  return orDecidedAnew(() =>
    call.commit(tx, shown(plan, call as Call<never>, 201), {
      event: { type: 'plan.created', subject: plan.id, data: { name: plan.name, groups: plan.groups } },
    }),
  );
}

/** A change that a test would show makes the test void (I11). */
async function change(call: Call<z.infer<typeof recoveryPlanChange>>) {
  const asked = call as Call<never>;
  const before = await read(asked);
  call.checkVersion(before);
  const refused = patchRefused(before, call.body);
  if (refused) throw refused;
  const { rtoMinutes, drillEveryDays, ...rest } = call.body;
  const cleared = [
    ...(rtoMinutes === null ? ['rtoMinutes'] : []),
    ...(drillEveryDays === null ? ['drillEveryDays'] : []),
  ];
  const set: Partial<RecoveryPlan> = {
    ...(rest as Partial<RecoveryPlan>),
    ...(rtoMinutes ? { rtoMinutes } : {}),
    ...(drillEveryDays ? { drillEveryDays } : {}),
  };
  const wanted = Object.fromEntries(
    Object.entries({ ...before, ...set }).filter(([field]) => !cleared.includes(field)),
  ) as unknown as RecoveryPlan;
  const otherwise = testsOtherwise(spec(before), spec(wanted));
  if (otherwise || (isAutomatic(wanted) && !isAutomatic(before))) {
    const ready = before.state === 'ready';
    // Where its groups are now is where a plan for other groups begins.
    const same = wanted.groups.some((id) => before.groups.includes(id));
    const sound = await mustBeSound(asked, spec(wanted), same || !ready ? before.homeSiteId : undefined);
    Object.assign(set, sound);
  }
  const stale = otherwise && before.testedAt !== undefined ? voided(before) : { set: {}, remove: [] };
  Object.assign(set, stale.set);
  const removed = [...cleared, ...stale.remove];
  const after = Object.fromEntries(
    Object.entries({ ...before, ...set, version: before.version + 1 }).filter(([field]) => !removed.includes(field)),
  ) as unknown as RecoveryPlan;
  const tx = new Transaction().update(keys.plan(call.tenantId, before.id), {
    set,
    remove: removed,
    add: { version: 1 },
    ...versioned(before),
  });
  if (after.name !== before.name)
    tx.put(
      nameKey(call.tenantId, after.name),
      { id: after.id },
      { ifAbsent: nameTaken('recovery plan', after.name) },
    ).delete(nameKey(call.tenantId, before.name));
  markAutomatic(tx, before, after);
  await reserve(tx, asked, before, after);
  return orDecidedAnew(() =>
    call.commit(tx, shown(after, asked), {
      event: {
        type: 'plan.changed',
        subject: after.id,
        data: { fields: Object.keys(call.body), testVoid: stale.remove.length > 0 },
      },
    }),
  );
}

/** The plan goes first, so that nothing can begin; then its records, which nobody can reach any more. */
async function end(call: Call<never>) {
  const plan = await read(call);
  call.checkVersion(plan);
  const groups = await new PlanReader(call.deps.store, call.tenantId).groups(plan.groups);
  const refused = deleteRefused(plan, groups);
  if (refused) throw refused;
  const tx = new Transaction()
    .delete(keys.plan(call.tenantId, plan.id), {
      condition: '#version = :version',
      names: { '#version': 'version' },
      values: { ':version': plan.version },
      onFail: (found) => versionedOrGone(plan, found),
    })
    .delete(keys.plannedPlan(plan.id))
    .delete(nameKey(call.tenantId, plan.name));
  markAutomatic(tx, plan, undefined);
  for (const group of groups) if (group.usedBy === plan.id) letGo(tx, group);
  await reserve(tx, call, plan, undefined);
  const answer = await orDecidedAnew(() =>
    call.commit(tx, { status: 204 }, { event: { type: 'plan.deleted', subject: plan.id } }),
  );
  await deleteRecords(call, plan);
  return answer;
}

/** It serves this plan no more (DR-19). */
const letGo = (tx: Transaction, { tenantId, id, name, version }: ProtectedGroup): Transaction =>
  tx.update(keys.group(tenantId, id), {
    remove: ['usedBy'],
    add: { version: 1 },
    condition: '#version = :version',
    names: { '#version': 'version' },
    values: { ':version': version },
    onFail: () => new Raced(busy(`Protected group ${name} changes faster than this request can; try again.`)),
  });

const versionedOrGone = (plan: RecoveryPlan, found: unknown): Error =>
  found ? (versioned(plan).onFail?.(found as never) as DomainError) : notFound('recovery plan', plan.id);

/** Actions of one transaction that deletes records: what one execution has of parts at most fits in beside others. */
async function deleteRecords(call: Call<never>, plan: RecoveryPlan): Promise<void> {
  const executions = await call.deps.store.queryAll<Execution>(tenantPart(call.tenantId, `EXEC#${plan.id}`));
  const records = executions.flatMap((e) => [keys.execution(call.tenantId, plan.id, e.id), ...partKeys(e)]);
  for (let i = 0; i < records.length; i += MAX_ACTIONS) {
    const tx = new Transaction();
    for (const key of records.slice(i, i + MAX_ACTIONS)) tx.delete(key);
    await call.deps.store.commit(tx);
  }
}
