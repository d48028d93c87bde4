import type { Cluster, Datastore, Host } from '../model/inventory.ts';
import type { Demand } from '../model/vm.ts';

/** What is to be placed, and what the place must offer. */
export interface Need extends Demand {
  storageGiB: number;
  hardwareVirtualisation: boolean;
  sites: readonly string[];
  clusterId?: string;
  /** Hosts that must not be taken, and why: tried before, or the one that failed. */
  avoid?: ReadonlySet<string>;
}

/** A host that may be looked at, with what it reaches. */
export interface Candidate {
  host: Host;
  cluster: Cluster;
  datastores: readonly Datastore[];
}
