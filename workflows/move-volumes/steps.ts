/**
 * Moves volumes of a VM to other datastores of its site, while it runs or while it is stopped (STO-5, MIG-4 to MIG-7).
 *
 *   Copy -> Ready? --no--> WaitForCopy -> Copy
 *     |        | yes
 *     |      Commit -> Finish
 *     \________/
 *       Unwind -> Failed
 *
 * 1. Copy     its turn in the budgets; what was written is copied, again and again   undo: delete the copy, let go
 * 2. Commit   all volumes stand on their new datastores, at one instant              undo: as above, if it did not happen
 * 3. Finish   the belief follows; the old datastores give their room back            undo: none, it is the end
 *
 * Unwinding leaves all the volumes where they were, whole; if they had been moved all the same, where they are now.
 * The request has taken the room. When the host of the VM fails, what it knew of the copy is lost with it: the move is
 * given up, and the recovery starts the VM elsewhere, with its volumes where they are then.
 */

import { holdsOf, storageHoldsOf } from '../../shared/hypervisor/demand.ts';
import type { MovedVolumes, VolumeMoveRef } from '../../shared/hypervisor/port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import type { StorageMoves, Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { DatastoreFull, HostFull, shiftDatastores, shiftHosts } from '../../shared/store/ledger.ts';
import { emit, Operations } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { heldVms, Moved, vmKey } from '../vm/records.ts';
import { endsOf, whyWait } from './turn.ts';

export const STEPS: StepTable = {
  copy: { percent: 5, do: copy, undo: leaveInPlace },
  commit: { percent: 80, do: commit, undo: leaveInPlace },
  finish: { percent: 95, do: finish, undo: { none: 'it is the last step' } },
};

/** How long one that waits for its turn, or whose copy is nearly done, waits before it is looked at again. */
const LOOK_AGAIN_SECONDS = 30;

type Moving = Vm & { storageMoves: StorageMoves };
type Begun = Moving & { storageMoves: { begun: NonNullable<StorageMoves['begun']> } };

/** The VM while this execution moves its volumes: claim and moves come and go together. */
async function ownVm(state: State, deps: StepDeps): Promise<Moving | undefined> {
  const [vm] = await heldVms(state, deps);
  return vm?.storageMoves ? (vm as Moving) : undefined;
}

/** @throws GiveUp when its host has failed. */
async function movingVm(state: State, deps: StepDeps): Promise<Moving> {
  const vm = await ownVm(state, deps);
  if (!vm) throw new GiveUp('taken-over', 'another operation has taken the VM over');
  const { begun } = vm.storageMoves;
  const same = !begun || (begun.hostId === vm.hostId && begun.epoch === vm.epoch);
  if (!same || (vm.state !== 'running' && vm.state !== 'stopped'))
    throw new GiveUp('taken-over', 'its host failed while its volumes were moved; the recovery has taken the VM over');
  return vm;
}

const refOf = ({ id, storageMoves }: Moving): VolumeMoveRef => ({
  vmId: id,
  token: storageMoves.token,
  volumes: storageMoves.disks.map((d) => d.name),
});

async function copy(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const moving = await movingVm(state, deps);
  const vm = moving.storageMoves.begun ? (moving as Begun) : await takeTurn(moving, deps);
  if (!vm) return { ready: false, waitSeconds: LOOK_AGAIN_SECONDS };
  const { begun, disks, options } = vm.storageMoves;
  const process = begun.hostId === null ? null : { hostId: begun.hostId, epoch: begun.epoch };
  const order = { ...refOf(vm), to: disks.map((d) => d.datastoreId), process, options };
  const [result] = await deps.port.beginVolumeMoves(vm.siteId, [order]);
  if (!result || result.outcome === 'unreachable') throw new TryAgain('the host of the VM cannot be asked');
  if (result.outcome !== 'copying') throw new GiveUp(result.outcome, result.reason ?? `the move is ${result.outcome}`);
  const left = Math.max(0, Math.ceil(((result.readyAt ?? 0) - deps.clock.now()) / SECOND));
  // Now and then, so that a fault is heard of early and what was written meanwhile is copied already.
  return { ready: left === 0, waitSeconds: Math.min(left, Math.max(LOOK_AGAIN_SECONDS, Math.ceil(left / 4))) };
}

