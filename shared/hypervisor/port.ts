import type { Signs } from '../model/condition.ts';
import type { ClusterHa } from '../model/ha.ts';
import type { Expandable, HostHardware, Overcommit } from '../model/inventory.ts';
import type { MigrationOptions, VolumeMoveFigures, VolumeMoveOptions } from '../model/migration.ts';
import type { Shaping } from '../model/qos.ts';
import type { Machine } from './machine.ts';
import type { CopyPlan } from './migration/copy.ts';
import type { HostObservation } from './performance/observation.ts';
import type { ReplicationPort } from './replication-port.ts';
import type { Block, VolumeOrder, VolumeRef } from './volume.ts';

export type { Block, VolumeOrder, VolumeRef } from './volume.ts';

/**
 * All that the control plane may ask of a hypervisor manager. Calls take lists, so that a wave of a recovery is one
 * call. Every call can time out, do its work and lose the answer, or arrive twice: callers must be able to repeat it.
 */
export interface HypervisorPort extends ReplicationPort {
  /** Tells the site's manager of hosts that were racked. Repeating it changes nothing. */
  commission(siteId: string, hosts: HostHardware[]): Promise<void>;
  /** Last signs of life of every host of the site, on both channels. */
  heartbeats(siteId: string): Promise<Heartbeat[]>;
  createVolumes(siteId: string, volumes: VolumeOrder[]): Promise<VolumeResult[]>;
  deleteVolumes(siteId: string, volumes: VolumeRef[]): Promise<VolumeResult[]>;
  /** Makes volumes at least so large, used or not (ELA-3). Nothing is made smaller; repeating it changes nothing. */
  growVolumes(siteId: string, orders: GrowOrder[]): Promise<GrowResult[]>;
  /** A page of the blocks that were ever written to a volume, in the order of their index. */
  readBlocks(siteId: string, orders: ReadOrder[]): Promise<ReadResult[]>;
  /** Fills volumes that no VM was ever given. Repeating it changes nothing. */
  writeBlocks(siteId: string, orders: WriteOrder[]): Promise<VolumeResult[]>;
  /** What the volumes hold, as one hash of each. */
  hashVolumes(siteId: string, volumes: VolumeRef[]): Promise<HashResult[]>;
  /** Starts VMs; each order names its epoch, and is obeyed once. */
  startVms(siteId: string, orders: StartOrder[]): Promise<StartResult[]>;
  stopVms(siteId: string, orders: StopOrder[]): Promise<StopResult[]>;
  /** What the agents see of these VMs. */
  inspectVms(siteId: string, queries: ProcessRef[]): Promise<Observation[]>;
  /** Every process on these hosts, as their agents see them. A host that cannot be asked is left out. */
  listProcesses(siteId: string, hostIds: string[]): Promise<SeenHost[]>;
  /** Cuts the power through the controllers (BMC) and asks them whether it is off. */
  fenceHosts(siteId: string, hostIds: string[]): Promise<FenceResult[]>;
  powerOnHosts(siteId: string, hostIds: string[]): Promise<FenceResult[]>;
  /** Has hardware of hosts changed on site; only of those that have no power (ELA-6). Repeating it changes nothing. */
  changeHardware(siteId: string, changes: HardwareChange[]): Promise<HardwareResult[]>;
  /** Tells agents the settings of their hosts. An older version than the one they have changes nothing. */
  configureHosts(siteId: string, settings: HostSettings[]): Promise<ConfigureResult[]>;
  /** Changes VMs that run: their QoS takes effect at once (QOS-7). */
  reconfigureVms(siteId: string, orders: ReconfigureOrder[]): Promise<ConfigureResult[]>;
  /** Sets the shaping of networks, on all their ports (NET-1, QOS-5). */
  shapeNetworks(siteId: string, networks: NetworkShape[]): Promise<ConfigureResult[]>;
  /** What the VMs of a host get under their present load; only those named, or all. Null while it cannot be asked. */
  observeHost(siteId: string, hostId: string, vmIds?: string[]): Promise<HostObservation | null>;
  /** Begins to copy the memory of VMs that run to other hosts, which hold room for them. Repeating it changes nothing. */
  beginMigrations(siteId: string, orders: MigrationOrder[]): Promise<MigrationResult[]>;
  /** Pauses the VM at its source and lets it run on at the target, at one instant (MIG-2). */
  switchOver(siteId: string, orders: MigrationRef[]): Promise<SwitchResult[]>;
  /** Ends a copy that has not switched over; the VM runs on at its source (MIG-5). */
  cancelMigrations(siteId: string, orders: MigrationRef[]): Promise<CancelResult[]>;
  /** Begins to copy volumes to other datastores, or goes on with it. Repeating it brings the copy up to date (STO-5). */
  beginVolumeMoves(siteId: string, orders: VolumeMoveOrder[]): Promise<VolumeMoveResult[]>;
  /** Lets all volumes of a move stand on their new datastores at one instant, and then deletes the old copies. */
  commitVolumeMoves(siteId: string, orders: VolumeMoveRef[]): Promise<VolumeCommitResult[]>;
  /** Ends a copy that was not committed and deletes it; the volumes stay where they are. */
  cancelVolumeMoves(siteId: string, orders: VolumeMoveRef[]): Promise<VolumeCancelResult[]>;
}

