import { demandOf, holdsOf, seated } from '../../shared/hypervisor/demand.ts';
import type { Random } from '../../shared/kernel/random.ts';
import { minus, nothing } from '../../shared/model/amounts.ts';
import { hasPassthrough, type Seat, type Vm } from '../../shared/model/vm.ts';
import { place } from '../../shared/placement/placement.ts';
import { seatOf } from '../../shared/placement/seat.ts';
import { type CapacitySnapshot, needOf } from '../../shared/placement/snapshot.ts';
import type { Arrival } from './arrivals.ts';

/** What is done about one VM of a fenced host. */
export type Move =
  | { vm: Vm; kind: 'start'; seat: Seat }
  | { vm: Vm; kind: 'wait'; reason: string; keepsMigration: boolean }
  /** A migration had brought it to another host before this one failed: it runs there. */
  | { vm: Vm; kind: 'arrived' }
  /** Not to be started: wanted stopped, or without HA. */
  | { vm: Vm; kind: 'rest'; reason: string }
  /** An operation that removes, stops or converts it goes on by itself, once it is off the host. */
  | { vm: Vm; kind: 'release' };

const PRIORITIES = ['high', 'medium', 'low'];

/** The order of attempts: restart priority, then dependencies before dependants, then age (HA-15). */
export function restartOrder(vms: readonly Vm[]): Vm[] {
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const ordered: Vm[] = [];
  const entered = new Set<string>();
  const enter = (vm: Vm) => {
    if (entered.has(vm.id)) return;
    entered.add(vm.id);
    for (const id of vm.ha.dependsOn ?? []) {
      const before = byId.get(id);
      if (before && before.ha.restartPriority === vm.ha.restartPriority) enter(before);
    }
    ordered.push(vm);
  };
  const rank = (vm: Vm) => PRIORITIES.indexOf(vm.ha.restartPriority);
  for (const vm of [...vms].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))) enter(vm);
  return ordered;
}

/** Why a VM is not started again, or undefined when it is (HA-3, HA-20, IO-4). */
function restReason(vm: Vm, clusterHa: boolean): string | undefined {
  if (vm.desired === 'stopped') return 'it was wanted stopped';
  // A first start was promised by an acknowledged request: it is carried out even where HA is off.
  if (vm.state === 'creating' || vm.state === 'starting') return undefined;
  if (hasPassthrough(vm)) return 'its host failed; a VM with a passthrough device has no HA (IO-4)';
  if (!vm.ha.enabled) return 'its host failed; HA is off for this VM';
  if (!clusterHa) return 'its host failed; HA is off for its cluster';
  return undefined;
}

/** Decides for every VM of a fenced host. Pure; takes the capacity of its starts out of the given picture. */
export function planMoves(
  vms: readonly Vm[],
  { clusterHa, arrivals = new Map() }: { clusterHa: boolean; arrivals?: ReadonlyMap<string, Arrival> },
  snapshot: CapacitySnapshot,
  random: Random,
): Move[] {
  return restartOrder(vms).map((vm): Move => {
    // What is being converted was stopped on purpose (MIG-9).
    const converted = vm.state === 'migrating' && vm.conversion !== undefined;
    if (vm.state === 'deleting' || vm.state === 'stopping' || converted) return { vm, kind: 'release' };
    const arrival = arrivals.get(vm.id);
    if (arrival === 'arrived') return { vm, kind: 'arrived' };
    if (arrival === 'unknown')
      return {
        vm,
        kind: 'wait',
        reason: 'it was being moved, and the host that it may run on now cannot be asked',
        keepsMigration: true,
      };
    // The place at the target is not needed any more, and may be the only one with room.
    for (const hold of holdsOf({ ...vm, hostId: null })) snapshot.take(hold.hostId, minus(nothing(), hold.amounts));
    // What waits for capacity or was tried in vain has been found worth a start before; not so one whose guest failed.
    const rest =
      vm.state === 'faultResuming' && !vm.guestFault
        ? vm.desired === 'stopped'
          ? 'it was wanted stopped'
          : undefined
        : restReason(vm, clusterHa);
    if (rest) return { vm, kind: 'rest', reason: rest };
    const need = needOf(vm, { sites: [vm.siteId], clusterId: vm.clusterId, storage: false });
    const decision = place(need, snapshot, random);
    if (!decision.ok)
      return {
        vm,
        kind: 'wait',
        reason: `no host of ${decision.hosts} can take it: ${Object.entries(decision.ruledOut)
          .map(([rule, n]) => `${rule} rules out ${n}`)
          .join(', ')}`,
        keepsMigration: false,
      };
    const seat = seatOf(decision);
    snapshot.take(seat.hostId, demandOf(seated(vm, seat)));
    return { vm, kind: 'start', seat };
  });
}
