import * as z from 'zod';
import type { VmHa } from './ha.ts';
import type { CpuGeneration } from './inventory.ts';
import type { MigrationOptions, VolumeMoveOptions } from './migration.ts';
import type { Protection } from './protection.ts';
import { diskQosSpec, shapingSpec } from './qos.ts';
import { stateMachine } from './state-machine.ts';

/** What a tenant asks for. Limits: ELA-1, ELA-2, ELA-3, ELA-4, CPU-9, MEM-11, IO-1 to IO-3. */
export const cpuSpec = z.strictObject({
  vcpus: z.int().min(1).max(64).describe('virtual CPUs'),
  coresPerSocket: z.int().min(1).optional(),
  mode: z.enum(['full', 'para', 'hardware']).default('hardware'),
  shares: z.int().min(1).max(128_000).optional(),
  reservationMhz: z.int().min(0).optional(),
  limitMhz: z.int().min(0).optional(),
});
export const memorySpec = z.strictObject({
  sizeMiB: z.int().min(128).max(1_024_000),
  mode: z.enum(['shadow', 'hardware']).default('hardware'),
  pageSize: z.enum(['4k', '2m', '1g', 'thp']).default('4k'),
  shares: z.int().min(1).max(20_971_520).optional(),
  reservationMiB: z.int().min(0).optional(),
  limitMiB: z.int().min(0).optional(),
});
/** Of one disk, GiB (65,536: the most that FusionCompute gives a volume on NAS). */
export const DISK_GIB_MAX = 65_536;
const ioMode = z.enum(['emulated', 'virtio', 'passthrough']).default('virtio');
export const diskSpec = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'lower-case letters, digits and dashes, 1 to 32'),
  sizeGiB: z.int().min(1).max(DISK_GIB_MAX),
  boot: z.boolean().default(false),
  io: ioMode,
  persistent: z
    .boolean()
    .optional()
    .describe(
      'false: what is written to it since the VM was started is gone when it is stopped, fails or crashes; true',
    ),
  qos: diskQosSpec.optional(),
});
export const nicSpec = z.strictObject({
  networkId: z.string().min(1),
  io: ioMode,
  ip: z.ipv4().optional().describe('a free address of the network; without it the next free one is taken'),
  qos: shapingSpec.optional().describe('in place of the shaping of its network'),
});
export const guestSpec = z.strictObject({
  os: z.enum(['linux', 'windows', 'other']),
  paravirtual: z.boolean().optional().describe('the kernel is modified and hands sensitive instructions over'),
  pvDriver: z
    .boolean()
    .optional()
    .describe('false: it has no virtio driver, so its virtio devices are emulated instead (IO-2)'),
});
export const numaSpec = z.strictObject({
  nodes: z.int().min(1).max(8).describe('NUMA nodes that the guest sees (NUMA-2); each lies on one node of the host'),
});
export const placementSpec = z.strictObject({
  siteId: z.string().optional(),
  clusterId: z.string().optional(),
});

export type CpuSpec = z.infer<typeof cpuSpec>;
export type MemorySpec = z.infer<typeof memorySpec>;
export type GuestSpec = z.infer<typeof guestSpec>;
export type DiskSpec = z.infer<typeof diskSpec>;
export type NicSpec = z.infer<typeof nicSpec>;
export type NumaSpec = z.infer<typeof numaSpec>;

export interface Disk extends DiskSpec {
  id: string;
  datastoreId: string;
  /** S7: it is charged and holds room for its size already, and is being made so large. */
  resizing?: Resizing;
}
/** `reason`: why it was given up; asked for once more, it is gone on with. */
export interface Resizing {
  fromGiB: number;
  operationId: string;
  reason?: string;
}
export interface Nic {
  id: string;
  networkId: string;
  mac: string;
  ip: string;
  io: NicSpec['io'];
  qos?: NicSpec['qos'];
  /** The address space the claim lies in: the network itself, or the external network of a direct one. */
  spaceId: string;
  /** While the VM is at another site, in another network: where it comes home to. The address stays claimed for it (DR-13). */
  home?: NicHome;
}
export interface NicHome extends Pick<Nic, 'networkId' | 'spaceId' | 'mac' | 'ip'> {
  siteId: string;
}