/** All that is seen of a host from outside. */
export interface Heartbeat extends Signs {
  hostId: string;
  /** Guests of the host that are in trouble, as far as it can tell now; absent where none is. */
  guests?: GuestTrouble[];
}
/**
 * A guest that has stopped working while its process stands. `crashed`: the VMM has seen its panic or blue screen. `hung`:
 * its driver has been silent for longer than a stall takes; of a guest without the driver nobody can say that.
 */
export interface GuestTrouble {
  vmId: string;
  epoch: number;
  state: 'crashed' | 'hung';
  /** Since when it does nothing, ms. */
  since: number;
}
export interface ReadOrder extends VolumeRef {
  /** Index of the last block that is known; -1 for the beginning. */
  after: number;
  limit: number;
}
/** `absent`: there is no such volume; `unreachable`: its storage does not answer. */
export interface ReadResult {
  id: string;
  outcome: 'read' | 'absent' | 'unreachable';
  blocks: Block[];
  /** Blocks follow behind these. */
  more: boolean;
}
export interface WriteOrder extends VolumeRef {
  blocks: Block[];
}
/** SHA-256 over index (8 bytes), length (4 bytes) and bytes of every written block, in the order of their index. */
export interface HashResult {
  id: string;
  outcome: 'read' | 'absent' | 'unreachable';
  hash?: string;
  /** Blocks that were ever written. */
  blocks?: number;
}
export interface VolumeResult {
  id: string;
  ok: boolean;
  reason?: string;
}
export interface GrowOrder extends VolumeRef {
  sizeGiB: number;
}
/** `waits`: a copy that its writes go to must be as large first (DR-17). Of any but `done`, nothing was changed. */
export interface GrowResult {
  id: string;
  outcome: 'done' | 'waits' | 'absent' | 'unreachable';
  reason?: string;
}
export interface ProcessRef {
  vmId: string;
  hostId: string;
}
export interface StartOrder extends ProcessRef {
  epoch: number;
  /** The guest boots from then on, ms: others that it depends on serve by then. At once without it. */
  after?: number;
  /** All its disks are attached, user volumes included (HA-5). */
  machine: Machine;
  /** Version of the VM that the machine was made from: a later change is not undone by a late order. */
  version: number;
}
export interface HostSettings {
  hostId: string;
  version: number;
  overcommit: Overcommit;
  vcpuRatioPercent: number;
  swapMiB: number;
  /** What it does with its VMs when it sees nobody on the management network (HA-19). */
  isolationResponse: ClusterHa['isolationResponse'];
}
export interface ReconfigureOrder extends StartOrder {}
export interface NetworkShape {
  id: string;
  version: number;
  shaping: Shaping;
}
/** `newer`: what stands there is newer, and was kept. `absent`: there is no such process; nothing to change. */
export interface ConfigureResult {
  id: string;
  outcome: 'done' | 'newer' | 'absent' | 'unreachable';
}
/**
 * `started` and `already` carry the time from which the guest serves. `refused` means that nothing was started and says
 * why; `unreachable` that the agent could not be asked, so nothing was started either.
 */
