import type { ExecutionVm } from '../../shared/model/execution.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { MAX_ACTIONS, Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { unchanged, vmKey } from '../vm/records.ts';
import type { Case } from './case.ts';
import { isReady, letRun } from './confirm.ts';
import { askAll, loseSight } from './lost-sight.ts';
import { entriesOf, readParts, subjectOf, withEntries, writeParts } from './parts.ts';
import { HOST_PATIENCE_MS, LET_GO_PATIENCE_MS, silentFor } from './silence.ts';
import { writeMoves } from './wave.ts';

/**
 * Lets go of every VM that the execution still holds, each in a state at rest: what runs runs, what was being started or
 * stopped rests, for sure. A VM whose host stays silent is `unknown`, with reason and alarm: it keeps its place, and whoever
 * has a use for it goes on from there, as a failover does. Repeating it changes nothing.
 * @throws TryAgain for some time while a host cannot be asked: it comes back, or is fenced and its VMs taken over
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
  const asked = await askAll(
    held.filter((vm) => vm.state === 'starting' || vm.state === 'stopping'),
    deps,
  );
  await letRun(asked.running, state, deps);
  await writeMoves(
    asked.over.map((vm) => ({
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
  const { silent, words } = asked;
  if (silent.length > 0) {
    const waited = await silentFor(execution, deps);
    if (waited <= (asked.wholeSite ? LET_GO_PATIENCE_MS : HOST_PATIENCE_MS)) throw new TryAgain(words);
    await loseSight(silent, `${words}; ${reason}`, deps);
  }
  const now = deps.clock.now();
  const running = new Set(asked.running.map((vm) => vm.id));
  const lost = new Set(silent.map((vm) => vm.id));
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const said = entries.flatMap((entry): ExecutionVm[] => {
    const id = subjectOf(entry);
    if (entry.outcome !== 'starting') return [];
    if (running.has(id) || isReady(entry, byId.get(id)))
      return [{ ...entry, outcome: 'ready', readyAt: entry.readyAt ?? now }];
    return [{ ...entry, outcome: 'failed', reason: lost.has(id) ? words : reason }];
  });
  return entriesOf(await writeParts(parts, withEntries(parts, said), deps.store));
}

async function letGo(vms: readonly Vm[], { store }: StepDeps): Promise<void> {
  for (let i = 0; i < vms.length; i += MAX_ACTIONS) {
    const tx = new Transaction();
    for (const vm of vms.slice(i, i + MAX_ACTIONS))
      tx.update(vmKey(vm), { add: { version: 1 }, remove: ['claim'], ...unchanged(vm) });
    await store.commit(tx);
  }
}
