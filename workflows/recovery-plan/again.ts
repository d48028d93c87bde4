import type { ExecutionVm } from '../../shared/model/execution.ts';
import { nextEpoch, type Vm, vmMachine } from '../../shared/model/vm.ts';
import type { StepDeps } from '../engine/step-table.ts';
import { bySite } from '../vm/records.ts';
import type { Case } from './case.ts';
import { subjectOf } from './parts.ts';
import { noHost, ownCluster, pictureOf, siteWithout } from './place.ts';
import { ifHeard } from './roles.ts';
import { type PlacedVm, writeMoves } from './wave.ts';

/** Hosts on which the start of a VM is tried at most. Declared, as a cluster does by default (HA-17). */
const MOST_HOSTS = 3;

/**
 * What has failed to start is made sure to be over and given another host with another epoch; after so many it rests where
 * its bytes are, with the reason, and may be started by hand.
 */
export async function again(
  { route }: Case,
  entries: readonly ExecutionVm[],
  vms: ReadonlyMap<string, Vm>,
  operationId: string,
  deps: StepDeps,
): Promise<ExecutionVm[]> {
  const failed = entries.flatMap((entry) => {
    const vm = vms.get(subjectOf(entry));
    return vm?.claim === operationId ? [{ entry, vm, siteId: vm.siteId }] : [];
  });
  const said: ExecutionVm[] = [];
  const moves: PlacedVm[] = [];
  for (const [siteId, all] of bySite(failed)) {
    const over = await stop(
      siteId,
      all.map(({ vm }) => vm),
      deps,
    );
    const site = siteWithout(
      siteId,
      await pictureOf(siteId, deps.store),
      all.map(({ vm }) => vm),
    );
    for (const { entry, vm } of all) {
      const host = vm.hostId ?? entry.hostId;
      const tried = [...(entry.tried ?? []), ...(host ? [host] : [])];
      const place =
        vm.state === 'starting' && over.has(vm.id) && tried.length < MOST_HOSTS
          ? site.place(vm, ownCluster(vm), { ...route, toSiteId: siteId, back: false }, new Set(tried))
          : undefined;
      const { readyAt: _, hostId: __, ...rest } = entry;
      if (place?.ok) {
        moves.push({ vm, state: 'starting', clusterId: place.clusterId, seat: place.seat });
        said.push({ ...rest, tried, outcome: 'starting', hostId: place.seat.hostId, epoch: nextEpoch(vm) });
        continue;
      }
      const reason = `its start failed on ${tried.length === 1 ? 'its host' : `${tried.length} hosts`}: ${entry.reason ?? 'it died before it served'}${place ? `; ${noHost(place)}` : ''}`;
      said.push({ ...rest, tried, outcome: 'failed', reason });
      if (vm.state === 'starting')
        moves.push({ vm, state: vmMachine.next(vm.state, 'startFailed'), clusterId: vm.clusterId, reason });
    }
  }
  await writeMoves(moves, operationId, deps);
  return said;
}

/**
 * Those that surely run nothing: no late order of their epoch is obeyed any more once it was stopped (HA-11). A VM whose
 * host is silent is not started anywhere else by this execution.
 */
async function stop(siteId: string, vms: readonly Vm[], { port }: StepDeps): Promise<Set<string>> {
  const orders = vms.flatMap((vm) => (vm.hostId ? [{ vmId: vm.id, hostId: vm.hostId, epoch: vm.epoch }] : []));
  const results = orders.length === 0 ? [] : await ifHeard(() => port.stopVms(siteId, orders));
  return new Set((results ?? []).filter((r) => r.outcome !== 'unreachable').map((r) => r.vmId));
}
