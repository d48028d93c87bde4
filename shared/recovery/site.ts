import { demandOf, seated } from '../hypervisor/demand.ts';
import type { Cluster, Datastore, Host } from '../model/inventory.ts';
import type { HeldSeat } from '../model/placeholder.ts';
import type { RecoveryPlanSpec } from '../model/recovery-plan.ts';
import type { Seat, Vm } from '../model/vm.ts';
import type { Need } from '../placement/need.ts';
import type { Refused } from '../placement/placement.ts';
import { placeRecovered } from '../placement/recovery.ts';
import { isReserved, takesVms } from '../placement/reserved.ts';
import { seatOf } from '../placement/seat.ts';
import { needOf } from '../placement/snapshot.ts';
import { Targets } from '../placement/targets.ts';
import { clusterAfter, type Route } from './route.ts';

export interface SitePicture {
  clusters: readonly Cluster[];
  hosts: readonly Host[];
  datastores: readonly Datastore[];
}
export interface SitePlace {
  ok: true;
  clusterId: string;
  seat: Seat;
  /** It is the seat that was kept for the VM. */
  held?: HeldSeat;
}
interface SiteTerms {
  /** By VM, what the plan has kept for it there (DR-21): in the picture it is taken. */
  seats?: ReadonlyMap<string, HeldSeat>;
  /** What the clusters keep for failures stays kept (HA-13), and hosts that are kept for them stay empty. */
  spares?: boolean;
}

/**
 * Where VMs go at a recovery site: to the cluster that theirs is mapped to, else to any that reaches the datastores of
 * their copies, the roomiest first. A VM for which a seat is kept sits on it. What a cluster keeps for failures is not asked
 * for, as this is one, unless it is to be spared. No chance: the same picture and the same VMs give the same places.
 */
export class RecoverySite {
  private readonly clusters: Cluster[];
  private readonly targets: Map<string, Targets>;
  private readonly reached: Map<string, readonly string[]>;
  private readonly seats = new Map<string, HeldSeat>();
  private readonly spares: boolean;

  constructor(siteId: string, { clusters, hosts, datastores }: SitePicture, { seats, spares = false }: SiteTerms = {}) {
    if (seats) this.keep(seats);
    this.spares = spares;
    const of = Map.groupBy(hosts, (h) => h.clusterId);
    const room = ({ id }: Cluster) =>
      (of.get(id) ?? []).filter(takesVms).reduce((sum, h) => sum + Math.max(0, h.free.memoryMiB), 0);
    this.clusters = clusters
      .filter((c) => c.siteId === siteId)
      .sort((a, b) => room(b) - room(a) || (a.id < b.id ? -1 : 1));
    this.targets = new Map(this.clusters.map((c) => [c.id, new Targets(c, of.get(c.id) ?? [])]));
    this.reached = new Map(datastores.map((d) => [d.id, d.clusters]));
  }

  /** Seats of one more plan. What is lent to the copy of a test is held by that. */
  keep(seats: ReadonlyMap<string, HeldSeat>): void {
    for (const [vmId, seat] of seats) if (seat.lentTo === undefined) this.seats.set(vmId, seat);
  }

  /** A place for a VM, taken in the picture; not on hosts to avoid. @returns the last refusal where no cluster has one */
  place(
    vm: Vm,
    plan: Pick<RecoveryPlanSpec, 'clusterMap'>,
    route: Route,
    avoid?: ReadonlySet<string>,
  ): SitePlace | Refused {
    const open = this.open(vm, plan, route);
    const kept = this.onItsSeat(vm, open, avoid);
    if (kept) return kept;
    let refused: Refused = { ok: false, examined: 0, hosts: 0, ruledOut: {}, promised: [], help: [NO_CLUSTER] };
    for (const cluster of open) {
      const targets = this.targets.get(cluster.id) as Targets;
      const need = needOf(vm, { sites: [route.toSiteId], clusterId: cluster.id, storage: false, avoid });
      const pick = (asked: Need) => targets.pick(asked, vm.hostId ?? vm.clusterId);
      const found = this.spares ? pick({ ...need, powersOn: true }) : placeRecovered(need, cluster, pick);
      if (found.ok) {
        const seat = seatOf(found);
        targets.take(seat.hostId, demandOf(seated(vm, seat)));
        return { ok: true, clusterId: cluster.id, seat };
      }
      refused = found;
    }
    return refused;
  }

