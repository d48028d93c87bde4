/**
 * Moves a VM that runs to another host while it runs (MIG-1 to MIG-7).
 *
 *     ___________
 *    v           |
 *   Begin -> WaitForCopy -> SwitchOver -> Finish
 *      \_______________________/
 *            Unwind -> Failed
 *
 * 1. Begin       its turn in the budgets of both hosts; the memory is copied   undo: end the copy, let go of the target
 * 2. SwitchOver  pause at the source, go on at the target, at one instant      undo: as above, if it did not happen
 * 3. Finish      the belief follows; the source gives its capacity back        undo: none, it is the end
 *
 * Unwinding leaves the VM running at its source, as it was; if it had switched over all the same, running at its target.
 * The request has taken the target's capacity and the new epoch. A failure of the source is the recovery's business: it
 * takes the VM over, and this work lets go of it. What was copied counts no more once its source is dead.
 *
 * It can be cancelled until it has switched over: a long copy looks for that every LOOK_SECONDS, where it begins once
 * more what has begun. What is cancelled is unwound; if it had switched over it came too late, and the work succeeds.
 */

import { holdsOf, SEAT, seated } from '../../shared/hypervisor/demand.ts';
import { machineOf } from '../../shared/hypervisor/machine.ts';
import type { CopyPlan } from '../../shared/hypervisor/migration/copy.ts';
import type { MigrationRef } from '../../shared/hypervisor/port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { type Migration, type Vm, vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { HostFull, shiftHosts } from '../../shared/store/ledger.ts';
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
import { heldVms, Moved, unchanged, vmIds, vmKey } from '../vm/records.ts';
import { landed } from './land.ts';
import { whyWait } from './turn.ts';

export const STEPS: StepTable = {
  begin: { percent: 5, cancelable: true, do: begin, undo: stayAtSource },
  switchOver: { percent: 80, cancelable: true, do: switchOver, undo: stayAtSource },
  finish: { percent: 95, do: finish, undo: { none: 'it is the last step' } },
};

/** A cancellation waits no longer than this for a copy that is under way. Declared. */
const LOOK_SECONDS = 30;

type Moving = Vm & { migration: Migration; hostId: string };

/** The VM while this execution moves it. @throws GiveUp when a recovery has taken it over. */
async function movingVm(state: State, deps: StepDeps): Promise<Moving> {
  const vm = await ownVm(state, deps);
  if (!vm) throw new GiveUp('taken-over', 'its host failed while it was moved; the recovery has taken the VM over');
  return vm;
}

async function ownVm(state: State, deps: StepDeps): Promise<Moving | undefined> {
  const [vm] = await heldVms(state, deps);
  return vm?.state === 'migrating' && vm.migration && vm.hostId ? (vm as Moving) : undefined;
}

const refOf = (vm: Moving): MigrationRef => ({
  vmId: vm.id,
  hostId: vm.hostId,
  epoch: vm.epoch,
  to: vm.migration.seat.hostId,
  toEpoch: vm.migration.epoch,
});

async function begin(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  let vm = await movingVm(state, deps);
  if (!vm.migration.begun) {
    await waitForTurn(vm, deps);
    vm = await takeSlots(vm, deps);
  }
  await mustServe(vm, deps);
  const order = {
    ...refOf(vm),
    machine: machineOf(seated(vm, vm.migration.seat) as Vm),
    options: vm.migration.options,
  };
  const [result] = await deps.port.beginMigrations(vm.siteId, [order]);
  if (!result || result.outcome === 'unreachable') throw await silence(vm, deps);
  if (result.outcome !== 'copying')
    throw new GiveUp(result.outcome, result.reason ?? `the migration is ${result.outcome}`);
  const seconds = Math.max(0, Math.ceil(((result.switchAt ?? 0) - deps.clock.now()) / SECOND));
  const copySeconds = Math.min(seconds, LOOK_SECONDS);
  return { copySeconds, leftSeconds: seconds - copySeconds };
}

