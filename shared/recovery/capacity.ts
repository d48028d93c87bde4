import { demandOf } from '../hypervisor/demand.ts';
import { type Amounts, type BaseAmounts, minus, nothing, plus } from '../model/amounts.ts';
import type { Datastore, Host } from '../model/inventory.ts';
import { amountsOfSeats, type HeldSeat } from '../model/placeholder.ts';
import { priorityOf, type RecoveryPlanSpec } from '../model/recovery-plan.ts';
import type { Vm } from '../model/vm.ts';
import { takesVms } from '../placement/reserved.ts';
import type { Route } from './route.ts';
import { type BrokenPromise, RecoverySite, type SitePicture } from './site.ts';
import { startWaves } from './waves.ts';

const BASE = ['vcpus', 'mhz', 'memoryMiB'] as const;
const base = (of: (d: (typeof BASE)[number]) => number): BaseAmounts => ({
  vcpus: of('vcpus'),
  mhz: of('mhz'),
  memoryMiB: of('memoryMiB'),
});

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
  /** vCPUs, MHz and memory that the plan keeps there for those VMs (DR-21); counted among what is free. */
  reserved: BaseAmounts & { vms: number };
  /**
   * Clusters that would not keep any more what they keep for failures (HA-13), were all VMs started there. A failover uses
   * it up; a test finds no place there.
   */
  failures: BrokenPromise[];
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
  {
    copies = false,
    seats = new Map(),
    site = new RecoverySite(route.toSiteId, picture, { seats, spares: copies }),
  }: { copies?: boolean; seats?: ReadonlyMap<string, HeldSeat>; site?: RecoverySite } = {},
): Capacity {
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const coming = vms.filter((vm) => vm.desired === 'running' && (copies || vm.siteId !== route.toSiteId));
  const taken = new Map<string, Amounts>();
  const capacity: Pick<Capacity, 'places' | 'homeless'> = { places: [], homeless: [] };
  const waves = startWaves(
    plan,
    coming.map((vm) => vm.id),
  );
  const inTurn = waves.flatMap((w) => w.vms.map((id) => byId.get(id) as Vm));
  for (const vm of inTurn) {
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
  const mine = [...seats].flatMap(([id, seat]) => (seat.lentTo === undefined && byId.has(id) ? [seat] : []));
  const usable = picture.hosts.filter((h) => h.siteId === route.toSiteId && takesVms(h)).map((h) => withSeats(h, mine));
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
    reserved: { ...amountsOfSeats(mine), vms: mine.length },
    failures: copies ? withoutSparing(plan, inTurn, route, picture, seats) : site.brokenPromises(),
    storage: copies ? storageOf(vms, route.toSiteId, picture.datastores) : [],
  };
}

/** A host, with what is kept on it for VMs of the plan counted as free. */
function withSeats(host: Host, mine: readonly HeldSeat[]): Host {
  const here = mine.filter((seat) => seat.hostId === host.id);
  return here.length === 0 ? host : { ...host, free: here.reduce((sum, s) => plus(sum, s.amounts), host.free) };
}

/** What would not be kept for failures if copies were given places all the same. */
function withoutSparing(
  plan: Pick<RecoveryPlanSpec, 'clusterMap'>,
  vms: readonly Vm[],
  route: Route,
  picture: SitePicture,
  seats: ReadonlyMap<string, HeldSeat>,
): BrokenPromise[] {
  const site = new RecoverySite(route.toSiteId, picture, { seats });
  for (const vm of vms) site.place(vm, plan, route);
  return site.brokenPromises();
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

/** That nothing is left for failures at the recovery site once all VMs run there (HA-13); undefined while that is kept. */
export function failuresWords({ failures }: Pick<Capacity, 'failures'>): string | undefined {
  if (failures.length === 0) return undefined;
  return failures
    .map((f) => `cluster ${f.name} would not keep what it keeps for failures: ${f.reasons.join('; ')}`)
    .join('; ');
}

/** In words, with figures; undefined when all find a place. */
export function capacityWords(capacity: Capacity): string | undefined {
  const { siteId, needed, free, lacking, homeless, storage } = capacity;
  const parts: string[] = [];
  if (homeless.length > 0) {
    const [first] = homeless;
    const short = BASE.filter((d) => lacking[d] !== undefined).map((d) => `${needed[d]} ${d} needed, ${free[d]} free`);
    const spared = homeless.some((h) => h.ruledOut['failover-capacity'] !== undefined);
    const scattered = spared
      ? 'the rest is kept for failures (HA-13)'
      : 'in sum there is enough, but no host has room for each';
    const sum = short.length > 0 ? short.join('; ') : scattered;
    parts.push(
      `${homeless.length} of ${needed.vms} VMs find no place at site ${siteId} (${sum}); the first is ${first?.name}`,
    );
    const failures = failuresWords(capacity);
    if (spared && failures) parts.push(failures);
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
