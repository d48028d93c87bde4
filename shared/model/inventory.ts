import * as z from 'zod';
import { type Amounts, type BaseAmounts, minus, nothing, plus } from './amounts.ts';
import type { ClusterHa, Disarmed, FormerLease } from './ha.ts';
import { stateMachine } from './state-machine.ts';

export type HypervisorKind = 'fusioncompute' | 'vmware';

/** One managed location with its manager (VRM). */
export interface Site {
  id: string;
  name: string;
  hypervisor: HypervisorKind;
  /** Its release; HYPERVISOR_VERSION where nothing was said. */
  hypervisorVersion?: string;
  city?: string;
}

/** The release of a site's hypervisor when its estate says nothing. Declared. */
export const HYPERVISOR_VERSION = '8.6.0';
export const hypervisorVersionOf = ({ hypervisorVersion }: Pick<Site, 'hypervisorVersion'>): string =>
  hypervisorVersion ?? HYPERVISOR_VERSION;
/** What VMs of two sites must have in common to run at the other one: `8` of `8.6.0`. */
export const majorVersionOf = (site: Pick<Site, 'hypervisorVersion'>): string =>
  hypervisorVersionOf(site).split('.')[0] as string;

export interface Cluster {
  id: string;
  siteId: string;
  name: string;
  arch: 'x86' | 'arm';
  ha: ClusterHa;
  disarmed?: Disarmed;
  /** Longer leases that it promised before, and until when: one that runs is not shortened. */
  formerLeases?: FormerLease[];
  overcommit: Overcommit;
  /** vCPUs that VMs of a host may have, in % of its threads for them. Beyond 100 they share CPUs in time (QOS-1). */
  vcpuRatioPercent: number;
  /** NUMA-3: whether guests may be shown a NUMA of their own. */
  numa: { guest: boolean };
  /** SCH-6: newer features than this generation's are hidden, so that VMs can move to every host. */
  cpuBaseline?: CpuGeneration;
  /** What the ledgers of its hosts do not tell of its VMs, where slots are counted (HA-13). */
  slots?: SlotNotes;
  /** Counts changes of its settings; the hosts' agents keep the newest. */
  version: number;
}

/**
 * How large VMs are that hold something of a host: raised before a larger one starts, lowered from time to time. So it
 * may be too high for a while, and is never too low for a VM that runs.
 */
export interface SlotNotes {
  /** Largest CPU reservation and largest memory of one VM, MHz and MiB. */
  mhz: number;
  memoryMiB: number;
  /** Slots that VMs take beyond one each, because the cap makes a slot smaller than what they need. */
  extra: number;
  /** Rises with every change of it. */
  changes: number;
}

const overcommit = {
  enabled: z.boolean(),
  ratioPercent: z.int().min(100).max(150).describe('memory of VMs at most, in % of what a host has for them; 150'),
  alarmPercent: z.int().min(100).max(150).describe('an alarm is raised beyond it; 120'),
  sharing: z
    .enum(['off', 'tenant', 'host'])
    .describe('who may share pages of equal content; across tenants it can leak what others hold; tenant'),
  balloon: z.boolean().describe('whether memory that a guest does not use may be taken back; true'),
};
/** A change of it: what is left out stays as it is. */
export const overcommitChange = z.strictObject(overcommit).partial();
/** Declared: no source gives a ratio; without one every vCPU has a thread of its own. */
export const vcpuRatioSpec = z.int().min(100).max(1_000);
/** Memory overcommit of a cluster (OVC-5). The defaults are the published maximum and what is used in practice. */
export const overcommitSpec = z.strictObject({
  ...overcommit,
  ratioPercent: overcommit.ratioPercent.default(150),
  alarmPercent: overcommit.alarmPercent.default(120),
  sharing: overcommit.sharing.default('tenant'),
  balloon: overcommit.balloon.default(true),
});
export type Overcommit = z.infer<typeof overcommitSpec>;
export const NO_OVERCOMMIT: Overcommit = overcommitSpec.parse({ enabled: false });

/** Intel generations of a CPU baseline, oldest first (SCH-6). */
export const CPU_GENERATIONS = ['Merom', 'Penryn', 'Nehalem', 'Westmere', 'Sandy Bridge', 'Ivy Bridge'] as const;
export type CpuGeneration = (typeof CPU_GENERATIONS)[number];

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
  /** EPT or NPT (MEM-7). */
  nestedPaging: boolean;
  /** x86 only (SCH-6). */
  cpuGeneration?: CpuGeneration;
  numaNodes: number;
  /** Pages set aside for VMs on huge pages (MEM-12). */
  hugePages?: { '2m'?: number; '1g'?: number };
  /** Cards that give functions away (IO-3). */
  devices?: DeviceCard[];
  /** Line rate of its network, Mbit/s. */
  nicMbps: number;
  rack?: string;
}
/** What can be added to a host, with what follows from it. */
export type Expandable = Pick<HostHardware, 'sockets' | 'coresPerSocket' | 'memoryMiB' | 'numaNodes'>;
export interface DeviceCard {
  id: string;
  kind: 'nic' | 'disk';
  functions: number;
}

