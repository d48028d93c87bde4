import type { State, StepDeps } from '../engine/step-table.ts';
import { loadCase } from '../recovery-plan/case.ts';
import { switchVms } from '../recovery-plan/switch.ts';
import { removeCopiesIfHeard } from '../recovery-plan/test-copies.ts';

/**
 * The VMs change over. What a test has left at the recovery site goes first: it holds the room that they need. A disaster does
 * not wait for that: what cannot be removed now goes with the reprotection, or with the next test of the plan.
 */
export async function switchOver(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  if (state.testExecutionId !== undefined) await removeCopiesIfHeard((await loadCase(state, deps)).plan, deps);
  return switchVms(state, deps);
}
