import { demandOf, seated } from '../hypervisor/demand.ts';
import { type Amounts, type BaseAmounts, minus, nothing, plus } from '../model/amounts.ts';
import type { Cluster, Datastore, Host } from '../model/inventory.ts';
import { priorityOf, type RecoveryPlanSpec } from '../model/recovery-plan.ts';
import type { Seat, Vm } from '../model/vm.ts';
import type { Refused } from '../placement/placement.ts';
import { placeRecovered } from '../placement/recovery.ts';
import { takesVms } from '../placement/reserved.ts';
import { seatOf } from '../placement/seat.ts';
import { needOf } from '../placement/snapshot.ts';
import { Targets } from '../placement/targets.ts';
import { clusterAfter, type Route } from './route.ts';
import { startWaves } from './waves.ts';

const BASE = ['vcpus', 'mhz', 'memoryMiB'] as const;
const base = (of: (d: (typeof BASE)[number]) => number): BaseAmounts => ({
  vcpus: of('vcpus'),
  mhz: of('mhz'),
  memoryMiB: of('memoryMiB'),
});

export interface SitePicture {
  clusters: readonly Cluster[];
  hosts: readonly Host[];
  datastores: readonly Datastore[];
}
interface SitePlace {
  ok: true;
  clusterId: string;
  seat: Seat;
}

/**
 * Where VMs go at a recovery site: to the cluster that theirs is mapped to, else to any that reaches the datastores of
 * their copies, the roomiest first. What a cluster keeps for failures is not asked for: this is one. No chance: the same
 * picture and the same VMs give the same places.
 */
export class RecoverySite {
  private readonly clusters: Cluster[];
  private readonly targets: Map<string, Targets>;
  private readonly reached: Map<string, readonly string[]>;

  constructor(siteId: string, { clusters, hosts, datastores }: SitePicture) {
    const of = Map.groupBy(hosts, (h) => h.clusterId);
    const room = ({ id }: Cluster) =>
      (of.get(id) ?? []).filter(takesVms).reduce((sum, h) => sum + Math.max(0, h.free.memoryMiB), 0);
    this.clusters = clusters
      .filter((c) => c.siteId === siteId)
      .sort((a, b) => room(b) - room(a) || (a.id < b.id ? -1 : 1));
    this.targets = new Map(this.clusters.map((c) => [c.id, new Targets(c, of.get(c.id) ?? [])]));
    this.reached = new Map(datastores.map((d) => [d.id, d.clusters]));
  }

  /** A place for a VM, taken in the picture; not on hosts to avoid. @returns the last refusal where no cluster has one */
  place(
    vm: Vm,
    plan: Pick<RecoveryPlanSpec, 'clusterMap'>,
    route: Route,
    avoid?: ReadonlySet<string>,
  ): SitePlace | Refused {
    let refused: Refused = { ok: false, examined: 0, hosts: 0, ruledOut: {}, promised: [], help: [NO_CLUSTER] };
    for (const cluster of this.open(vm, plan, route)) {
      const targets = this.targets.get(cluster.id) as Targets;
      const need = needOf(vm, { sites: [route.toSiteId], clusterId: cluster.id, storage: false, avoid });
      const found = placeRecovered(need, cluster, (asked) => targets.pick(asked, vm.hostId ?? vm.clusterId));
      if (found.ok) {
        const seat = seatOf(found);
        targets.take(seat.hostId, demandOf(seated(vm, seat)));
        return { ok: true, clusterId: cluster.id, seat };
      }
      refused = found;
    }
    return refused;
  }

