import type { Execution, Phase } from '../../shared/model/execution.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import type { Route } from '../../shared/recovery/route.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';

/** What an execution works on, as it stands in the tables. */
export interface Case {
  plan: RecoveryPlan;
  execution: Execution;
  /** In the order of the plan. */
  groups: ProtectedGroup[];
  route: Route;
}

/** Somebody else wrote the same thing: the step begins again from what stands there now. */
export const changed = (what: string) => () => new TryAgain(`${what} changed meanwhile`);

/** Undefined when this operation does not hold the plan, or no more. */
export async function findCase(state: State, { store }: StepDeps): Promise<Case | undefined> {
  const data = new TenantData(store, SYSTEM);
  const plan = await data.find('plan', String(state.planId));
  if (!plan || plan.claim !== state.operationId) return undefined;
  const execution = await store.get<Execution>(keys.execution(plan.tenantId, plan.id, String(state.executionId)));
  if (!execution) return undefined;
  const found = await Promise.all(plan.groups.map((id) => data.find('group', id)));
  const groups = found.filter((g): g is ProtectedGroup => g !== undefined && g.claim === state.operationId);
  const { fromSiteId, toSiteId } = execution;
  return { plan, execution, groups, route: { fromSiteId, toSiteId, back: toSiteId === plan.homeSiteId } };
}

/** @throws GiveUp when another operation holds the plan */
export async function loadCase(state: State, deps: StepDeps): Promise<Case> {
  const found = await findCase(state, deps);
  if (!found) throw new GiveUp('not-ours', `plan ${state.planId} is not held by this operation any more`);
  return found;
}

/** Groups that have the right to write where the execution leads. */
export const arrived = ({ groups, execution }: Pick<Case, 'groups' | 'execution'>): ProtectedGroup[] =>
  groups.filter((g) => g.primarySiteId === execution.toSiteId);
export const notArrived = ({ groups, execution }: Pick<Case, 'groups' | 'execution'>): ProtectedGroup[] =>
  groups.filter((g) => g.primarySiteId !== execution.toSiteId);

export const executionKey = ({ tenantId, planId, id }: Execution) => keys.execution(tenantId, planId, id);
export const groupKey = ({ tenantId, id }: ProtectedGroup) => keys.group(tenantId, id);
export const planKey = ({ tenantId, id }: RecoveryPlan) => keys.plan(tenantId, id);

/** The thing must be as it was read. */
export const asRead = (
  word: string,
  { id, version }: { id: string; version: number },
): Pick<UpdateSpec, 'condition' | 'names' | 'values' | 'onFail'> => ({
  condition: '#version = :versionWas',
  names: { '#version': 'version' },
  values: { ':versionWas': version },
  onFail: changed(`${word} ${id}`),
});

/** Adds a change of the execution to a transaction. */
export function setExecution(tx: Transaction, was: Execution, set: Partial<Execution>): Execution {
  tx.update(executionKey(was), { set, add: { version: 1 }, ...asRead('execution', was) });
  return { ...was, ...set, version: was.version + 1 };
}

export async function writeExecution(store: Store, was: Execution, set: Partial<Execution>): Promise<Execution> {
  const tx = new Transaction();
  const is = setExecution(tx, was, set);
  await store.commit(tx);
  return is;
}

/**
 * The phases with this one as the last: the one before ends where it begins, so that they follow each other without a gap.
 * A step that is repeated changes nothing.
 */
export function phasesWith(phases: readonly Phase[], name: string, now: number, detail?: string): Phase[] {
  const last = phases.at(-1);
  if (last?.name === name && last.finishedAt === undefined)
    return detail === undefined ? [...phases] : [...phases.slice(0, -1), { ...last, detail }];
  return [...phasesEnded(phases, now), { name, startedAt: now, ...(detail === undefined ? {} : { detail }) }];
}
export const phasesEnded = (phases: readonly Phase[], now: number): Phase[] =>
  phases.map((p) => (p.finishedAt === undefined ? { ...p, finishedAt: now } : p));

/** Says in the execution that a phase has begun; writes nothing when it is in it already. */
export async function enterPhase<C extends Case>(found: C, name: string, { store, clock }: StepDeps): Promise<C> {
  const { execution } = found;
  const phases = phasesWith(execution.phases, name, clock.now());
  if (phases.length === execution.phases.length) return found;
  return { ...found, execution: await writeExecution(store, execution, { phases }) };
}
