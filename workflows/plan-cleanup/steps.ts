/**
 * Removes everything that tests of a recovery plan have made (DR-8): then all is as it was before, byte for byte.
 *
 *   Remove -> Finish
 *
 * 1. Remove  processes, volumes, room, addresses, records of the copies  undo: plan and groups are let go of
 * 2. Finish  groups are protected as before, the plan is ready           undo: none
 *
 * What was removed stays so: a clean-up that broke off is gone on with by the next one, until nothing is left.
 */
import { causeOf, type State, type StepDeps, type StepTable } from '../engine/step-table.ts';
import { enterPhase, findCase, loadCase } from '../recovery-plan/case.ts';
import { endExecution } from '../recovery-plan/end.ts';
import { succeed } from '../recovery-plan/switched.ts';
import { copiesOf, removeCopies } from '../recovery-plan/test-copies.ts';

export const STEPS: StepTable = {
  remove: { percent: 10, do: remove, undo: letGo },
  finish: { percent: 90, do: finish, undo: { none: 'it is the last step' } },
};

async function remove(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { plan } = await enterPhase(await loadCase(state, deps), 'remove test VMs', deps);
  await removeCopies(await copiesOf(plan, deps), deps);
  return {};
}

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'report', deps);
  await succeed(state, found, [], deps);
  await endExecution(
    found,
    { execution: { state: 'success' }, plan: { event: ['cleaned'] }, group: () => ({ event: 'cleanupDone' }) },
    [],
    deps,
  );
  return {};
}

async function letGo(state: State, deps: StepDeps): Promise<void> {
  const found = await findCase(state, deps);
  if (!found) return;
  const { message: reason } = causeOf(state.error);
  await endExecution(
    found,
    {
      execution: { state: 'failed', reason },
      plan: { event: ['cleanupFailed'] },
      group: () => ({ event: 'cleanupFailed', reason }),
    },
    [],
    deps,
  );
}