  /** The cluster that a VM belongs to there when it needs no host. */
  clusterFor(vm: Vm, plan: Pick<RecoveryPlanSpec, 'clusterMap'>, route: Route): string | undefined {
    return this.open(vm, plan, route)[0]?.id;
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
const NO_CLUSTER = 'Map the cluster to one of the recovery site, and let that reach the datastores of the copies.';

interface ClusterRoom {
  clusterId: string;
  name: string;
  /** Hosts on which VMs may be started now. */
  hosts: number;
  free: BaseAmounts;
  mostOnOneHost: BaseAmounts;
  /** What VMs of the plan would take of it. */
  needed: BaseAmounts & { vms: number };
}
interface HomelessVm {
  vmId: string;
  name: string;
  priority: number;
  needs: BaseAmounts;
  /** Per rule of the placement, how many hosts it rules out. */
  ruledOut: Record<string, number>;
  help: string[];
}
interface StoreRoom {
  datastoreId: string;
  neededGiB: number;
  freeGiB: number;
}
/** DR-21: whether all VMs of a plan find a place at its recovery site, with figures. */
export interface Capacity {
  siteId: string;
  /** Of the VMs that are to run there, and are not there already. */
  needed: BaseAmounts & { vms: number };
  free: BaseAmounts;
  /** What is not even there in sum. */
  lacking: Partial<BaseAmounts>;
  clusters: ClusterRoom[];
  homeless: HomelessVm[];
  places: { vmId: string; clusterId: string; hostId: string }[];
  /** Of a test: what its copies take of datastores that have not enough of it. */
  storage: StoreRoom[];
}

/**
 * Rehearses the start of a plan's VMs in the order of their waves, by the rules of the placement and not in sum. `copies`:
 * as a DR test does, which makes volumes of its own. `site`: where others have found a place before. Pure.
 */
export function rehearsePlan(
  plan: Pick<RecoveryPlanSpec, 'priorities' | 'dependsOn' | 'delays' | 'clusterMap'>,
  vms: readonly Vm[],
  route: Route,
  picture: SitePicture,
  { copies = false, site = new RecoverySite(route.toSiteId, picture) }: { copies?: boolean; site?: RecoverySite } = {},
): Capacity {
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const coming = vms.filter((vm) => vm.desired === 'running' && (copies || vm.siteId !== route.toSiteId));
  const taken = new Map<string, Amounts>();
  const capacity: Pick<Capacity, 'places' | 'homeless'> = { places: [], homeless: [] };
  const waves = startWaves(
    plan,
    coming.map((vm) => vm.id),
  );
  for (const vm of waves.flatMap((w) => w.vms.map((id) => byId.get(id) as Vm))) {
    const found = site.place(vm, plan, route);
    const demand = demandOf(vm);
    if (found.ok) {
      taken.set(found.clusterId, plus(taken.get(found.clusterId) ?? nothing(), demand));
      capacity.places.push({ vmId: vm.id, clusterId: found.clusterId, hostId: found.seat.hostId });
    } else
      capacity.homeless.push({
        vmId: vm.id,
        name: vm.name,
        priority: priorityOf(plan, vm.id),
        needs: base((d) => demand[d]),
        ruledOut: found.ruledOut,
        help: found.help,
      });
  }
  const demand = coming.map((vm) => demandOf(vm)).reduce((sum, d) => plus(sum, d), nothing());
  const usable = picture.hosts.filter((h) => h.siteId === route.toSiteId && takesVms(h));
  const free = freeOf(usable);
  const lacks = minus(demand, { ...free });
  return {
    siteId: route.toSiteId,
    needed: { ...base((d) => demand[d]), vms: coming.length },
    free,
    lacking: Object.fromEntries(BASE.filter((d) => lacks[d] > 0).map((d) => [d, lacks[d]])),
    clusters: picture.clusters
      .filter((c) => c.siteId === route.toSiteId)
      .map(({ id, name }): ClusterRoom => {
        const hosts = usable.filter((h) => h.clusterId === id);
        const amounts = taken.get(id) ?? nothing();
        return {
          clusterId: id,
          name,
          hosts: hosts.length,
          free: freeOf(hosts),
          mostOnOneHost: base((d) => Math.max(0, ...hosts.map((h) => h.free[d]))),
          needed: { ...base((d) => amounts[d]), vms: amounts.vms ?? 0 },
        };
      }),
    ...capacity,
    storage: copies ? storageOf(vms, route.toSiteId, picture.datastores) : [],
  };
}

const freeOf = (hosts: readonly Host[]): BaseAmounts =>
  base((d) => hosts.reduce((sum, h) => sum + Math.max(0, h.free[d]), 0));

/** Each copy of a test takes as much as the volume that it is made of, beside it. */
function storageOf(vms: readonly Vm[], siteId: string, datastores: readonly Datastore[]): StoreRoom[] {
  const needed = new Map<string, number>();
  for (const volume of vms.flatMap((vm) => vm.protection?.replicas.find((r) => r.siteId === siteId)?.volumes ?? []))
    needed.set(volume.datastoreId, (needed.get(volume.datastoreId) ?? 0) + volume.sizeGiB);
  return [...needed].flatMap(([datastoreId, neededGiB]) => {
    const freeGiB = datastores.find((d) => d.id === datastoreId)?.freeGiB ?? 0;
    return neededGiB > freeGiB ? [{ datastoreId, neededGiB, freeGiB }] : [];
  });
}

/** In words, with figures; undefined when all find a place. */
export function capacityWords({ siteId, needed, free, lacking, homeless, storage }: Capacity): string | undefined {
  const parts: string[] = [];
  if (homeless.length > 0) {
    const [first] = homeless;
    const short = BASE.filter((d) => lacking[d] !== undefined).map((d) => `${needed[d]} ${d} needed, ${free[d]} free`);
    const sum = short.length > 0 ? short.join('; ') : 'in sum there is enough, but no host has room for each';
    parts.push(
      `${homeless.length} of ${needed.vms} VMs find no place at site ${siteId} (${sum}); the first is ${first?.name}`,
    );
  }
  for (const s of storage)
    parts.push(`copies of a test need ${s.neededGiB} GiB of datastore ${s.datastoreId}, which has ${s.freeGiB} free`);
  return parts.length > 0 ? parts.join('; ') : undefined;
}

/** VMs without a place that an answer names; it says how many there are. */
const NAMED = 20;
export const capacityFigures = ({ places, homeless, ...capacity }: Capacity) => ({
  ...capacity,
  placed: places.length,
  homelessVms: homeless.length,
  homeless: homeless.slice(0, NAMED),
});
