/**
 * Starts a stopped VM on the host that the request has placed it on.
 *
 *   StartVms -> WaitForBoot -> Confirm
 *        \___________________/
 *          Unwind -> Failed
 *
 * 1. StartVms  enter the VM at its host, order it   undo: stop it, give the host back, rest as stopped with a reason
 * 2. Confirm   seen running; let go of the VM       undo: none, it is the end
 *
 * Unwinding leaves the VM stopped, as it was before, with the reason on it.
 */
import { causeOf, publicWords, type State, type StepDeps, type StepTable } from '../engine/step-table.ts';
import { heldVms } from '../vm/records.ts';
import { confirmAndFinish, orderStarts } from '../vm/start.ts';
import { restStopped, stopProcesses } from '../vm/stop.ts';

export const STEPS: StepTable = {
  startVms: { percent: 10, do: orderStarts, undo: stopAgain },
  confirm: {
    percent: 80,
    do: confirmAndFinish,
    undo: { none: 'it is the last step: once it has run, the VM is done' },
  },
};

async function stopAgain(state: State, deps: StepDeps): Promise<void> {
  const vms = (await heldVms(state, deps)).filter((vm) => vm.state === 'starting');
  await stopProcesses(vms, deps);
  await restStopped(vms, deps, `the start failed: ${publicWords(causeOf(state.error).message)}`);
}
