import { demandOf, seated } from '../hypervisor/demand.ts';
import { changed, minus, plus } from '../model/amounts.ts';
import type { Host } from '../model/inventory.ts';
import type { HeldSeat } from '../model/placeholder.ts';
import type { RecoveryPlanSpec } from '../model/recovery-plan.ts';
import type { Vm } from '../model/vm.ts';
import type { Route } from './route.ts';
import { noHost, RecoverySite, type SitePicture } from './site.ts';
import { startWaves } from './waves.ts';

type Mapped = Pick<RecoveryPlanSpec, 'priorities' | 'dependsOn' | 'delays' | 'clusterMap'>;

interface SeatsFound {
  /** By VM. */
  seats: Map<string, HeldSeat>;
  /** VMs that find none, each with the reason. */
  lacking: Map<string, string>;
}

/** Host states that pass by themselves: a seat stays there until it is known what becomes of the host. */
const PASSING: readonly Host['state'][] = ['suspect', 'reconciling'];

/**
 * Which seats a plan keeps for VMs at its recovery site (DR-21): those that it has stay where they can; whoever starts first
 * chooses first. Each is kept for a VM as if that ran there: it fits on its host, and what the cluster keeps for failures
 * stays kept beside it (HA-13). VMs that are wanted stopped have theirs too: they may be running when the site is lost. Pure.
 */
export function seatsFor(
  plan: Mapped,
  vms: readonly Vm[],
  route: Route,
  picture: SitePicture,
  {
    held = new Map(),
    closed = new Set(),
  }: {
    /** Those that it has. */
    held?: ReadonlyMap<string, HeldSeat>;
    /** Clusters that recover from a failure: nothing new is taken there. */
    closed?: ReadonlySet<string>;
  } = {},
): SeatsFound {
  const hosts = new Map(picture.hosts.map((h) => [h.id, h]));
  const map = new RecoverySite(route.toSiteId, picture);
  const stays = (vm: Vm): boolean => {
    const seat = held.get(vm.id);
    if (!seat || seat.lentTo !== undefined) return seat !== undefined;
    return map.leadsTo(seat.clusterId, vm, plan, route) && holdsUp(vm, seat, hosts.get(seat.hostId));
  };
  const stay = new Set(vms.filter(stays).map((vm) => vm.id));
  const leaving = [...held].flatMap(([id, seat]) => (stay.has(id) || seat.lentTo !== undefined ? [] : [seat]));
  const site = new RecoverySite(
    route.toSiteId,
    {
      ...picture,
      clusters: picture.clusters.filter((c) => !closed.has(c.id)),
      hosts: picture.hosts.map((h) => without(h, leaving)),
    },
    { spares: true },
  );
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const found: SeatsFound = { seats: new Map(), lacking: new Map() };
  for (const id of startWaves(plan, [...byId.keys()]).flatMap((w) => w.vms)) {
    const vm = byId.get(id) as Vm;
    if (stay.has(id)) {
      found.seats.set(id, held.get(id) as HeldSeat);
      continue;
    }
    const place = site.place(vm, plan, route);
    const waits = closed.size > 0 && !place.ok && place.hosts === 0;
    if (!place.ok) found.lacking.set(id, waits ? 'its cluster recovers from a failure' : noHost(place));
    else found.seats.set(id, { clusterId: place.clusterId, ...place.seat, amounts: demandOf(seated(vm, place.seat)) });
  }
  return found;
}

/** The host still takes VMs, or may again; and the VM needs what the seat has. */
function holdsUp(vm: Vm, seat: HeldSeat, host: Host | undefined): boolean {
  if (!host || host.draining !== undefined) return false;
  if (host.state !== 'online' && !PASSING.includes(host.state)) return false;
  return changed(minus(demandOf(seated(vm, seat)), seat.amounts)).length === 0;
}

function without(host: Host, leaving: readonly HeldSeat[]): Host {
  const here = leaving.filter((seat) => seat.hostId === host.id);
  return here.length === 0 ? host : { ...host, free: here.reduce((free, s) => plus(free, s.amounts), host.free) };
}

/** Hosts that one change of the seats of a group touches at most: with its item and its mark that is one transaction. */
export const HOSTS_AT_ONCE = 98;

/** A change of seats that touches so many hosts at most: the rest is left as it was, for the next one. Pure. */
export function withinHosts(
  before: Readonly<Record<string, HeldSeat>>,
  after: Readonly<Record<string, HeldSeat>>,
  most: number,
): { seats: Record<string, HeldSeat>; whole: boolean } {
  const seats: Record<string, HeldSeat> = { ...before };
  const touched = new Set<string>();
  let whole = true;
  for (const id of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[id], after[id]];
    if (was === is) continue;
    const grown = new Set([...touched, ...[was, is].flatMap((seat) => seat?.hostId ?? [])]);
    if (grown.size > most) {
      whole = false;
      continue;
    }
    for (const hostId of grown) touched.add(hostId);
    if (is) seats[id] = is;
    else delete seats[id];
  }
  return { seats, whole };
}
