import type { ExecutionVm } from '../../shared/model/execution.ts';
import { causeOf, type State, type StepDeps } from '../engine/step-table.ts';
import { type Case, enterPhase, findCase, loadCase } from '../recovery-plan/case.ts';
import { CANCELLED, endExecution } from '../recovery-plan/end.ts';
import { entriesOf, readParts } from '../recovery-plan/parts.ts';
import { settleHeld } from '../recovery-plan/settle.ts';
import { missedOf, succeed } from '../recovery-plan/switched.ts';
import { copiesOf, removeCopies } from '../recovery-plan/test-copies.ts';

/** Ends the test: the copies run until they are cleaned up; a test without a flaw counts for the plan (I11). */
export async function report(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'report', deps);
  const entries = await settleHeld(found, state, 'it was not seen running', deps);
  await succeed(state, found, entries, deps);
  await end(found, entries, missedOf(state), deps);
  return {};
}

function end(found: Case, entries: readonly ExecutionVm[], why: readonly string[], deps: StepDeps): Promise<void> {
  const failed = entries.filter((e) => e.outcome === 'failed' || e.outcome === 'waiting').length;
  const words = [...why, ...(failed > 0 ? [`${failed} of ${entries.length} VMs were not started`] : [])].join('; ');
  const whole = words === '';
  return endExecution(
    found,
    {
      execution: whole
        ? { state: 'success' }
        : { state: failed === entries.length ? 'failed' : 'partial', reason: words },
      plan: whole
        ? { event: ['testDone'], set: { testedAt: deps.clock.now() } }
        : { event: ['testFailed'], remove: ['testedAt'] },
      group: () => ({ event: whole ? 'testDone' : 'testFailed', ...(whole ? {} : { reason: words }) }),
    },
    entries,
    deps,
  );
}

/** A test that broke off leaves what it made to the clean-up; one that was cancelled cleans up itself, and all is as before. */
export async function letGo(state: State, deps: StepDeps): Promise<void> {
  const found = await findCase(state, deps);
  if (!found) return;
  const { message } = causeOf(state.error);
  if (message !== CANCELLED) {
    const entries = await settleHeld(found, state, `the test broke off: ${message}`, deps);
    return end(found, entries, [message], deps);
  }
  await removeCopies(await copiesOf(found.plan, deps), deps);
  await endExecution(
    found,
    {
      execution: { state: 'failed', reason: message },
      plan: { event: ['givenUp'] },
      group: () => ({ event: ['testFailed', 'cleanup', 'cleanupDone'] }),
    },
    entriesOf(await readParts(found.execution, deps.store)),
    deps,
  );
}
