import type { Cluster } from '../model/inventory.ts';
import type { Network } from '../model/network.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { Vm } from '../model/vm.ts';

/** What a plan is about, as far as it is there. */
export interface PlanFacts {
  groups: readonly ProtectedGroup[];
  /** VMs of these groups. */
  vms: readonly Pick<Vm, 'id' | 'name' | 'nics' | 'clusterId'>[];
  /** Those that the plan or its VMs name. */
  networks: ReadonlyMap<string, Network>;
  /** Sites of external networks. */
  externalSites: ReadonlyMap<string, readonly string[]>;
  /** Addresses that are claimed, by space, and by which VM. */
  taken: ReadonlyMap<string, ReadonlyMap<number, string>>;
  clusters: readonly Pick<Cluster, 'id' | 'siteId'>[];
}
