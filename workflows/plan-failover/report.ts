import { waitsForFormer } from '../../shared/model/protection.ts';
import { causeOf, type State, type StepDeps } from '../engine/step-table.ts';
import { type Case, enterPhase, findCase, loadCase } from '../recovery-plan/case.ts';
import { settleHeld } from '../recovery-plan/settle.ts';
import { endSwitch, missedOf, outcomeOf, type Switch, succeed } from '../recovery-plan/switched.ts';

/** A former primary that is not heard yet is waited for: what was lost is settled by its word. */
const failover = ({ groups }: Case): Switch => ({
  done: groups.some(waitsForFormer) ? ['failedOver'] : ['failedOver', 'peerSettled'],
  failed: 'failoverFailed',
  group: 'recovered',
});

/** Ends the failover: what came of it stands in the execution, and everything is let go of. */
export async function report(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'report', deps);
  const entries = await settleHeld(found, state, 'it was not seen running', deps);
  await succeed(state, found, entries, deps);
  await endSwitch(found, outcomeOf(found, entries, missedOf(state)), failover(found), entries, deps);
  return {};
}

/** A failover that broke off is not taken back but gone on with: all is let go of as it is, and `failover` again goes on. */
export async function letGo(state: State, deps: StepDeps): Promise<void> {
  const found = await findCase(state, deps);
  if (!found) return;
  const { message } = causeOf(state.error);
  const entries = await settleHeld(found, state, `the failover broke off: ${message}`, deps);
  await endSwitch(found, outcomeOf(found, entries, [message]), failover(found), entries, deps);
}