export interface StartResult extends ProcessRef {
  outcome: 'started' | 'already' | 'refused' | 'unreachable';
  readyAt?: number;
  reason?: string;
}
export interface StopOrder extends ProcessRef {
  /** Stops processes of this epoch and older ones; a newer one is left alone. */
  epoch: number;
}
export interface StopResult extends ProcessRef {
  outcome: 'stopped' | 'absent' | 'newer' | 'unreachable';
}
/** `hostId` is the source. The VM has `epoch` there, and will have `toEpoch` at the target. */
export interface MigrationRef extends ProcessRef {
  epoch: number;
  to: string;
  toEpoch: number;
}
export interface MigrationOrder extends MigrationRef {
  /** As it will be at the target. */
  machine: Machine;
  options: MigrationOptions;
}
/** `copying`: from `switchAt` on it may be switched over. `not-converged` and `refused` say why, and change nothing. */
export interface MigrationResult extends ProcessRef {
  outcome: 'copying' | 'not-converged' | 'refused' | 'unreachable';
  switchAt?: number;
  plan?: CopyPlan;
  reason?: string;
}
/** `early`: not before `switchAt`. `switched`, now or before: the guest goes on at the target from `readyAt` on. */
export interface SwitchResult extends ProcessRef {
  outcome: 'switched' | 'early' | 'not-converged' | 'refused' | 'unreachable';
  switchAt?: number;
  readyAt?: number;
  plan?: CopyPlan;
  reason?: string;
}
/** `moved`: too late, it runs at the target. */
export interface CancelResult extends ProcessRef {
  outcome: 'cancelled' | 'moved' | 'unreachable';
}
/** What an agent sees on its host: processes, and copies of VMs that may still arrive there. */
export interface SeenHost {
  hostId: string;
  processes: SeenProcess[];
  incoming: { vmId: string; epoch: number }[];
  /** Writes of processes that were there, which volumes refused because a newer epoch had them. */
  refusedWrites: number;
}
/** One storage migration of a VM. What comes late of an older `token` has no effect. */
export interface VolumeMoveRef {
  vmId: string;
  token: number;
  /** Names of its volumes. */
  volumes: string[];
}
export interface VolumeMoveOrder extends VolumeMoveRef {
  /** Datastore for each of `volumes`. */
  to: string[];
  /** The process whose host copies; none for a VM that is stopped, whose site copies. */
  process: { hostId: string; epoch: number } | null;
  options: VolumeMoveOptions;
}
/** `copying`: from `readyAt` on it may be committed. `not-converged` and `refused` say why, and change nothing. */
export interface VolumeMoveResult {
  vmId: string;
  outcome: 'copying' | 'not-converged' | 'refused' | 'unreachable';
  readyAt?: number;
  reason?: string;
}
/** What was moved: how, and SHA-256 over names and hashes of all its volumes, at the old place and at the new one. */
export interface MovedVolumes extends VolumeMoveFigures {
  hashBefore: string;
  hashAfter: string;
}
/** `moved`, now or before. `early`: not before `readyAt`. */
export interface VolumeCommitResult {
  vmId: string;
  outcome: 'moved' | 'early' | 'not-converged' | 'refused' | 'unreachable';
  moved?: MovedVolumes;
  readyAt?: number;
  reason?: string;
}
/** `moved`: too late, the volumes stand on their new datastores. */
export interface VolumeCancelResult {
  vmId: string;
  outcome: 'cancelled' | 'moved';
  moved?: MovedVolumes;
}
export interface SeenProcess {
  vmId: string;
  epoch: number;
  state: 'starting' | 'running' | 'crashed' | 'dead';
}
export interface Observation extends ProcessRef {
  state: 'absent' | 'unreachable' | SeenProcess['state'];
  epoch?: number;
}
/** What the host has then. */
export interface HardwareChange extends Expandable {
  hostId: string;
}
export interface HardwareResult {
  hostId: string;
  outcome: 'done' | 'refused';
  reason?: string;
}
export interface FenceResult {
  hostId: string;
  outcome: 'confirmed' | 'unreachable';
}

/** The site's manager did not answer in time. Whether it did the work is not known. */
export class PortTimeout extends Error {
  constructor(siteId: string, call: string) {
    super(`site ${siteId} did not answer '${call}' in time`);
    this.name = 'PortTimeout';
  }
}