/** Every address that is claimed for these NICs: those that they have, and those that wait for them at home. */
export const addressesOf = (nics: readonly Nic[]): Pick<Nic, 'networkId' | 'spaceId' | 'mac' | 'ip'>[] =>
  nics.flatMap((nic) => (nic.home ? [nic, nic.home] : [nic]));

/** What a VM gets with a host. */
export interface Seat {
  hostId: string;
  /** Node of that host for each of its virtual NUMA nodes; absent without guest NUMA. */
  home?: number[];
  /** CPU features that the guest sees since its start (SCH-6); absent on other architectures. */
  generation?: CpuGeneration;
}

/** A live migration that was accepted. The seat is held besides the one that it has (MIG-6). */
export interface Migration {
  seat: Seat;
  /** Epoch with which it will run there. */
  epoch: number;
  options: MigrationOptions;
  /** It has its place in the budgets of both hosts (MIG-7); until then it queues. */
  begun?: true;
}

/**
 * A VM of another platform that becomes one of FusionCompute (MIG-9). `copying`: the VM is still its source, stopped;
 * `switched`: it is its target, not yet seen running; `confirmed`: only the source is left to be removed.
 */
export interface Conversion {
  stage: 'copying' | 'switched' | 'confirmed';
  /** The other place: the target until the switch, the source from then on. It is held besides the VM's own. */
  siteId: string;
  clusterId: string;
  /** Absent where it needs no host: a VM that stays stopped, or whose host there has failed. */
  seat?: Seat;
  /** Host of the index by host, once the seat is gone. */
  runsOn?: string;
  volumes: Pick<Disk, 'id' | 'name' | 'sizeGiB' | 'datastoreId'>[];
}

/** A storage migration that was accepted: room at the new datastores is held besides the old (STO-5). */
export interface StorageMoves {
  /** Rises with every storage migration of the VM: what comes late of an older one has no effect. */
  token: number;
  disks: { name: string; datastoreId: string }[];
  options: VolumeMoveOptions;
  /** The process that runs meanwhile, none for a stopped VM. With it, it has its place in the budgets (MIG-7). */
  begun?: { hostId: string | null; epoch: number };
}

/** S1 of the vocabulary. */
export const VM_STATES = [
  'creating',
  'stopped',
  'starting',
  'running',
  'stopping',
  'paused',
  'hibernating',
  'hibernated',
  'migrating',
  'faultResuming',
  'recycling',
  'deleting',
  'unknown',
] as const;
export type VmState = (typeof VM_STATES)[number];
export type VmEvent =
  | 'createDone'
  | 'createStarted'
  | 'start'
  | 'startDone'
  | 'startFailed'
  | 'stop'
  | 'forceStop'
  | 'stopDone'
  | 'stopFailed'
  | 'reboot'
  | 'pause'
  | 'resume'
  | 'hibernate'
  | 'hibernateDone'
  | 'hibernateFailed'
  | 'liveMigrate'
  | 'coldMigrate'
  | 'migrateDone'
  | 'migrateFailed'
  | 'coldMigrateDone'
  | 'coldMigrateFailed'
  | 'restart'
  | 'switchBack'
  | 'switchSite'
  | 'switchSiteStopped'
  | 'hostFault'
  | 'guestFault'
  | 'agentLost'
  | 'agentBack'
  | 'hostFenced'
  | 'recovered'
  | 'recoveredStopped'
  | 'recoveryError'
  | 'recover'
  | 'recycle'
  | 'restore'
  | 'delete';

