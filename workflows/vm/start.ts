import { machineOf } from '../../shared/hypervisor/machine.ts';
import type { StartOrder, StartResult } from '../../shared/hypervisor/port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { emit, Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { mustBeAdmitted } from './admission.ts';
import { enterHosts, notEntered } from './enter.ts';
import { bySite, heldVms, unchanged, vmIds, vmKey } from './records.ts';

/** VMs that one transaction changes at most, with an event each. */
const VMS_PER_TRANSACTION = 40;

export const startOrder = (vm: Vm, hostId: string): StartOrder => ({
  vmId: vm.id,
  hostId,
  epoch: vm.epoch,
  machine: machineOf(vm),
  version: vm.version,
});

/**
 * Orders the start of the VMs that wait for one. Before the order goes out, the VM is entered in the index by host: from
 * then on a recovery of that host finds it; what its cluster keeps for failures is asked for the last time before that
 * (HA-13). Answers how long the slowest guest boots.
 */
export async function orderStarts(state: State, deps: StepDeps): Promise<{ bootSeconds: number }> {
  const vms = (await heldVms(state, deps)).filter(startable);
  await mustBeAdmitted(vms.filter(notEntered), deps);
  const entered = await enterHosts(vms, deps);
  let readyAt = deps.clock.now();
  for (const [siteId, group] of bySite(entered)) {
    const results = await deps.port.startVms(
      siteId,
      group.map((vm) => startOrder(vm, vm.hostId as string)),
    );
    readyAt = Math.max(readyAt, ...results.map((r) => readyTimeOf(r)));
  }
  return { bootSeconds: Math.max(0, Math.ceil((readyAt - deps.clock.now()) / SECOND)) };
}

/** A VM that a recovery has taken over is its business until it runs again. */
const startable = (vm: Vm): boolean =>
  vm.desired === 'running' && vm.hostId !== null && (vm.state === 'creating' || vm.state === 'starting');

/** @throws TryAgain while the agent is out of reach: the host comes back, or is fenced and its VMs recovered. */
function readyTimeOf(result: StartResult): number {
  if (result.outcome === 'unreachable') throw new TryAgain(`host ${result.hostId} cannot be asked`);
  if (result.outcome === 'refused')
    throw new GiveUp('start-refused', result.reason ?? 'the host refused to start the VM');
  return result.readyAt ?? 0;
}

/** Done means seen running (HA-21). VMs that are wanted stopped are done as they are. */
async function confirmStarts(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vms = await heldVms(state, deps);
  const waiting: string[] = [];
  const seen: Vm[] = [];
  for (const vm of vms) {
    if (vm.state === 'running' || vm.state === 'stopped' || (vm.state === 'creating' && vm.desired === 'stopped'))
      seen.push(vm);
    else if (!startable(vm)) waiting.push(`${vm.id} is ${vm.state}`);
  }
  for (const [siteId, group] of bySite(vms.filter((vm) => startable(vm) && !seen.includes(vm)))) {
    const found = await deps.port.inspectVms(
      siteId,
      group.map((vm) => ({ vmId: vm.id, hostId: vm.hostId as string })),
    );
    for (const [i, vm] of group.entries()) {
      const observed = found[i];
      if (observed?.state === 'running' && observed.epoch === vm.epoch) seen.push(vm);
      else if (observed?.state === 'dead' && observed.epoch === vm.epoch) waiting.push(`${vm.id} died on ${vm.hostId}`);
      else waiting.push(`${vm.id} is ${observed?.state ?? 'not seen'} on ${vm.hostId}`);
    }
  }
  await settle(seen, deps);
  if (waiting.length > 0) throw new TryAgain(waiting.slice(0, 3).join('; '));
  return { ready: seen.length };
}

/** The last step of every workflow that starts VMs: confirms, then ends the operation. */
export async function confirmAndFinish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const done = await confirmStarts(state, deps);
  const result = { vms: vmIds(state) };
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result }, deps.clock);
  return done;
}

/** Writes what was seen, and lets go of the VMs. */
async function settle(vms: Vm[], { store, ids, clock }: StepDeps): Promise<void> {
  for (let i = 0; i < vms.length; i += VMS_PER_TRANSACTION) {
    const tx = new Transaction();
    for (const vm of vms.slice(i, i + VMS_PER_TRANSACTION)) {
      const running = vm.desired === 'running' && vm.state !== 'stopped';
      const event = vm.state === 'creating' ? (running ? 'createStarted' : 'createDone') : 'startDone';
      const state = vm.state === 'running' || vm.state === 'stopped' ? vm.state : vmMachine.next(vm.state, event);
      tx.update(vmKey(vm), { set: { state }, add: { version: 1 }, remove: ['claim', 'reason'], ...unchanged(vm) });
      emit(tx, {
        id: ids.make('event', tagOfTenant(vm.tenantId)),
        type: state === 'running' ? 'vm.running' : 'vm.stopped',
        at: clock.now(),
        tenantId: vm.tenantId,
        subject: vm.id,
        data: { epoch: vm.epoch, ...(state === 'running' ? {} : vm.reason ? { reason: vm.reason } : {}) },
      });
    }
    await store.commit(tx);
  }
}
