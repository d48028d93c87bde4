import { clusterOf, holdsOf, storageHoldsOf } from '../../shared/hypervisor/demand.ts';
import type { VolumeRef } from '../../shared/hypervisor/port.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { addressesOf, storageGiBOf, type Vm } from '../../shared/model/vm.ts';
import { refundVdc, shiftDatastores, shiftHosts } from '../../shared/store/ledger.ts';
import { emit } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type StepDeps, TryAgain } from '../engine/step-table.ts';
import { addressKey, bySite, unchanged, vmKey } from './records.ts';

export async function deleteVolumes(vms: readonly Vm[], deps: StepDeps): Promise<void> {
  for (const [siteId, group] of bySite(vms)) {
    const volumes = group.flatMap((vm) => vm.disks.map((d) => ({ id: d.id, vmId: vm.id, name: d.name })));
    await deleteVolumesAt(siteId, volumes, deps);
  }
}

export async function deleteVolumesAt(siteId: string, volumes: VolumeRef[], { port }: StepDeps): Promise<void> {
  const failed = (await port.deleteVolumes(siteId, volumes)).filter((r) => !r.ok);
  if (failed.length > 0) throw new TryAgain(failed[0]?.reason ?? 'a volume could not be deleted');
}

/** Removes the record and gives back all that it held, once: host, datastore, quota, addresses. */
export async function forgetVm(vm: Vm, type: 'vm.deleted' | 'vm.failed', deps: StepDeps): Promise<void> {
  const tx = new Transaction().delete(vmKey(vm), unchanged(vm));
  shiftHosts(tx, clusterOf(vm), holdsOf(vm), []);
  shiftDatastores(tx, vm.siteId, storageHoldsOf(vm), []);
  refundVdc(
    tx,
    { tenantId: vm.tenantId, id: vm.vdcId },
    { vcpus: vm.cpu.vcpus, memoryMiB: vm.memory.sizeMiB, storageGiB: storageGiBOf(vm), vms: 1 },
  );
  for (const nic of addressesOf(vm.nics)) tx.delete(addressKey(vm.tenantId, nic));
  emit(tx, {
    id: deps.ids.make('event', tagOfTenant(vm.tenantId)),
    type,
    at: deps.clock.now(),
    tenantId: vm.tenantId,
    subject: vm.id,
    data: { name: vm.name },
  });
  await deps.store.commit(tx);
}