/**
 * The total table. Readings beyond S1:
 * - a VM whose first start is under way (`creating`, `starting`) and whose host dies is taken over by the recovery like
 *   a running one, so that an acknowledged creation still ends well; so is one that is `unknown`, which the recovery may
 *   also find running;
 * - `delete` is legal from every state at rest, running ones included, and may be repeated, so that nobody is left with
 *   a thing that cannot be removed; a host's fault does not stop it;
 * - a VM that is `stopping` when its host is fenced has stopped;
 * - a cold move stops a VM that runs (`coldMigrate`) and starts it where it is then (`restart`); one that could not be
 *   started there goes back (`switchBack`);
 * - `stop` while a recovery works on the VM records what is wanted and takes effect after it (HA-20); a VM that waits for
 *   room has no process, and is stopped at once;
 * - `delete` need not wait for a recovery: no start order of its epoch is taken any more once it was stopped (HA-11). It
 *   does wait where a migration may have brought the VM to a host that cannot be asked;
 * - a failover to another site takes a VM from whichever state it is in: it starts there, or rests there where it is not
 *   wanted running (`switchSite`, `switchSiteStopped`); what a hibernated VM kept in memory stays behind;
 * - a VM whose recovery was given up (`unknown`) is stopped by its owner, and can be started then (S3: error, disabled), or
 *   recovered once more when an operator asks for it (`recover`; S3: error, reset);
 * - a VM that was being started or stopped at a site which has fallen silent is `unknown` when nobody waits for that site any
 *   longer (`agentLost`).
 */
export const vmMachine = stateMachine<VmState, VmEvent>('VM', {
  creating: { createDone: 'stopped', createStarted: 'running', hostFault: 'faultResuming' },
  stopped: {
    start: 'starting',
    coldMigrate: 'migrating',
    recycle: 'recycling',
    delete: 'deleting',
    switchSiteStopped: 'stopped',
  },
  starting: {
    startDone: 'running',
    startFailed: 'stopped',
    switchBack: 'migrating',
    hostFault: 'faultResuming',
    agentLost: 'unknown',
    switchSite: 'starting',
    switchSiteStopped: 'stopped',
  },
  running: {
    stop: 'stopping',
    forceStop: 'stopping',
    reboot: 'running',
    pause: 'paused',
    hibernate: 'hibernating',
    liveMigrate: 'migrating',
    coldMigrate: 'migrating',
    hostFault: 'faultResuming',
    guestFault: 'faultResuming',
    agentLost: 'unknown',
    delete: 'deleting',
    switchSite: 'starting',
    switchSiteStopped: 'stopped',
  },
  stopping: {
    stopDone: 'stopped',
    stopFailed: 'running',
    recoveredStopped: 'stopped',
    agentLost: 'unknown',
    delete: 'deleting',
    switchSiteStopped: 'stopped',
  },
  paused: {
    resume: 'running',
    forceStop: 'stopping',
    hostFault: 'faultResuming',
    delete: 'deleting',
    switchSite: 'starting',
    switchSiteStopped: 'stopped',
  },
  hibernating: {
    hibernateDone: 'hibernated',
    hibernateFailed: 'running',
    switchSite: 'starting',
    switchSiteStopped: 'stopped',
  },
  hibernated: { start: 'starting', delete: 'deleting', recycle: 'recycling', switchSiteStopped: 'stopped' },
  migrating: {
    migrateDone: 'running',
    migrateFailed: 'running',
    coldMigrateDone: 'stopped',
    coldMigrateFailed: 'stopped',
    restart: 'starting',
    hostFault: 'faultResuming',
    switchSite: 'starting',
    switchSiteStopped: 'stopped',
  },
  faultResuming: {
    recovered: 'running',
    recoveredStopped: 'stopped',
    recoveryError: 'unknown',
    stop: 'faultResuming',
    delete: 'deleting',
    switchSite: 'starting',
    switchSiteStopped: 'stopped',
  },
  recycling: { restore: 'stopped', delete: 'deleting' },
  deleting: { delete: 'deleting', hostFault: 'deleting' },
  unknown: {
    agentBack: 'running',
    hostFenced: 'stopped',
    hostFault: 'faultResuming',
    recovered: 'running',
    recover: 'faultResuming',
    stop: 'stopping',
    delete: 'deleting',
    switchSite: 'starting',
    switchSiteStopped: 'stopped',
  },
});

