import { DomainError, type ProblemCode } from '../../shared/kernel/errors.ts';
import type { AuditEntry } from '../../shared/model/audit.ts';
import { OPERATOR } from '../../shared/model/execution.ts';
import type { Operation } from '../../shared/model/operation.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import {
  HELD_PATIENCE_MS,
  type SitePlan,
  type SiteSwitch,
  type SiteSwitchPart,
} from '../../shared/model/site-switch.ts';
import { beginAction } from '../../shared/plans/begin.ts';
import { type Asker, type Ground, readGround } from '../../shared/plans/ground.ts';
import { isUnderWay, plansAt } from '../../shared/recovery/site-order.ts';
import { decideAnew } from '../../shared/store/anew.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { accept } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { StepDeps } from '../engine/step-table.ts';
import { setPlans } from './records.ts';

/** Refusals that may pass by themselves: something else has the plan or its groups, or cannot be asked right now. */
const PASSING: readonly ProblemCode[] = ['operation-in-progress', 'busy', 'site-unreachable', 'internal-error'];
/** What has the whole step repeated. */
const GOES_ON: readonly string[] = ['TryAgain', 'PortTimeout'];

/**
 * Begins one plan as its tenant would, in the name of the operator. That it was begun stands in the switch by the very
 * transaction that begins it, so no crash makes it begin twice. What keeps it from beginning is noted.
 */
export async function beginPlan(
  record: SiteSwitch,
  part: SiteSwitchPart,
  entry: SitePlan,
  deps: StepDeps,
): Promise<SiteSwitchPart> {
  const plan = await new TenantData(deps.store, SYSTEM).find('plan', entry.planId);
  const now = deps.clock.now();
  if (!plan) return note(part, { ...entry, outcome: 'refused', code: 'not-found', reason: 'it is gone' }, deps);
  if (isUnderWay(plan, record.action)) return note(part, joined(entry, plan, now), deps);
  try {
    return await decideAnew(() => begin(record, part, entry, deps));
  } catch (error) {
    if (!(error instanceof Error) || GOES_ON.includes(error.name)) throw error;
    return note(part, refused(entry, refusalOf(error, entry, deps), now), deps);
  }
}

async function begin(
  record: SiteSwitch,
  part: SiteSwitchPart,
  entry: SitePlan,
  deps: StepDeps,
): Promise<SiteSwitchPart> {
  const plan = await new TenantData(deps.store, SYSTEM).get('plan', entry.planId);
  const { override, toSiteId, before } = record;
  const asker: Asker = { tenantId: plan.tenantId, name: OPERATOR, now: deps.clock.now(), deps };
  const body = {
    ...(override ? { override } : {}),
    ...(toSiteId ? { toSiteId } : {}),
    ...(before ? { before } : {}),
  };
  const ground = await readGround(asker, plan, record.action, body);
  if (!isAt(record.siteId, ground)) {
    const { heldSince: _, code: __, ...rest } = entry;
    return note(part, { ...rest, outcome: 'notBegun', reason: `it is not at ${record.siteId} any more` }, deps);
  }
  const { tx, operation, execution } = await beginAction(asker, deps.port, ground);
  const { heldSince: _, code: __, reason: ___, ...rest } = entry;
  const after = setPlans(tx, part, [
    { ...rest, outcome: 'running', executionId: execution.id, operationId: operation.id, begunAt: asker.now },
  ]);
  accept(tx, operation, auditOf(record, operation, deps));
  await deps.store.commit(tx);
  return after;
}

/**
 * Whether the plan is still what a switch of this site is about. Its tenant may have brought it away, and protected it the
 * other way round, before its turn came: begun now it would lead back.
 */
function isAt(siteId: string, { asked: { plan, groups, previous } }: Ground): boolean {
  const last = new Map(previous ? [[plan.id, previous]] : []);
  return plansAt(siteId, [plan], new Map(groups.map((g) => [g.id, g])), last).length > 0;
}

/** Who has had it begun, on the trail as if they had asked for this very plan. */
const auditOf = ({ by }: SiteSwitch, operation: Operation, { ids, clock }: StepDeps): AuditEntry => ({
  ...by,
  id: ids.make('audit'),
  at: clock.now(),
  ...(operation.tenantId ? { tenantId: operation.tenantId } : {}),
  target: operation.target,
  status: 202,
  result: 'done',
});

/** Whatever it is that one plan meets, the others must not stay behind for it. */
function refusalOf(error: Error, { planId }: SitePlan, { log }: StepDeps): DomainError {
  if (error instanceof DomainError) return error;
  log.error('a plan could not be begun', { planId, error: String(error) });
  return new DomainError('internal-error', 'It could not be begun; the log says why.');
}

const joined = (entry: SitePlan, plan: RecoveryPlan, now: number): SitePlan => ({
  ...entry,
  outcome: 'running',
  joined: true,
  begunAt: now,
  ...(plan.executionId ? { executionId: plan.executionId } : {}),
  ...(plan.claim ? { operationId: plan.claim } : {}),
});

function refused(entry: SitePlan, { code, message }: DomainError, now: number): SitePlan {
  const heldSince = entry.heldSince ?? now;
  const passing = PASSING.includes(code) && now - heldSince < HELD_PATIENCE_MS;
  return { ...entry, code, reason: message, ...(passing ? { heldSince } : { outcome: 'refused', endedAt: now }) };
}

/** Nothing is written of a plan that is held as it was before. */
async function note(part: SiteSwitchPart, entry: SitePlan, { store }: StepDeps): Promise<SiteSwitchPart> {
  const was = part.plans[entry.planId];
  if (was?.outcome === entry.outcome && was.code === entry.code && was.reason === entry.reason) return part;
  const tx = new Transaction();
  const after = setPlans(tx, part, [entry]);
  await store.commit(tx);
  return after;
}
