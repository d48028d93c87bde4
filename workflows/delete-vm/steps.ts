/**
 * Deletes a VM with its disks.
 *
 *   StopVms -> DeleteVolumes -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. StopVms        the agent ends the process, if any        undo: none
 * 2. DeleteVolumes  the site removes the disks                undo: none
 * 3. Finish         forget the VM, give back all it held      undo: none
 *
 * A deletion only goes forward: what is removed cannot be brought back. When it fails the VM stays `deleting`, is let go
 * of with the reason, and can be deleted again.
 */
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps, StepTable } from '../engine/step-table.ts';
import { heldVms, unchanged, vmIds, vmKey } from '../vm/records.ts';
import { deleteVolumes, forgetVm } from '../vm/remove.ts';
import { orderStops } from '../vm/stop.ts';

export const STEPS: StepTable = {
  stopVms: { percent: 10, do: orderStops, undo: letGo },
  deleteVolumes: {
    percent: 40,
    do: async (state, deps) => {
      await deleteVolumes(await heldVms(state, deps), deps);
      return {};
    },
    undo: { none: 'removed data cannot be brought back' },
  },
  finish: { percent: 80, do: finish, undo: { none: 'it is the last step' } },
};

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  for (const vm of await heldVms(state, deps)) await forgetVm(vm, 'vm.deleted', deps);
  await new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    { ok: true, result: { vms: vmIds(state) } },
    deps.clock,
  );
  return {};
}

async function letGo(state: State, deps: StepDeps): Promise<void> {
  for (const vm of await heldVms(state, deps)) {
    await deps.store.commit(
      new Transaction().update(vmKey(vm), {
        set: { reason: 'the deletion did not end; delete it again' },
        add: { version: 1 },
        remove: ['claim'],
        ...unchanged(vm),
      }),
    );
  }
}
