import { stateMachine } from './state-machine.ts';

export type HypervisorKind = 'fusioncompute' | 'vmware';

/** One managed location with its manager (VRM). */
export interface Site {
  id: string;
  name: string;
  hypervisor: HypervisorKind;
  city?: string;
}

export interface Cluster {
  id: string;
  siteId: string;
  name: string;
  arch: 'x86' | 'arm';
  ha: { enabled: boolean };
}

/** What stands in the rack; the control plane and the world are both told it when a site is commissioned. */
export interface HostHardware {
  id: string;
  siteId: string;
  clusterId: string;
  name: string;
  vendor: string;
  arch: 'x86' | 'arm';
  sockets: number;
  coresPerSocket: number;
  threadsPerCore: number;
  mhz: number;
  memoryMiB: number;
  /** VT-x or AMD-V (CPU-10). */
  hardwareVirtualisation: boolean;
  rack?: string;
}

/** S2 of the vocabulary: membership of a host. Beyond it, a host that falls silent while it reconciles is suspect again. */
export const HOST_STATES = ['reconciling', 'online', 'suspect', 'fencing', 'fenced', 'maintenance', 'gone'] as const;
export type HostState = (typeof HOST_STATES)[number];
export type HostEvent =
  | 'reconciled'
  | 'reconcileFailed'
  | 'heartbeatMissed'
  | 'enterMaintenance'
  | 'heartbeatBack'
  | 'secondChannelAlive'
  | 'secondChannelDead'
  | 'fenceConfirmed'
  | 'fenceFailed'
  | 'hostBack'
  | 'remove'
  | 'exitMaintenance'
  | 'add';
export const hostMachine = stateMachine<HostState, HostEvent>('host', {
  reconciling: { reconciled: 'online', reconcileFailed: 'suspect', heartbeatMissed: 'suspect' },
  online: { heartbeatMissed: 'suspect', enterMaintenance: 'maintenance' },
  suspect: { heartbeatBack: 'online', secondChannelAlive: 'suspect', secondChannelDead: 'fencing' },
  fencing: { fenceConfirmed: 'fenced', fenceFailed: 'fencing', heartbeatBack: 'fencing' },
  fenced: { hostBack: 'reconciling', remove: 'gone' },
  maintenance: { exitMaintenance: 'reconciling' },
  gone: { add: 'reconciling' },
});

/** A host as the control plane believes it to be, with its ledger. `free` + what its VMs take = `capacity` (INV-3). */
export interface Host extends HostHardware {
  state: HostState;
  power: 'on' | 'off' | 'booting';
  capacity: HostCapacity;
  freeVcpus: number;
  freeMhz: number;
  freeMemoryMiB: number;
  /** Last sign of life on either channel that the control plane has seen, ms. The lease runs from it. */
  seenAt: number;
  /** VMs that wait for capacity since their host was fenced. */
  waiting?: number;
  /** The recovery that holds the host. */
  claim?: string;
  incidentId?: string;
  /** When VMs that wait were last tried, ms. */
  triedAt?: number;
  version: number;
}
export interface HostCapacity {
  vcpus: number;
  mhz: number;
  memoryMiB: number;
}

export interface Datastore {
  id: string;
  siteId: string;
  name: string;
  kind: 'shared' | 'local';
  /** Local storage belongs to one host (STO-1). */
  hostId?: string;
  /** Clusters whose hosts reach it; empty = all of the site. */
  clusters: string[];
  capacityGiB: number;
  freeGiB: number;
  version: number;
}

export interface Link {
  id: string;
  from: string;
  to: string;
  latencyMs: number;
  mbps: number;
  mode: 'sync' | 'async';
}
