/**
 * Stops a VM that runs, or that a recovery is about to start.
 *
 *   StopVms -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. StopVms  after a recovery, if one works on it (HA-20), the agent ends the process and says so
 *                                                      undo: settle the VM as it is seen
 * 2. Finish   give the host back, rest as stopped      undo: none, it is the end
 *
 * A stop is not taken back: a process that has ended cannot be brought back as it was. Unwinding leaves the VM running or
 * stopped, whichever is seen, with the reason on it.
 */

import { type Vm, vmMachine, waitsForRoom } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { heldVms, unchanged, vmIds, vmKey } from '../vm/records.ts';
import { handBack, takeOver } from '../vm/recovery.ts';
import { orderStops, restStopped } from '../vm/stop.ts';

export const STEPS: StepTable = {
  stopVms: { percent: 20, do: stopVms, undo: settleAsSeen },
  finish: { percent: 80, do: finish, undo: { none: 'it is the last step' } },
};

async function stopVms(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  await takeOver(state, deps, 'stop');
  return orderStops(state, deps);
}

/** One that waits for a recovery runs nowhere: nothing more is to be done for its rest. */
const comesToRest = (vm: Vm): boolean => vm.state === 'stopping' || vm.state === 'stopped' || waitsForRoom(vm);

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  await restStopped((await heldVms(state, deps)).filter(comesToRest), deps);
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
  const held = await heldVms(state, deps);
  for (const vm of held.filter((v) => v.state === 'running' || (v.state === 'faultResuming' && !waitsForRoom(v))))
    await handBack(vm, deps, 'the stop was not carried out');
  for (const vm of held.filter(comesToRest)) {
    if (vm.state !== 'stopping') await restStopped([vm], deps, 'the stop was given up, but nothing runs of it');
    else if (await hasEnded(vm, deps))
      await restStopped([vm], deps, 'the stop was given up, but its process has ended');
    else {
      const reason = 'the stop was not carried out';
      const set = { state: vmMachine.next(vm.state, 'stopFailed'), desired: 'running', reason };
      const spec = { set, add: { version: 1 }, remove: ['claim'], ...unchanged(vm) };
      await deps.store.commit(new Transaction().update(vmKey(vm), spec));
    }
  }
}

async function hasEnded(vm: Vm, deps: StepDeps): Promise<boolean> {
  // A recovery has taken it off its host: nothing runs.
  if (vm.runsOn === undefined) return true;
  const [seen] = await deps.port.inspectVms(vm.siteId, [{ vmId: vm.id, hostId: vm.runsOn }]);
  if (!seen || seen.state === 'unreachable') throw new TryAgain(`host ${vm.runsOn} cannot be asked`);
  return seen.state === 'dead' || seen.state === 'absent';
}