/** S2 of the vocabulary: membership of a host. Beyond it, a host that falls silent while it reconciles is suspect again. */
export const HOST_STATES = ['reconciling', 'online', 'suspect', 'fencing', 'fenced', 'maintenance', 'gone'] as const;
export type HostState = (typeof HOST_STATES)[number];
/**
 * What a host's signs say of it (HA-6, HA-19); what tells them apart stands in `shared/model/condition.ts`. Of a whole site
 * that does not answer nothing is said of single hosts.
 */
export const CONDITIONS = [
  'alive',
  'restarted',
  'storageLost',
  'agentLost',
  'partitioned',
  'isolated',
  'hung',
  'dead',
  'lost',
] as const;
export type Condition = (typeof CONDITIONS)[number];
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

/**
 * A host as the control plane believes it to be, with its ledger: `free` + what its VMs take = `capacity`, and for memory
 * and vCPUs what is promised on top (INV-3).
 */
export interface Host extends HostHardware {
  state: HostState;
  power: 'on' | 'off' | 'booting';
  capacity: Amounts;
  free: Amounts;
  /** What is promised beyond what is there: memory (OVC-5) and vCPUs. */
  overcommitMiB?: number;
  overcommitVcpus?: number;
  /** Of what is taken, what recovery plans keep here for their VMs (DR-21): VMs, vCPUs, MiB. */
  keptVms?: number;
  keptVcpus?: number;
  keptMiB?: number;
  /** Its swap partition (OVC-3), and how often it was changed. */
  swap?: { datastoreId: string; sizeMiB: number; version: number };
  /** Last sign of life on either channel that the control plane has seen, ms. The lease runs from it. */
  seenAt: number;
  /** Since when it is known to serve, ms. If it restarted after that, nothing that it is believed to run is there. */
  servesSince: number;
  /** Set by an operation that leaves a VM on it to the recovery; its own mark, so that no other one is taken away. */
  callsRecovery?: string;
  /** Incidents of which VMs may want to come back to it, since it serves again. */
  failsBack?: string[];
  /** What its signs said when a probe last found a change, and when that was, ms. */
  condition?: Condition;
  conditionAt?: number;
  /** When it became suspect last, ms, oldest first; as many as it takes to be damped (`shared/model/flapping.ts`). */
  flaps?: number[];
  /** The operation that holds the host; a recovery holds its incident instead. */
  claim?: string;
  /** The operation that moves its VMs away (ELA-6): nothing new is placed on it, and it is watched as ever. */
  draining?: string;
  /** Why it was left in maintenance. */
  reason?: string;
  /** The incident that it is part of, from the suspicion until it serves again. */
  incidentId?: string;
  /** While it is being fenced: a person has made sure that it runs nothing (HA-7). A later sign of life makes it void. */
  fenceConfirmed?: FenceConfirmed;
  version: number;
}

/** Whose word it is, and what was done or seen that makes it sure. */
export interface FenceConfirmed {
  by: string;
  at: number;
  statement: string;
}

/** What the ledger of a host may give out in all. */
export const promisedBy = (host: Pick<Host, 'capacity' | 'overcommitMiB' | 'overcommitVcpus'>): Amounts =>
  plus(host.capacity, { ...nothing(), memoryMiB: host.overcommitMiB ?? 0, vcpus: host.overcommitVcpus ?? 0 });

/** What the VMs of a host have taken, as its ledger says. */
export const allocatedOf = (host: Pick<Host, 'capacity' | 'overcommitMiB' | 'overcommitVcpus' | 'free'>): Amounts =>
  minus(promisedBy(host), host.free);

export type HostCapacity = BaseAmounts;

export const DATASTORE_KINDS = ['shared', 'local', 'virtualised-local'] as const;
export type DatastoreKind = (typeof DATASTORE_KINDS)[number];

export interface Datastore {
  id: string;
  siteId: string;
  name: string;
  /** A swap partition can lie on a virtualised local disk only (OVC-3). */
  kind: DatastoreKind;
  /** Local storage belongs to one host (STO-1). */
  hostId?: string;
  /** Clusters whose hosts reach it; empty = all of the site. */
  clusters: string[];
  capacityGiB: number;
  freeGiB: number;
  /** What is left of its budget for storage migrations, cost units (MIG-7). */
  freeMigrations: number;
  version: number;
}

export interface Link {
  id: string;
  from: string;
  to: string;
  latencyMs: number;
  mbps: number;
  /** What protected groups have not taken of it, Mbit/s. */
  freeMbps: number;
  /** `sync`: near enough that writes can wait for the other end; it carries both kinds of replication. */
  mode: 'sync' | 'async';
}
