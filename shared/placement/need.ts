import type { Refusal } from '../hypervisor/refusal.ts';
import type { Amounts } from '../model/amounts.ts';
import type { Cluster, CpuGeneration, Datastore, Host } from '../model/inventory.ts';

/** Hosts in normal operation, or those that take VMs of failed hosts only (HA-13). */
export type HostPool = 'normal' | 'reserved';

/** What is to be placed, and what the place must offer. */
export interface Need {
  /** What it takes from the ledger of whichever host it gets; its NUMA nodes come on top. */
  demand: Amounts;
  /** Its vCPUs may not reserve more than the clock of the host gives (QOS-2). */
  vcpus: number;
  storageGiB: number;
  hardwareVirtualisation: boolean;
  nestedPaging: boolean;
  /** Its virtual NUMA nodes: each needs a node of the host (NUMA-2). */
  vnodes: readonly { vcpus: number; memoryMiB: number }[];
  sites: readonly string[];
  clusterId?: string;
  /** Hosts that must not be taken, and why: tried before, or the one that failed. */
  avoid?: ReadonlySet<string>;
  /** The only host that may be taken. */
  hostId?: string;
  /** Which hosts may be taken; without it those in normal operation. */
  pool?: HostPool;
  /** It is powered on by this, so the promise of the cluster must allow it (HA-13). */
  powersOn?: boolean;
  /** For a VM that runs: what the CPU must offer (SCH-6). */
  generation?: CpuGeneration;
}

/** A host that may be looked at, with what it reaches. */
export interface Candidate {
  host: Host;
  cluster: Cluster;
  datastores: readonly Datastore[];
  /** Says why the promise of its cluster forbids to power on what takes this (HA-13). */
  promise?: { refusal(demand: Amounts): Refusal | undefined };
}
