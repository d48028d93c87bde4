import type { Refusal } from '../hypervisor/refusal.ts';
import type { Cluster, Datastore } from '../model/inventory.ts';
import type { Replica } from '../model/protection.ts';
import { storageGiBOf, type Vm } from '../model/vm.ts';

type Protectable = Pick<Vm, 'id' | 'disks' | 'clusterId'>;
interface Rooms {
  /** What each VM gets at each target. */
  replicas: Map<string, Replica[]>;
  /** VMs for whose copies there is no room, or nothing that could run them. */
  refusals: Map<string, Refusal[]>;
}

/**
 * Finds room for the copies of VMs at their targets (DR-21): all disks of a VM on one datastore that hosts of the right
 * architecture reach; first where all of the site's clusters reach it, then where most is free. Pure: ids of volumes come
 * from outside.
 */
export function roomFor(
  vms: readonly Protectable[],
  targets: readonly string[],
  { clusters, datastores }: { clusters: readonly Cluster[]; datastores: readonly Datastore[] },
  newVolumeId: () => string,
): Rooms {
  const found: Rooms = { replicas: new Map(), refusals: new Map() };
  const free = new Map(datastores.map((d) => [d.id, d.freeGiB]));
  for (const vm of vms) {
    const arch = clusters.find((c) => c.id === vm.clusterId)?.arch;
    const gib = storageGiBOf(vm);
    for (const siteId of targets) {
      const able = clusters.filter((c) => c.siteId === siteId && c.arch === arch).map((c) => c.id);
      const stores = datastores
        .filter((d) => d.siteId === siteId && isReplicable(d) && reaches(d, able))
        .sort((a, b) => all(b) - all(a) || (free.get(b.id) ?? 0) - (free.get(a.id) ?? 0) || (a.id < b.id ? -1 : 1));
      const store = stores.find((d) => (free.get(d.id) ?? 0) >= gib);
      if (!store) {
        const most = Math.max(0, ...stores.map((d) => free.get(d.id) ?? 0));
        const refusal = able.length === 0 ? nothingRuns(siteId, arch) : noRoom(siteId, gib, most, stores.length);
        found.refusals.set(vm.id, [...(found.refusals.get(vm.id) ?? []), refusal]);
        continue;
      }
      free.set(store.id, (free.get(store.id) ?? 0) - gib);
      const volumes = vm.disks.map(({ name, sizeGiB }) => ({
        id: newVolumeId(),
        name,
        sizeGiB,
        datastoreId: store.id,
      }));
      found.replicas.set(vm.id, [...(found.replicas.get(vm.id) ?? []), { siteId, volumes }]);
    }
  }
  return found;
}

/** Only what every host can reach can be replicated: local storage belongs to one host (STO-1). */
export const isReplicable = ({ kind }: Pick<Datastore, 'kind'>): boolean => kind === 'shared';

const reaches = ({ clusters }: Datastore, able: readonly string[]): boolean =>
  able.length > 0 && (clusters.length === 0 || clusters.some((id) => able.includes(id)));
const all = ({ clusters }: Datastore): number => (clusters.length === 0 ? 1 : 0);

const nothingRuns = (siteId: string, arch: string | undefined): Refusal => ({
  rule: 'DR-16',
  reason: `no cluster of ${siteId} has hosts of its architecture${arch ? `, ${arch}` : ''}`,
  fix: 'choose another site',
  figures: { siteId, ...(arch ? { arch } : {}) },
});

const noRoom = (siteId: string, gib: number, most: number, stores: number): Refusal => ({
  rule: 'DR-21',
  reason:
    stores === 0
      ? `there is no shared datastore at ${siteId} for its copy`
      : `its copy takes ${gib} GiB at ${siteId}, and no datastore there has more than ${most} GiB left`,
  fix: 'choose another site, or have storage added there',
  figures: { siteId, neededGiB: gib, freeGiB: most, datastores: stores },
});
