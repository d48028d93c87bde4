import { demandOf, SEAT } from '../../shared/hypervisor/demand.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { type Vm, type VmEvent, type VmState, vmMachine } from '../../shared/model/vm.ts';
import { giveHost } from '../../shared/store/ledger.ts';
import { emit } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { bySite, heldVms, unchanged, vmKey } from './records.ts';

/** Stops what may run of these VMs of a site. Answers, by VM, the hosts that cannot be asked. */
export async function stopAll(siteId: string, vms: readonly Vm[], { port }: StepDeps): Promise<Map<string, string>> {
  const placed = vms.filter((vm) => vm.runsOn !== undefined);
  if (placed.length === 0) return new Map();
  const results = await port.stopVms(
    siteId,
    placed.map((vm) => ({ vmId: vm.id, hostId: vm.runsOn as string, epoch: vm.epoch })),
  );
  return new Map(results.flatMap((r) => (r.outcome === 'unreachable' ? [[r.vmId, r.hostId] as const] : [])));
}

/**
 * Stops what may run of these VMs and has it confirmed. A host that cannot be asked is waited for: either it comes back,
 * or it is fenced and the recovery takes the VM off it.
 */
export async function stopProcesses(vms: readonly Vm[], deps: StepDeps): Promise<void> {
  for (const [siteId, group] of bySite(vms)) {
    const [silent] = (await stopAll(siteId, group, deps)).values();
    if (silent !== undefined) throw new TryAgain(`host ${silent} cannot be asked`);
  }
}

export async function orderStops(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  await stopProcesses(
    (await heldVms(state, deps)).filter((vm) => vm.state === 'stopping' || vm.state === 'deleting'),
    deps,
  );
  return {};
}

/** By which event a VM comes to rest, where not by a stop. */
const ENDS: Partial<Record<VmState, VmEvent>> = { starting: 'startFailed', faultResuming: 'recoveredStopped' };

/** Gives the host's capacity back and lets go of the VM, with `state` as its end. */
export async function restStopped(vms: readonly Vm[], deps: StepDeps, reason?: string): Promise<void> {
  for (const vm of vms) {
    const tx = new Transaction().update(vmKey(vm), {
      set: {
        state: vm.state === 'stopped' ? 'stopped' : vmMachine.next(vm.state, ENDS[vm.state] ?? 'stopDone'),
        hostId: null,
        desired: 'stopped',
        ...(reason ? { reason } : {}),
      },
      add: { version: 1 },
      remove: ['claim', 'runsOn', ...SEAT, ...(reason ? [] : ['reason'])],
      ...unchanged(vm),
    });
    if (vm.hostId) giveHost(tx, { clusterId: vm.clusterId, id: vm.hostId }, demandOf(vm));
    emit(tx, {
      id: deps.ids.make('event', tagOfTenant(vm.tenantId)),
      type: 'vm.stopped',
      at: deps.clock.now(),
      tenantId: vm.tenantId,
      subject: vm.id,
      data: reason ? { reason } : {},
    });
    await deps.store.commit(tx);
  }
}
