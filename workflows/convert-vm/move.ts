import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { emit, Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { unchanged, vmKey } from '../vm/records.ts';
import { stopProcesses } from '../vm/stop.ts';
import { type Converting, changeOver, convertingVm, leave, mustConvert } from './records.ts';

/** The source ends before anything is copied. A host that has failed is waited for until its recovery lets go of the VM. */
export async function stop(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await mustConvert(state, deps);
  if (vm.conversion.stage !== 'copying' || vm.hostId === null) return {};
  await targetMustStand(vm, deps);
  await stopProcesses([vm], deps);
  return {};
}

/** @throws GiveUp when the host that holds its place has failed, TryAgain while that is not certain. */
async function targetMustStand({ conversion: { seat } }: Converting, { store }: StepDeps) {
  const host = seat && (await new Inventory(store, SYSTEM).host(seat.hostId));
  if (!host || host.state === 'online') return host;
  if (host.state === 'suspect') throw new TryAgain(`host ${host.id} is suspect`);
  throw new GiveUp('target-lost', `the host that it was to run on is ${host.state}`);
}

/** From here on the VM is its target. The host is checked in the same transaction: if it fails later, the recovery finds the VM. */
export async function switchOver(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await mustConvert(state, deps);
  if (vm.conversion.stage !== 'copying') return {};
  const host = await targetMustStand(vm, deps);
  const event = vm.desired === 'running' ? 'restart' : 'coldMigrateDone';
  const tx = changeOver(vm, 'switched', vmMachine.next(vm.state, event));
  if (host)
    tx.check(
      keys.host(host.clusterId, host.id),
      '#state = :online',
      () => new TryAgain(`host ${host.id} changed meanwhile`),
      { ':online': 'online' },
      'control',
      { '#state': 'state' },
    );
  await deps.store.commit(tx);
  return {};
}

export async function confirm(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await mustConvert(state, deps);
  if (vm.conversion.stage !== 'switched') return {};
  if (vm.state === 'starting' && !(await seenRunning(vm, deps)))
    throw new TryAgain(`${vm.id} was not seen running on ${vm.hostId}`);
  // A recovery has it: its new host failed as well.
  if (vm.state === 'faultResuming') throw new TryAgain(`${vm.id} is recovered from a failure of its host`);
  await settle(vm, deps);
  return {};
}

export async function seenRunning(vm: Converting, { port }: StepDeps): Promise<boolean> {
  if (vm.hostId === null) return false;
  const [seen] = await port.inspectVms(vm.siteId, [{ vmId: vm.id, hostId: vm.hostId }]);
  return seen?.state === 'running' && seen.epoch === vm.epoch;
}

/** The target is what the VM is for good; only the source is left to be removed. */
export async function settle(vm: Converting, { store, ids, clock }: StepDeps): Promise<void> {
  const state = vm.state === 'starting' ? vmMachine.next(vm.state, 'startDone') : vm.state;
  const tx = new Transaction().update(vmKey(vm), {
    set: { state, 'conversion.stage': 'confirmed' },
    add: { version: 1 },
    remove: ['reason'],
    ...unchanged(vm),
  });
  emit(tx, {
    id: ids.make('event', tagOfTenant(vm.tenantId)),
    type: 'vm.converted',
    at: clock.now(),
    tenantId: vm.tenantId,
    subject: vm.id,
    data: { siteId: vm.siteId, epoch: vm.epoch },
  });
  await store.commit(tx);
}

export async function removeSource(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await convertingVm(state, deps);
  if (vm) await leave(vm, deps);
  const result = state.result as Record<string, unknown>;
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result }, deps.clock);
  return {};
}
