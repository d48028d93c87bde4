import { PortTimeout } from '../../shared/hypervisor/port.ts';
import type { Execution } from '../../shared/model/execution.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import type { Case } from '../recovery-plan/case.ts';
import { letRun } from '../recovery-plan/confirm.ts';
import { entriesOf, readParts } from '../recovery-plan/parts.ts';
import { settleHeld } from '../recovery-plan/settle.ts';
import { LET_GO_PATIENCE_MS, silentFor } from '../recovery-plan/silence.ts';
import { writeMoves } from '../recovery-plan/wave.ts';
import { bySite } from '../vm/records.ts';
import { startOrder } from '../vm/start.ts';

export async function vmsOf(execution: Execution, { store }: StepDeps): Promise<Vm[]> {
  const entries = entriesOf(await readParts(execution, store));
  return new TenantData(store, SYSTEM).vmsById(entries.map((entry) => entry.id));
}

/**
 * Starts what was shut down where it was, on the hosts whose room it has kept, under new epochs. A start that is refused
 * leaves its VM stopped, with the reason. Each pass looks anew, so that it can be broken off anywhere.
 * @returns false when the site has been silent for too long to be waited for
 * @throws TryAgain until all of them were seen running
 */
export async function startAgain(found: Case, state: State, deps: StepDeps): Promise<boolean> {
  try {
    await startWhatWasStopped(found, state, deps);
    return true;
  } catch (error) {
    if (!(error instanceof PortTimeout) || (await silentFor(found.execution, deps)) <= LET_GO_PATIENCE_MS) throw error;
    return false;
  }
}

async function startWhatWasStopped(found: Case, state: State, deps: StepDeps): Promise<void> {
  const operationId = String(state.operationId);
  const held = (await vmsOf(found.execution, deps)).filter((vm) => vm.claim === operationId);
  const stopped = held.filter((vm) => vm.state === 'stopping' && vm.hostId !== null);
  await writeMoves(
    stopped.map((vm) => ({
      vm,
      state: vmMachine.next(vmMachine.next(vm.state, 'stopDone'), 'start'),
      clusterId: vm.clusterId,
      seat: {
        hostId: vm.hostId as string,
        ...(vm.home ? { home: vm.home } : {}),
        ...(vm.generation ? { generation: vm.generation } : {}),
      },
    })),
    operationId,
    deps,
  );
  if (stopped.length > 0) throw new TryAgain(`${stopped.length} VMs are being started again`);
  const starting = held.filter((vm) => vm.state === 'starting' && vm.hostId !== null);
  let booting = 0;
  for (const [siteId, all] of bySite(starting)) {
    const results = await deps.port.startVms(
      siteId,
      all.map((vm) => startOrder(vm, vm.hostId as string)),
    );
    const seen = await deps.port.inspectVms(
      siteId,
      all.map((vm) => ({ vmId: vm.id, hostId: vm.hostId as string })),
    );
    const running = all.filter((vm, i) => seen[i]?.state === 'running' && seen[i]?.epoch === vm.epoch);
    await letRun(running, state, deps);
    booting += results.filter((r) => r.outcome !== 'refused' && !running.some((vm) => vm.id === r.vmId)).length;
  }
  if (booting > 0) throw new TryAgain(`${booting} VMs are not seen running again yet`);
  await settleHeld(found, state, 'it could not be started again after a migration was cancelled', deps);
}
