/**
 * Stops a running VM.
 *
 *   StopVms -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. StopVms  the agent ends the process and says so   undo: none, see below
 * 2. Finish   give the host back, rest as stopped      undo: none, it is the end
 *
 * A stop is not undone: a process that has ended cannot be brought back as it was. It is repeated until it is confirmed,
 * and fails only after the time in which a silent host is surely fenced.
 */

import { vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps, StepTable } from '../engine/step-table.ts';
import { heldVms, unchanged, vmIds, vmKey } from '../vm/records.ts';
import { orderStops, restStopped } from '../vm/stop.ts';

export const STEPS: StepTable = {
  stopVms: { percent: 20, do: orderStops, undo: keepRunning },
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

/** The stop could not be confirmed: the VM is believed as it was, and its owner is told. S1: stopFailed. */
async function keepRunning(state: State, deps: StepDeps): Promise<void> {
  for (const vm of (await heldVms(state, deps)).filter((v) => v.state === 'stopping')) {
    const spec = {
      set: { state: vmMachine.next(vm.state, 'stopFailed'), desired: 'running', reason: 'the stop was not confirmed' },
      add: { version: 1 },
      remove: ['claim'],
    };
    await deps.store.commit(new Transaction().update(vmKey(vm), { ...spec, ...unchanged(vm) }));
  }
}