async function waitForTurn(vm: Moving, { store }: StepDeps): Promise<void> {
  const inventory = new Inventory(store, SYSTEM);
  const [source, target, beside] = await Promise.all([
    inventory.host(vm.hostId),
    inventory.host(vm.migration.seat.hostId),
    new TenantData(store, SYSTEM).vmsOnHost(vm.hostId),
  ]);
  const why = whyWait(vm, beside, source, target);
  if (why) throw new TryAgain(`its turn has not come: ${why}`);
}

async function takeSlots(vm: Moving, deps: StepDeps): Promise<Moving> {
  const begun: Moving = { ...vm, version: vm.version + 1, migration: { ...vm.migration, begun: true } };
  const tx = new Transaction().update(vmKey(vm), {
    set: { 'migration.begun': true },
    add: { version: 1 },
    ...unchanged(vm),
  });
  shiftHosts(tx, () => vm.clusterId, holdsOf(vm), holdsOf(begun));
  try {
    await deps.store.commit(tx);
  } catch (error) {
    if (error instanceof HostFull) throw new TryAgain('as many migrations as its hosts may carry are under way');
    throw error;
  }
  return begun;
}

async function switchOver(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await movingVm(state, deps);
  await mustServe(vm, deps);
  const [result] = await deps.port.switchOver(vm.siteId, [refOf(vm)]);
  if (!result || result.outcome === 'unreachable') throw await silence(vm, deps);
  // It writes faster than when the copy began: the last rounds take longer.
  if (result.outcome === 'early') throw new TryAgain('its memory is not copied yet');
  if (result.outcome !== 'switched')
    throw new GiveUp(result.outcome, result.reason ?? `the switch-over is ${result.outcome}`);
  return result.plan ? { moved: figuresOf(result.plan) } : {};
}

/**
 * Nothing may come to a host that has been fenced, also if its agent can be asked (HA-18). If the VM is there already, it
 * is found when this work is unwound.
 */
async function mustServe(vm: Moving, { store }: StepDeps): Promise<void> {
  const target = await new Inventory(store, SYSTEM).host(vm.migration.seat.hostId);
  if (target.state === 'fenced' || target.state === 'reconciling') throw targetLost();
}

const targetLost = () => new GiveUp('target-lost', 'the host that it was to move to has failed');

/** One of the hosts cannot be asked. Of the source, a recovery takes the VM over; a target that is lost is given up. */
async function silence(vm: Moving, { store }: StepDeps): Promise<Error> {
  const target = await new Inventory(store, SYSTEM).host(vm.migration.seat.hostId);
  return target.state === 'fenced' ? targetLost() : new TryAgain('a host of the migration cannot be asked');
}

const figuresOf = (plan: CopyPlan) => ({
  downtimeMs: Math.round(plan.downtimeMs * 100) / 100,
  sentMiB: Math.round(plan.sentMiB * 100) / 100,
  rounds: plan.rounds.length,
  totalSeconds: Math.round(plan.totalSeconds * 1000) / 1000,
});

/** The belief follows what the hosts say. A VM that a recovery has found at its target has arrived as well. */
async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await ownVm(state, deps);
  if (vm) await land(vm, state, deps);
  await tellRecovery(state, deps);
  await letGo(state, deps);
  const result = { ...(state.moved as Record<string, unknown> | undefined) };
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result }, deps.clock);
  return {};
}

