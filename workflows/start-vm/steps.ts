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
 * Unwinding leaves the VM stopped, as it was before, with the reason on it; or running, if a recovery has brought it so far.
 */
import { waitsForRoom } from '../../shared/model/vm.ts';
import { causeOf, publicWords, type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { heldVms } from '../vm/records.ts';
import { handBack } from '../vm/recovery.ts';
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
  const held = await heldVms(state, deps);
  // Its host failed meanwhile, and a recovery has taken it over: it waits for room still, or runs after all.
  if (held.some((vm) => vm.state === 'faultResuming' && !waitsForRoom(vm)))
    throw new TryAgain('a recovery starts the VM; what comes of it is waited for');
  for (const vm of held.filter((v) => v.state === 'running')) await handBack(vm, deps, 'its start took long');
  const vms = held.filter((vm) => vm.state === 'starting' || vm.state === 'faultResuming' || vm.state === 'stopped');
  await stopProcesses(
    vms.filter((vm) => vm.state === 'starting'),
    deps,
  );
  await restStopped(vms, deps, `the start failed: ${publicWords(causeOf(state.error).message)}`);
}
