import { demandOf, holdsOf, seated } from '../../shared/hypervisor/demand.ts';
import type { IncidentVm } from '../../shared/model/incident.ts';
import type { Cluster, Host } from '../../shared/model/inventory.ts';
import { hasPassthrough, type Seat, type Vm } from '../../shared/model/vm.ts';
import type { Refused } from '../../shared/placement/placement.ts';
import { placeRecovered } from '../../shared/placement/recovery.ts';
import { seatOf } from '../../shared/placement/seat.ts';
import { needOf } from '../../shared/placement/snapshot.ts';
import { Targets } from '../../shared/placement/targets.ts';
import type { Arrival } from './arrivals.ts';
import { restartOrder } from './order.ts';

/** A VM that a recovery has to decide about, and what it came to so far. */
export interface Case {
  vm: Vm;
  entry?: IncidentVm;
}

/** What is done about one VM of a fenced host. */
export type Move = Case &
  (
    | { kind: 'start'; seat: Seat }
    | { kind: 'wait'; reason: string; keepsMigration: boolean }
    /** A migration had brought it to another host before this one failed: it runs there. */
    | { kind: 'arrived' }
    /** Not to be started: wanted stopped, or without HA. */
    | { kind: 'rest'; reason: string }
    /** Every start that was allowed has failed (HA-17). */
    | { kind: 'error'; reason: string }
    /** An operation that removes, stops or converts it goes on by itself, once it is off the host. */
    | { kind: 'release' }
  );

/** What stands where the VMs are to go. */
export interface Ground {
  cluster: Cluster;
  /** All hosts of the cluster. */
  hosts: readonly Host[];
  arrivals: ReadonlyMap<string, Arrival>;
}

/** Why a VM is not started again, or undefined when it is (HA-3, HA-20, IO-4). */
function restReason(vm: Vm, clusterHa: boolean): string | undefined {
  if (vm.desired === 'stopped') return 'it was wanted stopped';
  // What waits for room was found worth a start before: it leaves only when HA is switched off for it (HA-14), and not
  // while the operation of its first start holds it. One whose guest failed was not judged for this yet.
  if (vm.state === 'faultResuming' && !vm.guestFault)
    return vm.ha.enabled || vm.claim !== undefined ? undefined : 'HA was switched off for it while it waited';
  // A first start was promised by an acknowledged request: it is carried out even where HA is off.
  if (vm.state === 'creating' || vm.state === 'starting') return undefined;
  if (hasPassthrough(vm)) return 'its host failed; a VM with a passthrough device has no HA (IO-4)';
  if (!vm.ha.enabled) return 'its host failed; HA is off for this VM';
  if (!clusterHa) return 'its host failed; HA is off for its cluster';
  return undefined;
}

/** Decides for every VM of fenced hosts, in the order of attempts. Pure. */
export function planMoves(cases: readonly Case[], ground: Ground): Move[] {
  const { cluster, hosts, arrivals } = ground;
  const entries = new Map(cases.map((c) => [c.vm.id, c.entry]));
  const targets = new Targets(cluster, hosts);
  return restartOrder(cases.map((c) => c.vm)).map((vm): Move => {
    const entry = entries.get(vm.id);
    const base = { vm, ...(entry ? { entry } : {}) };
    // What is being converted was stopped on purpose (MIG-9).
    const converted = vm.state === 'migrating' && vm.conversion !== undefined;
    if (vm.state === 'deleting' || vm.state === 'stopping' || converted) return { ...base, kind: 'release' };
    const arrival = arrivals.get(vm.id);
    if (arrival === 'arrived') return { ...base, kind: 'arrived' };
    if (arrival === 'unknown')
      return {
        ...base,
        kind: 'wait',
        reason: 'it was being moved, and the host that it may run on now cannot be asked',
        keepsMigration: true,
      };
    // The place at the target of its move, or where its start failed, is not needed any more: it may be the only one with room.
    for (const hold of holdsOf(vm)) targets.give(hold.hostId, hold.amounts);
    const rest = restReason(vm, cluster.ha.enabled);
    if (rest) return { ...base, kind: 'rest', reason: rest };
    return { ...base, ...nextPlace(vm, entry, cluster, targets) };
  });
}

type Next =
  | { kind: 'start'; seat: Seat }
  | { kind: 'wait'; reason: string; keepsMigration: false }
  | { kind: 'error'; reason: string };

/** Where it is started next: once more where it failed, then on hosts that were not tried, until the limits (HA-17). */
function nextPlace(vm: Vm, entry: IncidentVm | undefined, cluster: Cluster, targets: Targets): Next {
  const { ha } = cluster;
  const at = { sites: [vm.siteId], clusterId: vm.clusterId, storage: false };
  const failedOn = entry?.failed ? entry.toHost : undefined;
  const start = (seat: Seat): Next => {
    targets.take(seat.hostId, demandOf(seated(vm, seat)));
    return { kind: 'start', seat };
  };
  if (failedOn && !entry?.refused && (entry?.starts ?? 1) <= ha.localRestarts) {
    const again = placeRecovered(needOf(vm, { ...at, hostId: failedOn }), cluster, (need) =>
      targets.pick(need, `again on ${failedOn}`),
    );
    if (again.ok) return start(seatOf(again));
  }
  const tried = [...(entry?.tried ?? []), ...(failedOn ? [failedOn] : [])];
  if (tried.length > ha.relocations)
    return {
      kind: 'error',
      reason: `its start failed on ${tried.length} hosts (${tried.join(', ')}): ${entry?.reason ?? 'no reason given'}`,
    };
  const source = entry?.fromHost ?? vm.runsOn ?? '';
  const picked = placeRecovered(needOf(vm, { ...at, avoid: new Set(tried) }), cluster, (need) =>
    targets.pick(need, source),
  );
  if (picked.ok) return start(seatOf(picked));
  return { kind: 'wait', reason: noHost(picked), keepsMigration: false };
}

const noHost = ({ hosts, ruledOut }: Refused): string =>
  `no host of ${hosts} can take it: ${Object.entries(ruledOut)
    .map(([rule, n]) => `${rule} rules out ${n}`)
    .join(', ')}`;