/** A VM as the control plane believes it to be. Stored in the Control table. */
export interface Vm {
  id: string;
  tenantId: string;
  vdcId: string;
  vpcId: string | null;
  name: string;
  state: VmState;
  /** Why it is in this state, when that needs words. */
  reason?: string;
  /** What its owner wants: a recovery never starts what is wanted stopped (HA-20). */
  desired: 'running' | 'stopped';
  cpu: CpuSpec;
  memory: MemorySpec;
  guest: GuestSpec;
  disks: Disk[];
  nics: Nic[];
  ha: VmHa;
  numa?: NumaSpec;
  siteId: string;
  clusterId: string;
  /** The host whose ledger carries it; null while it is stopped. */
  hostId: string | null;
  home?: Seat['home'];
  generation?: Seat['generation'];
  migration?: Migration;
  /** The highest epoch that was ever promised to a migration which did not arrive: it is never given again. */
  promised?: number;
  conversion?: Conversion;
  storageMoves?: StorageMoves;
  /** Its membership in a protected group (DR-3). */
  protection?: Protection;
  /** It is the copy of that VM which a DR test has made: it charges no quota, and goes with the clean-up (DR-8). */
  testOf?: { vmId: string; planId: string; executionId: string };
  /** Of such a copy: the group among whose seats is the one that it sits on (DR-21); its end gives the seat back. */
  seatOf?: string;
  /** The epoch of which its cluster has noted how many slots it takes beyond one (HA-13). */
  slotsNoted?: number;
  /** When its guest was restarted because it had crashed or hung, ms, oldest first; no more than a window can need. */
  guestRestarts?: number[];
  /** The recovery of its guest that is under way, with the epoch that it has to do with. */
  guestFault?: { incidentId: string; epoch: number };
  /** Set from the first start order on: the host on which a process may exist. The key of the index by host. */
  runsOn?: string;
  /** The incident that moved it last, and the part in which it stands whether it was seen running since. */
  recovery?: { incidentId: string; part: number };
  /** The host that it ran on before it was recovered, where it wants to go back to it. */
  failBackTo?: string;
  /** Fencing token (HA-9): rises with every start order to another host. */
  epoch: number;
  version: number;
  createdAt: number;
  /** The operation that holds it (claim); absent when none does. */
  claim?: string;
  /** The operation that last changed it. */
  operationId: string;
}

/**
 * A recovery has not found room for it, or is about to look (HA-14): it runs nowhere. Not so if a migration may have
 * brought it to a host that cannot be asked.
 */
export const waitsForRoom = (vm: Pick<Vm, 'state' | 'hostId' | 'migration'>): boolean =>
  vm.state === 'faultResuming' && vm.hostId === null && vm.migration === undefined;

export const storageGiBOf = (vm: { disks: { sizeGiB: number }[] }): number =>
  vm.disks.reduce((sum, d) => sum + d.sizeGiB, 0);

/** The epoch of the next process of a VM: higher than any that was ever given or promised (HA-9). */
export const nextEpoch = (vm: Pick<Vm, 'epoch' | 'promised' | 'migration'>): number =>
  Math.max(vm.epoch, vm.promised ?? 0, vm.migration?.epoch ?? 0) + 1;

/** IO-4: what has a passthrough device loses HA, DRS, live migration and memory snapshots. */
export const hasPassthrough = (vm: { disks: { io: string }[]; nics: { io: string }[] }): boolean =>
  [...vm.disks, ...vm.nics].some((d) => d.io === 'passthrough');
