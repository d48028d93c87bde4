import { causeOf, type State, type StepDeps } from '../engine/step-table.ts';
import { arrived, type Case, enterPhase, findCase, loadCase, notArrived } from '../recovery-plan/case.ts';
import { endExecution } from '../recovery-plan/end.ts';
import { entriesOf, readParts } from '../recovery-plan/parts.ts';
import { adopt, letGoReprotection } from '../recovery-plan/reprotect.ts';
import { settleHeld } from '../recovery-plan/settle.ts';
import { endSwitch, missedOf, outcomeOf, type Switch, succeed } from '../recovery-plan/switched.ts';
import { takeBack } from '../recovery-plan/take-back.ts';
import { startAgain, vmsOf } from './start-again.ts';

const MIGRATION: Switch = { done: ['migrated'], failed: 'migrateFailed', group: 'migrated' };

/** Ends a migration, or its roll-back. A failback goes on with the reprotection when everything has arrived. */
export async function report(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await loadCase(state, deps);
  if (found.plan.state === 'reprotecting') return { turn: 'reprotect' };
  const inPhase = await enterPhase(found, 'report', deps);
  const entries = await settleHeld(inPhase, state, 'it was not seen running', deps);
  if (state.rollback === true) {
    await succeed(state, inPhase, entries, deps);
    await endRollback(inPhase, entries, deps);
    return { turn: 'end' };
  }
  const outcome = outcomeOf(inPhase, entries, missedOf(state));
  if (outcome.whole && state.then === 'reprotect') {
    await adopt(inPhase, ['migrated', 'reprotect'], ['migrated', 'reprotect'], deps);
    return { turn: 'reprotect' };
  }
  await succeed(state, inPhase, entries, deps);
  await endSwitch(inPhase, outcome, MIGRATION, entries, deps);
  return { turn: 'end' };
}

function endRollback(found: Case, entries: Awaited<ReturnType<typeof settleHeld>>, deps: StepDeps): Promise<void> {
  const failed = entries.filter((e) => e.outcome === 'failed').length;
  return endExecution(
    found,
    {
      execution:
        failed > 0 ? { state: 'partial', reason: `${failed} VMs could not be started again` } : { state: 'success' },
      plan: { event: ['rollback'] },
      group: () => ({ event: 'rollback' }),
    },
    entries,
    deps,
  );
}

/**
 * A migration that broke off (DR-9). Where nothing has switched yet the source has the right to write again; what was shut
 * down stays so, and a rerun goes on from there, or a roll-back starts it again: only one that was cancelled is undone to the
 * end. Where groups have switched it is left as a failover would be, and a rerun goes on with the rest.
 */
export async function unwindMigration(state: State, deps: StepDeps): Promise<void> {
  const found = await findCase(state, deps);
  if (!found) return;
  if (found.plan.state === 'reprotecting') return letGoReprotection(state, deps);
  const { code, message } = causeOf(state.error);
  const operationCancelled = message === 'it was cancelled' || code === 'cancelled';
  if (state.rollback === true) return leaveRollback(found, state, message, deps);
  if (arrived(found).length > 0) {
    const entries = await settleHeld(found, state, `the migration broke off: ${message}`, deps);
    return endSwitch(found, outcomeOf(found, entries, [message]), MIGRATION, entries, deps);
  }
  const reload = async () => (await findCase(state, deps))?.groups ?? [];
  const { back } = await takeBack(notArrived(found), found.execution.fromSiteId, reload, deps);
  if (operationCancelled && back.size === found.groups.length && (await startAgain(found, state, deps)))
    return givenUp((await findCase(state, deps)) ?? found, message, deps);
  const entries = await settleHeld(found, state, `it was shut down by a migration that broke off: ${message}`, deps);
  const fresh = (await findCase(state, deps)) ?? found;
  const touched =
    entries.some((e) => e.outcome !== 'waiting') || back.size < found.groups.length || Number(state.down ?? 0) > 0;
  if (!touched && !(await anyDown(fresh, deps))) return givenUp(fresh, message, deps);
  await endExecution(
    fresh,
    {
      execution: { state: 'failed', reason: message },
      plan: { event: ['migrateFailed'] },
      group: () => ({ event: 'stepFailed', reason: message }),
    },
    entries,
    deps,
  );
}

/** Nothing has changed, or it was undone. */
async function givenUp(found: Case, reason: string, deps: StepDeps): Promise<void> {
  const entries = entriesOf(await readParts(found.execution, deps.store));
  await endExecution(
    found,
    { execution: { state: 'failed', reason }, plan: { event: ['givenUp'] }, group: () => ({ event: 'givenUp' }) },
    entries,
    deps,
  );
}

/** A roll-back that broke off leaves plan and groups as they were: it can be asked for again, or the migration gone on with. */
async function leaveRollback(found: Case, state: State, reason: string, deps: StepDeps): Promise<void> {
  const entries = await settleHeld(found, state, `the roll-back broke off: ${reason}`, deps);
  await endExecution(
    found,
    { execution: { state: 'failed', reason }, plan: {}, group: () => ({ reason }) },
    entries,
    deps,
  );
}

async function anyDown({ execution }: Case, deps: StepDeps): Promise<boolean> {
  return (await vmsOf(execution, deps)).some(
    (vm) => (vm.state === 'stopped' || vm.state === 'unknown') && vm.desired === 'running',
  );
}
