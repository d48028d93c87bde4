/**
 * Stops a running VM.
 *
 *   StopVms -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. StopVms  the agent ends the process and says so   undo: settle the VM as it is seen
 * 2. Finish   give the host back, rest as stopped      undo: none, it is the end
 *
 * A stop is not taken back: a process that has ended cannot be brought back as it was. Unwinding leaves the VM running or
 * stopped, whichever is seen, with the reason on it.
 */

import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { heldVms, unchanged, vmIds, vmKey } from '../vm/records.ts';
import { orderStops, restStopped } from '../vm/stop.ts';

export const STEPS: StepTable = {
  stopVms: { percent: 20, do: orderStops, undo: settleAsSeen },
  finish: { percent: 80, do: finish, undo: { none: 'it is the last step' } },
};

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  await restStopped(
    (await heldVms(state, deps)).filter((vm) => vm.state === 'stopping' || vm.state === 'stopped'),
    deps,
  );
  await new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    { ok: true, result: { vms: vmIds(state) } },
    deps.clock,
  );
  return {};
}

/**
 * The stop was given up. What is seen decides: a process that has ended is a stopped VM all the same, one that runs is
 * believed running, with the reason (S1: stopFailed). A host that cannot be asked is waited for, not guessed at.
 */
async function settleAsSeen(state: State, deps: StepDeps): Promise<void> {
  for (const vm of (await heldVms(state, deps)).filter((v) => v.state === 'stopping')) {
    if (await hasEnded(vm, deps)) {
      await restStopped([vm], deps, 'the stop was given up, but its process has ended');
      continue;
    }
    const reason = 'the stop was not carried out';
    const set = { state: vmMachine.next(vm.state, 'stopFailed'), desired: 'running', reason };
    const spec = { set, add: { version: 1 }, remove: ['claim'], ...unchanged(vm) };
    await deps.store.commit(new Transaction().update(vmKey(vm), spec));
  }
}

async function hasEnded(vm: Vm, deps: StepDeps): Promise<boolean> {
  // A recovery has taken it off its host: nothing runs.
  if (vm.runsOn === undefined) return true;
  const [seen] = await deps.port.inspectVms(vm.siteId, [{ vmId: vm.id, hostId: vm.runsOn }]);
  if (!seen || seen.state === 'unreachable') throw new TryAgain(`host ${vm.runsOn} cannot be asked`);
  return seen.state === 'dead' || seen.state === 'absent';
}
