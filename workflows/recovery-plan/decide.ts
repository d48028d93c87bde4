import type { ExecutionVm } from '../../shared/model/execution.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import { nextEpoch, type Vm, type VmState } from '../../shared/model/vm.ts';
import type { Route } from '../../shared/recovery/route.ts';
import type { RecoverySite } from '../../shared/recovery/site.ts';
import { type Finding, stateAfter } from './judge.ts';
import type { AddressMap } from './nics.ts';
import { noHost, ownCluster } from './place.ts';
import { type PlacedVm, starting } from './wave.ts';

/** What is said of a VM, and what is done with it, if anything. */
export interface Decided {
  entry: ExecutionVm;
  move?: PlacedVm;
}
export type Placing = { move: PlacedVm; reason?: string } | { move?: undefined; reason: string };

interface Ground {
  plan: RecoveryPlan;
  /** Leads to the site where the VMs are to run. */
  route: Route;
  site: RecoverySite;
  addresses: AddressMap;
}

/** The place of one VM. One that finds no room changes over all the same, and rests there. Takes what it gives. */
export function placeOne(vm: Vm, finding: Finding, { plan, route, site, addresses }: Ground): Placing {
  if (finding.kind !== 'switch') {
    const place = site.place(vm, ownCluster(vm), { ...route, back: false });
    if (!place.ok) return { reason: noHost(place) };
    return { move: { vm, state: starting(vm), clusterId: place.clusterId, seat: place.seat } };
  }
  const { replica, starts } = finding;
  const moved = addresses.after(vm);
  if ('reason' in moved) return moved;
  const clusterId = site.clusterFor(vm, plan, route);
  if (clusterId === undefined) return { reason: `no cluster of ${route.toSiteId} that it may go to reaches its copy` };
  const over = { siteId: route.toSiteId, replica, nics: moved.nics };
  const rests = { vm, state: stateAfter(vm.state, false) as VmState, clusterId, over };
  if (!starts) return { move: rests };
  const place = site.place(vm, plan, route);
  if (!place.ok) {
    const reason = noHost(place);
    return { move: { ...rests, reason: `it could not be started at ${route.toSiteId}: ${reason}` }, reason };
  }
  const state = stateAfter(vm.state, true) as VmState;
  return { move: { vm, state, clusterId: place.clusterId, seat: place.seat, over } };
}

/** What stands in the execution once the move is made. */
export function entryOf(entry: ExecutionVm, { move, reason }: Placing): ExecutionVm {
  const { reason: _, readyAt: __, ...rest } = entry;
  if (reason !== undefined) return { ...rest, outcome: 'failed', reason };
  const { seat, vm } = move as PlacedVm;
  if (!seat) return { ...rest, outcome: 'left', reason: 'it is wanted stopped' };
  return { ...rest, outcome: 'starting', hostId: seat.hostId, epoch: nextEpoch(vm) };
}

/** What stands there of a VM that is where it is to be, or stays where it is. */
export function unmoved(entry: ExecutionVm, vm: Vm | undefined, finding: Finding): ExecutionVm {
  if (finding.kind === 'said') {
    const { outcome, reason } = finding;
    return { ...entry, outcome, ...(reason === undefined ? {} : { reason }) };
  }
  // This execution gave it its place before, and broke off before that was written here.
  return {
    ...entry,
    outcome: 'starting',
    ...(vm?.hostId ? { hostId: vm.hostId } : {}),
    ...(vm ? { epoch: vm.epoch } : {}),
  };
}
