/**
 * Makes a disk of a VM larger, while it runs or is stopped (ELA-3), with its copies at other sites (DR-17).
 *
 *   Enlarge -> Finish      (on failure: Unwind -> Failed)
 *
 * 1. Enlarge  first the copies, then the volume that the guest writes to   undo: the disk says why, and that it is not done
 * 2. Finish   the disk has its size                                        undo: none, it is the end
 *
 * The request has taken quota and room, and the disk has its new size from then on. The VM is not held: each step looks
 * where it stands now, so that a recovery, a migration or a switch to another site comes between at any point.
 *
 * Unwinding leaves the disk with the size that was accepted, and all that it takes, and says why the sites have not
 * obeyed: its guest may have written to the new part already, so nothing is made smaller again. Asked for once more it is
 * gone on with. A volume of the world is therefore never larger than it is believed to be, but for a copy that did its work
 * and whose site did not answer.
 */
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import type { Disk, Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { emit, Operations } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import {
  causeOf,
  GiveUp,
  publicWords,
  type State,
  type StepDeps,
  type StepTable,
  TryAgain,
} from '../engine/step-table.ts';
import { unchanged, vmKey } from '../vm/records.ts';
import { enlargeCopies } from './copies.ts';

export const STEPS: StepTable = {
  enlarge: { percent: 10, do: enlarge, undo: sayWhy },
  finish: { percent: 90, do: finish, undo: { none: 'it is the last step' } },
};

interface Growing {
  vm: Vm;
  disk: Disk;
}

/** The disk while this execution makes it larger; undefined once it has. @throws GiveUp when it is gone */
async function growing(state: State, { store }: StepDeps): Promise<Growing | undefined> {
  const vm = await new TenantData(store, SYSTEM).find('vm', state.vmId as string);
  const disk = vm?.disks.find((d) => d.name === state.disk);
  if (!vm || !disk) throw new GiveUp('gone', 'the disk was deleted meanwhile');
  return disk.resizing?.operationId === state.operationId ? { vm, disk } : undefined;
}

async function enlarge(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await growing(state, deps);
  if (!found) return {};
  const { vm, disk } = found;
  await enlargeCopies(vm, disk, deps);
  const order = { id: disk.id, vmId: vm.id, name: disk.name, sizeGiB: disk.sizeGiB };
  const [result] = await deps.port.growVolumes(vm.siteId, [order]);
  if (result?.outcome === 'done') return {};
  // It stands elsewhere by now, or its group was told of another copy: what is there then is looked at.
  throw new TryAgain(result?.reason ?? `its volume at ${vm.siteId} is ${result?.outcome ?? 'unknown'}`);
}

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await growing(state, deps);
  if (found) await done(found, deps);
  const vm = await new TenantData(deps.store, SYSTEM).find('vm', state.vmId as string);
  const disk = vm?.disks.find((d) => d.name === state.disk);
  const outdated = vm?.protection?.outdated;
  const result = { disk: state.disk, sizeGiB: disk?.sizeGiB ?? 0, ...(outdated ? { outdated } : {}) };
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result }, deps.clock);
  return {};
}

/** @throws Moved when the VM has changed since: it may stand at another site, where its volume is to be looked at first */
async function done({ vm, disk }: Growing, deps: StepDeps): Promise<void> {
  const { resizing: _, ...rest } = disk;
  const tx = changed(vm, rest);
  emit(tx, {
    id: deps.ids.make('event', tagOfTenant(vm.tenantId)),
    type: 'vm.disk-grown',
    at: deps.clock.now(),
    tenantId: vm.tenantId,
    subject: vm.id,
    data: { disk: disk.name, sizeGiB: disk.sizeGiB },
  });
  await deps.store.commit(tx);
}

const changed = (vm: Vm, disk: Disk): Transaction =>
  new Transaction().update(vmKey(vm), {
    set: { disks: vm.disks.map((d) => (d.name === disk.name ? disk : d)) },
    add: { version: 1 },
    ...unchanged(vm),
  });

async function sayWhy(state: State, deps: StepDeps): Promise<void> {
  const vm = await new TenantData(deps.store, SYSTEM).find('vm', state.vmId as string);
  const disk = vm?.disks.find((d) => d.name === state.disk);
  if (!vm || disk?.resizing?.operationId !== state.operationId) return;
  const reason = publicWords(causeOf(state.error).message);
  await deps.store.commit(changed(vm, { ...disk, resizing: { ...disk.resizing, reason } }));
}