/** A call on the wire: what the site agent is invoked with. */
export interface PortCall {
  call: keyof HypervisorPort;
  siteId: string;
  args: unknown[];
}
export type PortAnswer = { ok: true; value: unknown } | { ok: false; error: 'timeout' | 'failed'; message: string };
/** Carries a call to the site agent and its answer back: Lambda invocation on AWS, in-process locally. */
export type PortTransport = (call: PortCall) => Promise<PortAnswer>;

/** Attempts of one call before PortTimeout reaches the caller. Repeating is safe by the port's contract. */
export const PORT_ATTEMPTS = 3;

/** The near end of the port. @throws PortTimeout after PORT_ATTEMPTS calls without an answer. */
export function portClient(transport: PortTransport): HypervisorPort {
  const ask = async <T>(call: keyof HypervisorPort, siteId: string, ...args: unknown[]): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await transport({ call, siteId, args });
      if (answer.ok) return answer.value as T;
      if (answer.error === 'failed') throw new Error(`site agent of ${siteId} failed at '${call}': ${answer.message}`);
      if (attempt >= PORT_ATTEMPTS) throw new PortTimeout(siteId, call);
    }
  };
  return {
    commission: (site, hosts) => ask('commission', site, hosts),
    heartbeats: (site) => ask('heartbeats', site),
    createVolumes: (site, volumes) => ask('createVolumes', site, volumes),
    deleteVolumes: (site, volumes) => ask('deleteVolumes', site, volumes),
    growVolumes: (site, orders) => ask('growVolumes', site, orders),
    readBlocks: (site, orders) => ask('readBlocks', site, orders),
    writeBlocks: (site, orders) => ask('writeBlocks', site, orders),
    hashVolumes: (site, volumes) => ask('hashVolumes', site, volumes),
    startVms: (site, orders) => ask('startVms', site, orders),
    stopVms: (site, orders) => ask('stopVms', site, orders),
    inspectVms: (site, queries) => ask('inspectVms', site, queries),
    listProcesses: (site, hostIds) => ask('listProcesses', site, hostIds),
    fenceHosts: (site, hostIds) => ask('fenceHosts', site, hostIds),
    powerOnHosts: (site, hostIds) => ask('powerOnHosts', site, hostIds),
    changeHardware: (site, changes) => ask('changeHardware', site, changes),
    configureHosts: (site, settings) => ask('configureHosts', site, settings),
    reconfigureVms: (site, orders) => ask('reconfigureVms', site, orders),
    shapeNetworks: (site, networks) => ask('shapeNetworks', site, networks),
    observeHost: (site, hostId, vmIds) => ask('observeHost', site, hostId, vmIds),
    beginMigrations: (site, orders) => ask('beginMigrations', site, orders),
    switchOver: (site, orders) => ask('switchOver', site, orders),
    cancelMigrations: (site, orders) => ask('cancelMigrations', site, orders),
    beginVolumeMoves: (site, orders) => ask('beginVolumeMoves', site, orders),
    commitVolumeMoves: (site, orders) => ask('commitVolumeMoves', site, orders),
    cancelVolumeMoves: (site, orders) => ask('cancelVolumeMoves', site, orders),
    configureGroups: (site, orders) => ask('configureGroups', site, orders),
    groupStatus: (site, groupIds) => ask('groupStatus', site, groupIds),
    cutPoints: (site, orders) => ask('cutPoints', site, orders),
    goAlone: (site, orders) => ask('goAlone', site, orders),
    stayTogether: (site, orders) => ask('stayTogether', site, orders),
    suspendLegs: (site, orders) => ask('suspendLegs', site, orders),
    demoteGroups: (site, orders) => ask('demoteGroups', site, orders),
    promoteGroups: (site, orders) => ask('promoteGroups', site, orders),
    renewLease: (site, lease) => ask('renewLease', site, lease),
    cloneGroups: (site, orders) => ask('cloneGroups', site, orders),
    divergentWrites: (site, query) => ask('divergentWrites', site, query),
    discardDivergence: (site, orders) => ask('discardDivergence', site, orders),
    dropGroups: (site, groupIds) => ask('dropGroups', site, groupIds),
  };
}
