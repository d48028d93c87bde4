import type { ExecutionVm } from '../../shared/model/execution.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { MAX_ACTIONS, Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { bySite, unchanged, vmKey } from '../vm/records.ts';
import { stopProcesses } from '../vm/stop.ts';
import type { Case } from './case.ts';
import { isReady, letRun } from './confirm.ts';
import { entriesOf, readParts, subjectOf, withEntries, writeParts } from './parts.ts';
import { writeMoves } from './wave.ts';

/**
 * Lets go of every VM that the execution still holds, each in a state at rest: what runs runs, what was being started or
 * stopped rests, for sure. Repeating it changes nothing.
 * @throws TryAgain while a host cannot be asked: it comes back, or is fenced and its VMs taken over
 */
export async function settleHeld(
  { execution }: Case,
  state: State,
  reason: string,
  deps: StepDeps,
): Promise<ExecutionVm[]> {
  const parts = await readParts(execution, deps.store);
  const entries = entriesOf(parts);
  const operationId = String(state.operationId);
  const vms = await new TenantData(deps.store, SYSTEM).vmsById(entries.map(subjectOf));
  const held = vms.filter((vm) => vm.claim === operationId);
  const moving = held.filter((vm) => vm.state === 'starting' || vm.state === 'stopping');
  const running = await thatRun(moving, deps);
  await letRun(
    moving.filter((vm) => running.has(vm.id)),
    state,
    deps,
  );
  const rest = moving.filter((vm) => !running.has(vm.id));
  await stopProcesses(rest, deps);
  await writeMoves(
    rest.map((vm) => ({
      vm,
      state: vmMachine.next(vm.state, vm.state === 'starting' ? 'startFailed' : 'stopDone'),
      clusterId: vm.clusterId,
      reason,
    })),
    operationId,
    deps,
  );
  await letGo(
    held.filter((vm) => vm.state !== 'starting' && vm.state !== 'stopping'),
    deps,
  );
  const now = deps.clock.now();
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const said = entries.flatMap((entry): ExecutionVm[] => {
    if (entry.outcome !== 'starting') return [];
    return [
      running.has(subjectOf(entry)) || isReady(entry, byId.get(subjectOf(entry)))
        ? { ...entry, outcome: 'ready', readyAt: entry.readyAt ?? now }
        : { ...entry, outcome: 'failed', reason },
    ];
  });
  return entriesOf(await writeParts(parts, withEntries(parts, said), deps.store));
}

async function thatRun(vms: readonly Vm[], { port }: StepDeps): Promise<Set<string>> {
  const running = new Set<string>();
  const starting = vms.filter((vm) => vm.state === 'starting' && vm.hostId !== null);
  for (const [siteId, all] of bySite(starting)) {
    const seen = await port.inspectVms(
      siteId,
      all.map((vm) => ({ vmId: vm.id, hostId: vm.hostId as string })),
    );
    for (const [i, vm] of all.entries())
      if (seen[i]?.state === 'running' && seen[i]?.epoch === vm.epoch) running.add(vm.id);
  }
  return running;
}

async function letGo(vms: readonly Vm[], { store }: StepDeps): Promise<void> {
  for (let i = 0; i < vms.length; i += MAX_ACTIONS) {
    const tx = new Transaction();
    for (const vm of vms.slice(i, i + MAX_ACTIONS))
      tx.update(vmKey(vm), { add: { version: 1 }, remove: ['claim'], ...unchanged(vm) });
    await store.commit(tx);
  }
}
