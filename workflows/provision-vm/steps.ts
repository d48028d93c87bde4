/**
 * Makes VMs real that a creation has placed: their volumes, then their processes.
 *
 *   CreateVolumes -> StartVms -> WaitForBoot -> Confirm
 *        \______________\____________________/
 *                        Unwind -> Failed
 *
 * 1. CreateVolumes  the sites make the disks            undo: delete them, and the VM with all that it held
 * 2. StartVms       enter the VM at its host, order it   undo: stop it
 * 3. Confirm        seen running; let go of the VM       undo: none, it is the end
 *
 * Unwinding leaves nothing: no process, no volume, no VM, no capacity, address or quota held.
 * The ids and the claim were made by the transaction of the creation, so a repeated step reuses them.
 */
import type { VolumeOrder } from '../../shared/hypervisor/port.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, type StepTable } from '../engine/step-table.ts';
import { bySite, heldVms, unchanged, vmKey } from '../vm/records.ts';
import { deleteVolumes, forgetVm } from '../vm/remove.ts';
import { confirmAndFinish, orderStarts } from '../vm/start.ts';
import { stopProcesses } from '../vm/stop.ts';

export const STEPS: StepTable = {
  createVolumes: { percent: 10, do: createVolumes, undo: removeAll },
  startVms: { percent: 30, do: orderStarts, undo: stopAll },
  confirm: {
    percent: 80,
    do: confirmAndFinish,
    undo: { none: 'it is the last step: once it has run, the VMs are done' },
  },
};

async function createVolumes(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vms = await heldVms(state, deps);
  await networksMustStand(vms, deps);
  for (const [siteId, group] of bySite(vms)) {
    const orders = group.flatMap((vm) =>
      vm.disks.map(
        (d): VolumeOrder => ({ id: d.id, vmId: vm.id, name: d.name, sizeGiB: d.sizeGiB, datastoreId: d.datastoreId }),
      ),
    );
    const failed = (await deps.port.createVolumes(siteId, orders)).find((r) => !r.ok);
    if (failed) throw new GiveUp('volume-failed', failed.reason ?? `volume ${failed.id} could not be made`);
  }
  return {};
}

/** A network may have been closed between the creation's reading and writing; its deletion did not see these NICs then. */
async function networksMustStand(vms: readonly Vm[], { store }: StepDeps): Promise<void> {
  const data = new TenantData(store, SYSTEM);
  for (const id of new Set(vms.flatMap((vm) => vm.nics.map((n) => n.networkId)))) {
    const network = await data.find('network', id);
    if (!network) throw new GiveUp('network-gone', `network ${id} was deleted meanwhile`);
  }
}

/** From here on the VM is wanted no more: a recovery that meets it takes it off its host and does not start it. */
async function stopAll(state: State, deps: StepDeps): Promise<void> {
  for (const vm of await heldVms(state, deps)) {
    if (vm.state === 'deleting') continue;
    await deps.store.commit(
      new Transaction().update(vmKey(vm), {
        set: { state: 'deleting', desired: 'stopped' },
        add: { version: 1 },
        ...unchanged(vm),
      }),
    );
  }
  await stopProcesses(await heldVms(state, deps), deps);
}

async function removeAll(state: State, deps: StepDeps): Promise<void> {
  const vms = await heldVms(state, deps);
  await deleteVolumes(vms, deps);
  for (const vm of vms) await forgetVm(vm, 'vm.failed', deps);
}
