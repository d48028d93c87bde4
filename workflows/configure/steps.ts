/**
 * Lets the sites do what was set: the QoS of a VM that runs, the shaping of a network, the settings of a cluster or host.
 *
 *   Apply      (on failure: Unwind -> Failed)
 *
 * 1. Apply  reads what is set now, and tells it to whom it concerns   undo: a cluster goes back to what it had before
 *
 * Everything told carries the version that it was made from, so that what is late or repeated changes nothing. A host
 * that cannot be asked is told when it comes back. Unwinding leaves the other settings as they are: the next change
 * tells them again.
 */
import { machineOf } from '../../shared/hypervisor/machine.ts';
import type { ConfigureResult } from '../../shared/hypervisor/port.ts';
import { isFinal } from '../../shared/model/operation.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { configureCluster, restoreCluster, tellHosts } from './cluster.ts';

export const STEPS: StepTable = {
  apply: { percent: 10, do: apply, undo: restore },
};

async function apply(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { vmId, networkId, clusterId, hostId } = state as Record<string, string | undefined>;
  if (vmId) await configureVm(vmId, deps);
  if (networkId) await shapeNetwork(networkId, deps);
  if (clusterId) await configureCluster(clusterId, state.before as never, deps);
  if (hostId) await tellHosts([hostId], deps);
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result: {} }, deps.clock);
  return {};
}

/** An operation that had ended well before the machine failed stays as it is. */
async function restore(state: State, deps: StepDeps): Promise<void> {
  const { state: end } = await new Operations(deps.store, SYSTEM).get(state.operationId);
  if (isFinal(end)) return;
  if (state.clusterId && state.before) await restoreCluster(state.clusterId as string, state.before as never, deps);
}

/** A VM that does not run is told nothing: its next start is made from what is set. */
async function configureVm(id: string, { store, port }: StepDeps): Promise<void> {
  const vm = await new TenantData(store, SYSTEM).find('vm', id);
  if (!vm?.hostId || !vm.runsOn || vm.state === 'stopped') return;
  const order = { vmId: id, hostId: vm.runsOn, epoch: vm.epoch, version: vm.version, machine: machineOf(vm) };
  const [result] = await port.reconfigureVms(vm.siteId, [order]);
  if (result?.outcome === 'unreachable') throw new TryAgain('its host cannot be asked');
  // It is not where it was read to be: on its way to another host, or about to be started.
  if (result?.outcome === 'absent') throw new TryAgain('it is on its way; what is set is told where it arrives');
}

/** The port group spans the sites of the VDC (NET-2). */
async function shapeNetwork(id: string, { store, port }: StepDeps): Promise<void> {
  const data = new TenantData(store, SYSTEM);
  const network = await data.find('network', id);
  const vdc = network && (await data.find('vdc', network.vdcId));
  if (!vdc) return;
  for (const siteId of vdc.sites)
    mustAnswer(await port.shapeNetworks(siteId, [{ id, version: network.version, shaping: network.qos ?? {} }]));
}

/** A VM whose host stays silent is started elsewhere by a recovery, from what is set. */
function mustAnswer(results: readonly ConfigureResult[]): void {
  const silent = results.find((r) => r.outcome === 'unreachable');
  if (silent) throw new TryAgain(`the host of ${silent.id} cannot be asked`);
}