/** Enters the VM where it runs now. If its target has failed since, it waits for the recovery of that host. */
async function land(vm: Moving, state: State, deps: StepDeps): Promise<void> {
  const { seat, epoch } = vm.migration;
  const target = await new Inventory(deps.store, SYSTEM).host(seat.hostId);
  const [seen] = await deps.port.inspectVms(vm.siteId, [{ vmId: vm.id, hostId: seat.hostId }]);
  const end = landed(target, seen, epoch);
  if (end === 'wait') throw new TryAgain('the target cannot be asked whether the VM runs there');
  const { migration: _, ...rest } = vm;
  const lost = end === 'lost';
  const after = { ...seated(rest, seat), ...(lost ? { hostId: null } : {}) };
  const tx = new Transaction().update(vmKey(vm), {
    set: {
      runsOn: seat.hostId,
      epoch,
      ...(lost
        ? { state: vmMachine.next('migrating', 'hostFault'), hostId: null, reason: 'its new host failed as it arrived' }
        : { state: vmMachine.next('migrating', 'migrateDone'), ...seat }),
    },
    add: { version: 1 },
    remove: [
      'migration',
      ...failBackOver(vm, state),
      ...SEAT.filter((attribute) => lost || seat[attribute] === undefined),
    ],
    ...unchanged(vm),
  });
  const runOn = new Map(lost ? [] : [[seat.hostId, { unclaimed: true }]]);
  shiftHosts(tx, () => vm.clusterId, holdsOf(vm), holdsOf(after), runOn);
  emit(tx, {
    id: deps.ids.make('event', tagOfTenant(vm.tenantId)),
    type: 'vm.migrated',
    at: deps.clock.now(),
    tenantId: vm.tenantId,
    subject: vm.id,
    data: { epoch },
  });
  try {
    await deps.store.commit(tx);
  } catch (error) {
    // The target was fenced, or is being looked at, since it was read.
    if (error instanceof HostFull) throw new TryAgain('the target has changed meanwhile');
    throw error;
  }
}

/** It is back on its host, or somebody has asked for another place: nothing is to bring it back any more. */
function failBackOver({ failBackTo, migration }: Moving, { evacuation, failBackTo: goesBack }: State): string[] {
  const asked = evacuation === undefined && goesBack === undefined;
  return failBackTo !== undefined && (asked || migration.seat.hostId === failBackTo) ? ['failBackTo'] : [];
}

/**
 * A VM that was lost as it arrived is told to the recovery of that host, which may have looked before it was entered
 * there. Done before the VM is let go of, so that a crash between the two writes forgets nobody.
 */
async function tellRecovery(state: State, deps: StepDeps): Promise<void> {
  for (const vm of await heldVms(state, deps)) {
    if (vm.state !== 'faultResuming' || vm.hostId !== null || vm.runsOn === undefined) continue;
    await deps.store.update(keys.host(vm.clusterId, vm.runsOn), {
      set: { callsRecovery: `${vm.id}/${vm.epoch}` },
    });
  }
}

/** Ends the copy. If the switch-over had happened, nothing can be taken back, and the VM is entered where it runs. */
async function stayAtSource(state: State, deps: StepDeps): Promise<void> {
  const vm = await ownVm(state, deps);
  if (vm) {
    const [cancelled] = await deps.port.cancelMigrations(vm.siteId, [refOf(vm)]);
    if (!cancelled || cancelled.outcome === 'unreachable') throw new TryAgain('the source cannot be asked');
    if (cancelled.outcome === 'moved') {
      await land(vm, state, deps);
      await tooLate(state, deps);
    } else await remain(vm, deps, publicWords(causeOf(state.error).message));
  }
  await tellRecovery(state, deps);
  await letGo(state, deps);
}

/** What was asked for has come about: one that was cancelled after that succeeds (S8). */
async function tooLate({ operationId }: State, { store, clock }: StepDeps): Promise<void> {
  const operations = new Operations(store, SYSTEM);
  if ((await operations.get(operationId)).state === 'cancelling')
    await operations.finish(operationId, { ok: true }, clock);
}

async function remain(vm: Moving, deps: StepDeps, why: string): Promise<void> {
  const { migration: _, ...rest } = vm;
  const tx = new Transaction().update(vmKey(vm), {
    set: {
      state: vmMachine.next('migrating', 'migrateFailed'),
      reason: `it was not moved: ${why}`,
      promised: vm.migration.epoch,
    },
    add: { version: 1 },
    remove: ['migration'],
    ...unchanged(vm),
  });
  shiftHosts(tx, () => vm.clusterId, holdsOf(vm), holdsOf(rest));
  await deps.store.commit(tx);
}

async function letGo(state: State, { store }: StepDeps): Promise<void> {
  const data = new TenantData(store, SYSTEM);
  for (const id of vmIds(state)) {
    const vm = await data.find('vm', id);
    if (vm?.claim !== state.operationId) continue;
    await store.update(vmKey(vm), {
      remove: ['claim'],
      condition: '#claim = :mine',
      values: { ':mine': state.operationId },
      onFail: () => new Moved(vm.id),
    });
  }
}
