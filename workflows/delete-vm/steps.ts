/**
 * Deletes a VM with its disks.
 *
 *   StopVms -> DeleteVolumes -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. StopVms        the agent ends the process, if any        undo: let go of it
 * 2. DeleteVolumes  the site removes the disks                undo: none
 * 3. Finish         forget the VM, give back all it held      undo: none
 *
 * A deletion only goes forward: what is removed cannot be brought back. When it fails the VM stays `deleting`, is let go
 * of with the reason, and can be deleted again.
 */
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps, StepTable } from '../engine/step-table.ts';
import { heldVms, unchanged, vmIds, vmKey } from '../vm/records.ts';
import { handBack, takeOver } from '../vm/recovery.ts';
import { deleteVolumes, forgetVm } from '../vm/remove.ts';
import { orderStops } from '../vm/stop.ts';

/** Raised while a VM that is wanted gone cannot be removed. */
const ALARM = 'vm-deletion-stuck';

export const STEPS: StepTable = {
  stopVms: {
    percent: 10,
    do: async (state, deps) => {
      await takeOver(state, deps, 'delete');
      return orderStops(state, deps);
    },
    undo: letGo,
  },
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
  for (const id of vmIds(state)) await clearAlarm(deps.store, deps.ids, ALARM, id, deps.clock.now());
  await new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    { ok: true, result: { vms: vmIds(state) } },
    deps.clock,
  );
  return {};
}

async function letGo(state: State, deps: StepDeps): Promise<void> {
  for (const vm of await heldVms(state, deps)) {
    if (vm.state !== 'deleting') {
      await handBack(vm, deps, 'the deletion was not carried out');
      continue;
    }
    const text = `VM ${vm.name} could not be deleted: its host or its disks did not answer in time`;
    await raiseAlarm(deps.store, deps.ids, { code: ALARM, object: vm.id, severity: 'major', text }, deps.clock.now());
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
