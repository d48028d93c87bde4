import { demandOf, vnodesOf } from '../hypervisor/demand.ts';
import { type Amounts, minus } from '../model/amounts.ts';
import type { Cluster, Datastore, Host } from '../model/inventory.ts';
import { storageGiBOf, type Vm } from '../model/vm.ts';
import type { Candidate, Need } from './need.ts';
import type { CandidateIndex } from './placement.ts';

/**
 * A picture of the capacity, in memory. It may be stale: the conditions of the transaction decide, and what they find is
 * written back into the picture. Hosts are kept by free memory, so that the promising ones come first.
 */
export class CapacitySnapshot implements CandidateIndex {
  private readonly candidates: Map<string, Candidate>;
  private readonly datastores: Map<string, Datastore>;

  constructor(clusters: readonly Cluster[], hosts: readonly Host[], datastores: readonly Datastore[]) {
    this.datastores = new Map(datastores.map((d) => [d.id, { ...d }]));
    const byId = new Map(clusters.map((c) => [c.id, c]));
    this.candidates = new Map(
      hosts.map((host) => {
        const reached = [...this.datastores.values()].filter(
          (d) =>
            d.siteId === host.siteId &&
            d.kind === 'shared' &&
            (d.clusters.length === 0 || d.clusters.includes(host.clusterId)),
        );
        return [host.id, { host: { ...host }, cluster: byId.get(host.clusterId) as Cluster, datastores: reached }];
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

  /** Takes capacity in the picture, after it was taken in the table. */
  take(hostId: string, demand: Amounts, storage: { datastoreId?: string | undefined; gib: number } = { gib: 0 }): void {
    const host = this.candidates.get(hostId)?.host;
    if (host) host.free = minus(host.free, demand);
    const store = storage.datastoreId ? this.datastores.get(storage.datastoreId) : undefined;
    if (store) store.freeGiB -= storage.gib;
  }

  /** Corrects one host with what the table said. */
  correct(host: Host): void {
    const there = this.candidates.get(host.id);
    if (there) Object.assign(there.host, host);
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
  };
}
