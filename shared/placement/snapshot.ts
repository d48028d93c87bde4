import { demandOf, vnodesOf } from '../hypervisor/demand.ts';
import { type Amounts, minus } from '../model/amounts.ts';
import type { Cluster, Datastore, Host } from '../model/inventory.ts';
import { storageGiBOf, type Vm } from '../model/vm.ts';
import type { Candidate, Need } from './need.ts';
import type { CandidateIndex } from './placement.ts';
import { ClusterPromise } from './promise.ts';

/**
 * A picture of the capacity, in memory. It may be stale: the conditions of the transaction decide, and what they find is
 * written back into the picture. Hosts are kept by free memory, so that the promising ones come first.
 */
export class CapacitySnapshot implements CandidateIndex {
  private readonly candidates: Map<string, Candidate>;
  private readonly datastores: Map<string, Datastore>;
  private readonly promises: Map<string, ClusterPromise>;

  constructor(clusters: readonly Cluster[], hosts: readonly Host[], datastores: readonly Datastore[]) {
    this.datastores = new Map(datastores.map((d) => [d.id, { ...d }]));
    const copies = hosts.map((host) => ({ ...host }));
    const hostsOf = Map.groupBy(copies, (h) => h.clusterId);
    this.promises = new Map(clusters.map((c) => [c.id, new ClusterPromise(c, hostsOf.get(c.id) ?? [])]));
    this.candidates = new Map(
      copies.map((host) => {
        const reached = [...this.datastores.values()].filter(
          (d) =>
            d.siteId === host.siteId &&
            d.kind === 'shared' &&
            (d.clusters.length === 0 || d.clusters.includes(host.clusterId)),
        );
        const promise = this.promises.get(host.clusterId) as ClusterPromise;
        return [host.id, { host, cluster: promise.cluster, datastores: reached, promise }];
      }),
    );
  }

  *near(need: Need): Iterable<Candidate> {
    const list = [...this.candidates.values()];
    const room = (c: Candidate) =>
      c.host.state === 'online' && !c.host.draining && need.sites.includes(c.host.siteId) ? c.host.free.memoryMiB : -1;
    list.sort((a, b) => room(b) - room(a));
    yield* list;
  }

  all(): Iterable<Candidate> {
    return this.candidates.values();
  }

  candidate(hostId: string): Candidate | undefined {
    return this.candidates.get(hostId);
  }

  /** What a cluster of the picture has promised to keep for failures (HA-13). */
  promiseOf(clusterId: string): ClusterPromise | undefined {
    return this.promises.get(clusterId);
  }

  /** Takes capacity in the picture, after it was taken in the table. */
  take(hostId: string, demand: Amounts, storage: { datastoreId?: string | undefined; gib: number } = { gib: 0 }): void {
    const host = this.candidates.get(hostId)?.host;
    if (host) {
      host.free = minus(host.free, demand);
      this.promises.get(host.clusterId)?.took(demand);
    }
    const store = storage.datastoreId ? this.datastores.get(storage.datastoreId) : undefined;
    if (store) store.freeGiB -= storage.gib;
  }

  /** Corrects one host with what the table said. */
  correct(host: Host): void {
    const there = this.candidates.get(host.id);
    if (!there) return;
    Object.assign(there.host, host);
    this.promises.get(host.clusterId)?.corrected();
  }

  correctDatastore(datastore: Datastore): void {
    const there = this.datastores.get(datastore.id);
    if (there) Object.assign(there, datastore);
  }
}

/** What a VM needs of a place. */
export function needOf(
  spec: Pick<Vm, 'cpu' | 'memory'> & {
    numa?: Vm['numa'] | undefined;
    disks: readonly { sizeGiB: number; io: string }[];
    nics?: readonly { io: string }[];
  },
  where: Pick<Need, 'sites'> & {
    clusterId?: string | undefined;
    hostId?: string | undefined;
    avoid?: ReadonlySet<string> | undefined;
    storage?: boolean;
    powersOn?: boolean;
  },
): Need {
  const { numa, nics = [] } = spec;
  const vm = { cpu: spec.cpu, memory: spec.memory, disks: spec.disks, nics, ...(numa ? { numa } : {}) };
  return {
    demand: demandOf(vm),
    vcpus: spec.cpu.vcpus,
    storageGiB: where.storage === false ? 0 : storageGiBOf({ disks: [...spec.disks] }),
    hardwareVirtualisation: spec.cpu.mode === 'hardware',
    nestedPaging: spec.memory.mode === 'hardware',
    vnodes: vnodesOf(vm),
    sites: where.sites,
    ...(where.clusterId ? { clusterId: where.clusterId } : {}),
    ...(where.hostId ? { hostId: where.hostId } : {}),
    ...(where.avoid ? { avoid: where.avoid } : {}),
    ...(where.powersOn ? { powersOn: true } : {}),
  };
}
