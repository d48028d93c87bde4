import type { Execution } from '../../shared/model/execution.ts';
import type { SitePlan, SiteSwitchPart } from '../../shared/model/site-switch.ts';
import { isSettled, stopsAt, turnOf } from '../../shared/recovery/site-order.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { keys } from '../../shared/store/keys.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { beginPlan } from './begin.ts';
import { loadSwitch, plansOf, type Switched, writePlans } from './records.ts';

/**
 * One pass: looks how the plans are that are under way, and begins those whose turn has come. Ends when nothing is under
 * way and nothing is to be begun any more; until then the state machine comes again. When it is cancelled it ends at
 * once: what is under way goes on without it.
 */
export async function switchPlans(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  let found = await lookAt(await loadSwitch(state, deps), deps);
  const { state: asked } = await new Operations(deps.store, SYSTEM).get(state.operationId);
  const stopped = stopsAt(found.record, plansOf(found));
  if (asked === 'cancelling') {
    await leave(found, 'the switch of the site was cancelled', deps);
    return { cancelled: true };
  }
  if (stopped) found = await leave(found, `nothing more was begun after plan ${stopped.name}`, deps);
  else found = await beginTurn(found, deps);
  const plans = plansOf(found);
  if (!isSettled(plans)) {
    const open = plans.filter((p) => p.outcome === 'waiting' || p.outcome === 'running').length;
    throw new TryAgain(`${open} of ${plans.length} plans of the site have not come to their end`);
  }
  return {};
}

/** What has become of the plans that were begun; written where it has changed. */
async function lookAt(found: Switched, { store }: StepDeps): Promise<Switched> {
  const under = plansOf(found).filter((p) => p.outcome === 'running' || p.outcome === 'paused');
  const executions = await store.getMany<Execution>(
    under.flatMap((p) => (p.executionId ? [keys.execution(p.tenantId, p.planId, p.executionId)] : [])),
  );
  const byPlan = new Map(executions.map((e) => [e.planId, e]));
  const changed = under.flatMap((plan): SitePlan[] => {
    const execution = byPlan.get(plan.planId);
    if (!execution) return [{ ...plan, outcome: 'failed', reason: 'its record is gone' }];
    if (execution.state === plan.outcome) return [];
    const { state, finishedAt, reason } = execution;
    return [{ ...plan, outcome: state, ...(finishedAt ? { endedAt: finishedAt } : {}), ...(reason ? { reason } : {}) }];
  });
  return writePlans(found, changed, store);
}

/** Those whose turn has not come are not begun any more. */
export function leave(found: Switched, reason: string, { store }: StepDeps): Promise<Switched> {
  const waiting = plansOf(found).filter((p) => p.outcome === 'waiting');
  return writePlans(
    found,
    waiting.map((plan) => ({ ...plan, outcome: 'notBegun', reason })),
    store,
  );
}

async function beginTurn(found: Switched, deps: StepDeps): Promise<Switched> {
  const { record } = found;
  const parts = new Map<number, SiteSwitchPart>(found.parts.map((part) => [part.n, part]));
  for (const entry of turnOf(plansOf(found), record.atOnce)) {
    const part = [...parts.values()].find((p) => p.plans[entry.planId] !== undefined) as SiteSwitchPart;
    const after = await beginPlan(record, part, entry, deps);
    parts.set(part.n, after);
    // What stops at the first error begins nothing after it in the same pass either.
    if (stopsAt(record, Object.values(after.plans))) break;
  }
  return { ...found, parts: [...parts.values()] };
}