  /** The seat that is kept for it, where its host takes VMs and the plan still leads there. What it has grown by must be free. */
  private onItsSeat(vm: Vm, open: readonly Cluster[], avoid: ReadonlySet<string> | undefined): SitePlace | undefined {
    const held = this.seats.get(vm.id);
    const cluster = open.find((c) => c.id === held?.clusterId);
    if (!held || !cluster || avoid?.has(held.hostId)) return undefined;
    this.seats.delete(vm.id);
    const targets = this.targets.get(cluster.id) as Targets;
    targets.give(held.hostId, held.amounts);
    const { hostId } = held;
    const need = needOf(vm, { sites: [cluster.siteId], clusterId: cluster.id, hostId, storage: false });
    const pool = isReserved(cluster, hostId) ? 'reserved' : 'normal';
    const found = targets.pick({ ...need, pool }, `seat ${vm.id}`);
    // Without it the seat is as taken as it was.
    targets.take(hostId, found.ok ? demandOf(seated(vm, seatOf(found))) : held.amounts);
    return found.ok ? { ok: true, clusterId: cluster.id, seat: seatOf(found), held } : undefined;
  }

  /** Clusters whose promise for failures is not kept with all that was placed (HA-13). */
  brokenPromises(): BrokenPromise[] {
    return this.clusters.flatMap(({ id, name }) => {
      const { promise } = this.targets.get(id) as Targets;
      const { broken, figures } = promise.now();
      return broken.length > 0 ? [{ clusterId: id, name, reasons: broken.map((b) => b.reason), figures }] : [];
    });
  }

  /** The cluster that a VM belongs to there when it needs no host. */
  clusterFor(vm: Vm, plan: Pick<RecoveryPlanSpec, 'clusterMap'>, route: Route): string | undefined {
    return this.open(vm, plan, route)[0]?.id;
  }

  /** Whether it may go to that cluster. */
  leadsTo(clusterId: string, vm: Vm, plan: Pick<RecoveryPlanSpec, 'clusterMap'>, route: Route): boolean {
    return this.open(vm, plan, route).some(({ id }) => id === clusterId);
  }

  /** Clusters that it may go to, the roomiest first. */
  private open(vm: Vm, plan: Pick<RecoveryPlanSpec, 'clusterMap'>, route: Route): Cluster[] {
    const mapped = clusterAfter(plan, vm.clusterId, route);
    const copies = vm.protection?.replicas.find((r) => r.siteId === route.toSiteId)?.volumes ?? [];
    return this.clusters.filter(
      ({ id }) =>
        (mapped === undefined || id === mapped) && copies.every(({ datastoreId }) => this.reaches(id, datastoreId)),
    );
  }

  private reaches(clusterId: string, datastoreId: string): boolean {
    const clusters = this.reached.get(datastoreId);
    return clusters === undefined || clusters.length === 0 || clusters.includes(clusterId);
  }
}
/** What a cluster keeps for failures, as it would stand. */
export interface BrokenPromise {
  clusterId: string;
  name: string;
  reasons: string[];
  figures: Record<string, number | string>;
}
const NO_CLUSTER = 'Map the cluster to one of the recovery site, and let that reach the datastores of the copies.';

export const noHost = ({ hosts, ruledOut, help }: Refused): string =>
  hosts === 0
    ? (help[0] ?? 'no host can take it')
    : `no host of ${hosts} can take it: ${Object.entries(ruledOut)
        .map(([rule, n]) => `${rule} rules out ${n}`)
        .join(', ')}`;
