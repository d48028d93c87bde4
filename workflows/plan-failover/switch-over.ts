import { PortTimeout } from '../../shared/hypervisor/port.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { loadCase } from '../recovery-plan/case.ts';
import { switchVms } from '../recovery-plan/switch.ts';
import { copiesOf, removeCopies } from '../recovery-plan/test-copies.ts';

/**
 * The VMs change over. What a test has left at the recovery site goes first: it holds the room that they need. A disaster does
 * not wait for that: what cannot be removed now goes with the next test of the plan.
 */
export async function switchOver(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  if (state.testExecutionId !== undefined) {
    const { plan } = await loadCase(state, deps);
    try {
      await removeCopies(await copiesOf(plan, deps), deps);
    } catch (error) {
      if (!(error instanceof PortTimeout || error instanceof TryAgain)) throw error;
      deps.log.info('copies of a test are left for later', { planId: plan.id, why: error.message });
    }
  }
  return switchVms(state, deps);
}
