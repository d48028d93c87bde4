import { clusterOf, holdsOf, SEAT } from '../../shared/hypervisor/demand.ts';
import type { VolumeRef } from '../../shared/hypervisor/port.ts';
import { type Conversion, nextEpoch, type Seat, type Vm, type VmState } from '../../shared/model/vm.ts';
import { giveDatastore, shiftHosts } from '../../shared/store/ledger.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps } from '../engine/step-table.ts';
import { heldVms, unchanged, vmKey } from '../vm/records.ts';
import { deleteVolumesAt } from '../vm/remove.ts';

/** A VM while this execution converts it. */
export type Converting = Vm & { conversion: Conversion };
type Volume = Conversion['volumes'][number];

/** Undefined once it was let go of. */
export async function convertingVm(state: State, deps: StepDeps): Promise<Converting | undefined> {
  const [vm] = await heldVms(state, deps);
  return vm?.conversion ? (vm as Converting) : undefined;
}

/** @throws GiveUp when the VM is not converted by this execution any more. */
export async function mustConvert(state: State, deps: StepDeps): Promise<Converting> {
  const vm = await convertingVm(state, deps);
  if (!vm) throw new GiveUp('not-ours', 'the VM is not held by this conversion any more');
  return vm;
}

export const refOf = (vm: Vm, { id, name }: Volume): VolumeRef => ({ id, vmId: vm.id, name });
/** The volumes of the VM as it stands, and those at the other place, in the same order. */
export const ownRefs = (vm: Converting): VolumeRef[] => vm.disks.map((d) => refOf(vm, d));
export const otherRefs = (vm: Converting): VolumeRef[] => vm.disks.map((d) => refOf(vm, otherOf(vm, d.name)));
const otherOf = ({ conversion, id }: Converting, name: string): Volume => {
  const volume = conversion.volumes.find((v) => v.name === name);
  if (!volume) throw new Error(`the conversion of ${id} has no volume ${name}`);
  return volume;
};

/** The VM must be as it was read, its settings too: a change of them meanwhile is not written over. */
export const asRead = (vm: Vm): Pick<UpdateSpec, 'condition' | 'names' | 'values' | 'onFail'> => {
  const { condition, names, values, onFail } = unchanged(vm);
  return {
    condition: `${condition} AND #version = :versionWas`,
    names: { ...names, '#version': 'version' },
    values: { ...values, ':versionWas': vm.version },
    ...(onFail ? { onFail } : {}),
  };
};

/**
 * The VM changes over to its other place, with a new epoch, and the place that it had becomes the other one. No ledger
 * changes: both places are held.
 */
export function changeOver(vm: Converting, stage: Conversion['stage'], state: VmState): Transaction {
  const { siteId, clusterId, seat, runsOn } = vm.conversion;
  const had = seatOf(vm);
  const conversion: Conversion = {
    stage,
    siteId: vm.siteId,
    clusterId: vm.clusterId,
    ...(had ? { seat: had } : {}),
    ...(vm.runsOn ? { runsOn: vm.runsOn } : {}),
    volumes: vm.disks.map(({ id, name, sizeGiB, datastoreId }) => ({ id, name, sizeGiB, datastoreId })),
  };
  // In the index by host at once: a recovery of that host finds it from now on.
  const index = seat?.hostId ?? runsOn;
  return new Transaction().update(vmKey(vm), {
    set: {
      state,
      siteId,
      clusterId,
      hostId: null,
      ...seat,
      ...(index ? { runsOn: index } : {}),
      disks: vm.disks.map((d) => ({ ...d, ...placeOf(otherOf(vm, d.name)) })),
      conversion,
    },
    add: { epoch: nextEpoch(vm) - vm.epoch, version: 1 },
    remove: [...SEAT.filter((attribute) => seat?.[attribute] === undefined), ...(index ? [] : ['runsOn'])],
    ...asRead(vm),
  });
}

const placeOf = ({ id, datastoreId }: Volume) => ({ id, datastoreId });

const seatOf = ({ hostId, home, generation }: Vm): Seat | undefined =>
  hostId === null ? undefined : { hostId, ...(home ? { home } : {}), ...(generation ? { generation } : {}) };

/** The conversion is over: the other place is emptied and given back, and the VM let go of. */
export async function leave(vm: Converting, deps: StepDeps, reason?: string): Promise<void> {
  const { conversion, ...after } = vm;
  await deleteVolumesAt(conversion.siteId, otherRefs(vm), deps);
  const tx = new Transaction().update(vmKey(vm), {
    set: reason === undefined ? {} : { reason },
    add: { version: 1 },
    remove: ['conversion', 'claim'],
    ...unchanged(vm),
  });
  shiftHosts(tx, clusterOf(vm), holdsOf(vm), holdsOf(after));
  for (const [id, volumes] of Map.groupBy(conversion.volumes, (v) => v.datastoreId))
    giveDatastore(
      tx,
      { siteId: conversion.siteId, id },
      volumes.reduce((n, v) => n + v.sizeGiB, 0),
    );
  await deps.store.commit(tx);
}