/** Undefined when its turn has not come yet. */
async function takeTurn(vm: Moving, deps: StepDeps): Promise<Begun | undefined> {
  const inventory = new Inventory(deps.store, SYSTEM);
  const [host, beside, datastores] = await Promise.all([
    vm.hostId ? inventory.host(vm.hostId) : undefined,
    vm.hostId ? new TenantData(deps.store, SYSTEM).vmsOnHost(vm.hostId) : [],
    inventory.datastores(vm.siteId),
  ]);
  const ends = endsOf(vm);
  const ours = datastores.filter((d) => ends.includes(d.id));
  if (whyWait(vm, beside, host, ours) !== undefined) return undefined;
  const begun = { hostId: vm.hostId, epoch: vm.epoch };
  const after: Begun = { ...vm, storageMoves: { ...vm.storageMoves, begun } };
  try {
    await deps.store.commit(change(vm, after, { set: { 'storageMoves.begun': begun } }));
  } catch (error) {
    if (error instanceof HostFull || error instanceof DatastoreFull) return undefined;
    throw error;
  }
  return { ...after, version: vm.version + 1 };
}

/** The VM as it was read, and what it holds before and after. */
function change(before: Vm, after: Vm, spec: Pick<UpdateSpec, 'set' | 'remove'>): Transaction {
  const tx = new Transaction().update(vmKey(before), {
    ...spec,
    add: { version: 1 },
    condition: '#claim = :mine AND #version = :was',
    names: { '#claim': 'claim', '#version': 'version' },
    values: { ':mine': before.claim, ':was': before.version },
    onFail: () => new Moved(before.id),
  });
  shiftHosts(tx, () => before.clusterId, holdsOf(before), holdsOf(after));
  shiftDatastores(tx, before.siteId, storageHoldsOf(before), storageHoldsOf(after));
  return tx;
}

async function commit(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await movingVm(state, deps);
  const [result] = await deps.port.commitVolumeMoves(vm.siteId, [refOf(vm)]);
  if (!result || result.outcome === 'unreachable') throw new TryAgain('the host of the VM cannot be asked');
  // It writes faster than when the copy began: the last rounds take longer.
  if (result.outcome === 'early') throw new TryAgain('its volumes are not copied yet');
  if (result.outcome !== 'moved' || !result.moved)
    throw new GiveUp(result.outcome, result.reason ?? `the move is ${result.outcome}`);
  return { moved: checked(result.moved) };
}

function checked({ hashBefore, hashAfter, ...figures }: MovedVolumes) {
  if (hashBefore !== hashAfter)
    throw new GiveUp('corrupt', `the content of the volumes was ${hashBefore} and is ${hashAfter}`);
  return { ...figures, hash: hashAfter };
}

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await ownVm(state, deps);
  if (vm) await land(vm, deps);
  const result = state.moved as Record<string, unknown>;
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result }, deps.clock);
  return {};
}

/** Enters the volumes where they stand now, whatever a recovery does with the VM meanwhile. */
async function land(vm: Moving, deps: StepDeps): Promise<void> {
  const { storageMoves, ...rest } = vm;
  const disks = vm.disks.map((disk) => {
    const to = storageMoves.disks.find((d) => d.name === disk.name)?.datastoreId;
    return to ? { ...disk, datastoreId: to } : disk;
  });
  const tx = change(vm, { ...rest, disks }, { set: { disks }, remove: ['storageMoves', 'claim'] });
  emit(tx, {
    id: deps.ids.make('event', tagOfTenant(vm.tenantId)),
    type: 'vm.volumes-moved',
    at: deps.clock.now(),
    tenantId: vm.tenantId,
    subject: vm.id,
    data: { disks: storageMoves.disks.map((d) => d.name) },
  });
  await deps.store.commit(tx);
}

/** Deletes the copy. If the volumes had been moved, nothing can be taken back, and they are entered where they are. */
async function leaveInPlace(state: State, deps: StepDeps): Promise<void> {
  const vm = await ownVm(state, deps);
  if (!vm) return;
  const [cancelled] = await deps.port.cancelVolumeMoves(vm.siteId, [refOf(vm)]);
  if (!cancelled) throw new TryAgain('the site did not say whether the volumes were moved');
  if (cancelled.outcome === 'moved') return land(vm, deps);
  const { storageMoves: _, ...rest } = vm;
  await deps.store.commit(change(vm, rest, { remove: ['storageMoves', 'claim'] }));
}
