import type { VolumeRef } from '../../shared/hypervisor/port.ts';
import { type ProtectedGroup, replicaHoldsOf } from '../../shared/model/protection.ts';
import type { Nic, Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { groupChange } from '../../shared/store/groups.ts';
import { shiftReplicas } from '../../shared/store/ledger.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { addressKey, unchanged, vmKey } from '../vm/records.ts';
import { deleteVolumesAt } from '../vm/remove.ts';

/** The group, while this execution holds it; undefined once it was let go of, or is gone. */
export async function heldGroup(state: State, { store }: StepDeps): Promise<ProtectedGroup | undefined> {
  const group = await new TenantData(store, SYSTEM).find('group', state.groupId as string);
  return group?.claim === state.operationId ? group : undefined;
}

/** @throws GiveUp when this execution holds it no more */
export async function mustHold(state: State, deps: StepDeps): Promise<ProtectedGroup> {
  const group = await heldGroup(state, deps);
  if (!group) throw new GiveUp('not-ours', 'the protected group is not held by this operation any more');
  return group;
}

/** A change of the group, as it was read. */
export const changed = (group: ProtectedGroup, change: Pick<UpdateSpec, 'set' | 'remove'>) =>
  groupChange(group, change, () => new TryAgain(`${group.id} was changed by somebody else meanwhile`));

/** VMs of these ids that are members of the group, or were until now. */
export async function membersOf(group: ProtectedGroup, ids: readonly string[], { store }: StepDeps): Promise<Vm[]> {
  const found = await new TenantData(store, SYSTEM).vmsById(ids);
  return found.filter((vm) => vm.protection?.groupId === group.id);
}

/** The copies of a VM at a site. */
const copiesAt = (vm: Vm, siteId: string): VolumeRef[] =>
  (vm.protection?.replicas ?? [])
    .filter((replica) => replica.siteId === siteId)
    .flatMap(({ volumes }) => volumes.map(({ id, name }) => ({ id, vmId: vm.id, name })));

/**
 * VMs are members no more: their copies are deleted at the sites that answer, then the room is given back. `silent`: sites
 * that are not asked; what stands there is left behind.
 */
export async function release(vms: readonly Vm[], silent: readonly string[], deps: StepDeps): Promise<void> {
  const sites = new Set(vms.flatMap((vm) => vm.protection?.replicas.map((r) => r.siteId) ?? []));
  for (const siteId of sites) {
    const copies = vms.flatMap((vm) => copiesAt(vm, siteId));
    if (!silent.includes(siteId) && copies.length > 0) await deleteVolumesAt(siteId, copies, deps);
  }
  for (const vm of vms) {
    // No plan takes it home any more: it stays where it is, with what it has there.
    const nics = vm.nics.map(({ home: _, ...nic }): Nic => nic);
    const tx = new Transaction().update(vmKey(vm), {
      ...(vm.nics.some((nic) => nic.home) ? { set: { nics } } : {}),
      remove: ['protection'],
      add: { version: 1 },
      ...unchanged(vm),
    });
    for (const { home } of vm.nics) if (home) tx.delete(addressKey(vm.tenantId, home));
    shiftReplicas(tx, replicaHoldsOf(vm), []);
    await deps.store.commit(tx);
  }
}
