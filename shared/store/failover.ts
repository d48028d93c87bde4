import { demandOf, holdsOf } from '../hypervisor/demand.ts';
import { allocatedOf, type Cluster, type Host, type SlotNotes } from '../model/inventory.ts';
import { type Vm, waitsForRoom } from '../model/vm.ts';
import { loadOf } from '../placement/load.ts';
import { SYSTEM } from './context.ts';
import { Inventory } from './inventory.ts';
import { openIncidents, readEntries } from './recoveries.ts';
import { NO_SLOTS } from './slots.ts';
import type { Store } from './store.ts';
import { TenantData } from './tenant-data.ts';

/** A cluster with all that its promise for failures depends on (HA-13). */
export interface FailoverRecords {
  cluster: Cluster;
  hosts: Host[];
  /** VMs that hold something of its hosts, or wait for one. The index lags, so the youngest may be missing. */
  vms: Vm[];
}

/** Reads every VM of a cluster: for operators and from time to time, not for tenants' requests. @throws `not-found` */
export async function readFailover(store: Store, clusterId: string): Promise<FailoverRecords> {
  const inventory = new Inventory(store, SYSTEM);
  // The cluster first: what is noted on it later is noticed by whoever writes it back.
  const cluster = await inventory.cluster(clusterId);
  const hosts = await inventory.hostsOf(clusterId, { consistent: true });
  const data = new TenantData(store, SYSTEM);
  const vms = new Map<string, Vm>();
  for (const host of hosts) for (const vm of await data.vmsOnHost(host.id)) vms.set(vm.id, vm);
  for (const vm of await waitingIn(store, clusterId)) vms.set(vm.id, vm);
  return { cluster, hosts, vms: [...vms.values()] };
}

/** VMs that wait for room in the cluster: no index knows them, but the incidents that have to place them. */
async function waitingIn(store: Store, clusterId: string): Promise<Vm[]> {
  const incidents = (await openIncidents(store)).filter((i) => i.clusterId === clusterId);
  const entries = (await Promise.all(incidents.map((i) => readEntries(store, i)))).flat();
  const ids = entries.filter((entry) => entry.outcome === 'waiting').map((entry) => entry.id);
  return (await new TenantData(store, SYSTEM).vmsById(ids)).filter(
    (vm) => vm.clusterId === clusterId && waitsForRoom(vm),
  );
}

/** The hosts' ledgers hold no VM that was not found. */
export function allFound({ hosts, vms }: FailoverRecords): boolean {
  const own = new Set(hosts.map((h) => h.id));
  const found = vms.flatMap(holdsOf).reduce((sum, h) => sum + (own.has(h.hostId) ? (h.amounts.vms ?? 0) : 0), 0);
  // Seats that are kept for recovery are no VMs that could be found (DR-21).
  return found === hosts.reduce((sum, host) => sum + (allocatedOf(host).vms ?? 0) - (host.keptVms ?? 0), 0);
}

/**
 * What the cluster should note of the sizes of its VMs; nothing when that is noted already. It is made smaller only when
 * every VM of the ledgers has been found.
 */
export function slotsToNote(records: FailoverRecords): SlotNotes | undefined {
  const { cluster, hosts, vms } = records;
  const { admission } = cluster.ha;
  if (admission.kind !== 'slots') return undefined;
  const own = new Set(hosts.map((h) => h.id));
  const powered = vms.filter((vm) => holdsOf(vm).some((hold) => own.has(hold.hostId)));
  const { largest, extraSlots: extra } = loadOf(powered.map(demandOf), admission.slotCap);
  const known = cluster.slots ?? NO_SLOTS;
  const found = { ...largest, extra };
  const size = (of: keyof typeof found) => (allFound(records) ? found[of] : Math.max(known[of], found[of]));
  const after = { mhz: size('mhz'), memoryMiB: size('memoryMiB'), extra: size('extra') };
  const same = after.mhz === known.mhz && after.memoryMiB === known.memoryMiB && after.extra === known.extra;
  return same && cluster.slots ? undefined : { ...after, changes: known.changes + 1 };
}
