import type { FunctionHold } from '../hypervisor/io/devices.ts';
import type { Load, Machine } from '../hypervisor/machine.ts';
import type { MemoryState } from '../hypervisor/performance/observation.ts';
import type { HostSettings, MovedVolumes, NetworkShape } from '../hypervisor/port.ts';
import type { FaultKind } from '../model/fault.ts';
import type { HostHardware } from '../model/inventory.ts';
import type { MigrationOptions, VolumeMoveOptions } from '../model/migration.ts';
import type { Key } from '../store/tables.ts';

/** What stands in the World table. `kind` is the hash key of the index that lists things of a kind. */
export interface WorldHost extends HostHardware {
  kind: 'host';
  commissionedAt: number;
  /** Power orders that the controller (BMC) has obeyed, oldest first. */
  bmc: { at: number; power: 'on' | 'off' }[];
  /** What the manager has told its agent; without it nothing is overcommitted. */
  settings?: Omit<HostSettings, 'hostId'>;
  /** What it does when it sees nobody, with the instants at which it was told so, oldest first; at first leaveOn. */
  isolation?: { at: number; response: HostSettings['isolationResponse'] }[];
  /** The state that its memory manager was in when last looked at (OVC-6). */
  memoryState?: MemoryState;
}

/** A VM process. It is never removed: the record of the last one on a host makes late orders harmless. */
export interface WorldProcess {
  kind: 'process';
  vmId: string;
  hostId: string;
  siteId: string;
  epoch: number;
  startedAt: number;
  readyAt: number;
  /** Since when the guest in it lives, where that is longer than the process: it arrived here while it ran. */
  guestSince?: number;
  stoppedAt?: number;
  /** Absent where an order to stop came before any start. */
  machine?: Machine;
  /** Version of the VM that `machine` was made from. */
  version?: number;
  /** Functions of the host's cards that are assigned to it (IO-3). */
  functions?: FunctionHold[];
  workload?: Partial<Load>;
  /** Its writes that volumes refused, since its epoch was stale. */
  refused?: number;
  /** While its memory is copied to another host. */
  migration?: Departure;
  /** The newest migration that was called off: an order to begin it comes too late. */
  cancelled?: number;
  /** It runs on there, since it stopped here. */
  movedTo?: { hostId: string; epoch: number };
}

/** A live migration, at its source. When it may switch over follows from it and the guest's load. */
export interface Departure {
  to: string;
  /** Epoch with which it will run there. */
  epoch: number;
  startedAt: number;
  options: MigrationOptions;
}

/** What a target holds for a VM whose memory arrives (MIG-6). */
export interface WorldIncoming {
  kind: 'incoming';
  vmId: string;
  hostId: string;
  from: string;
  epoch: number;
  at: number;
  machine: Machine;
}

/** A port group of a site's distributed switch (NET-2). */
export interface WorldNetwork extends NetworkShape {
  kind: 'network';
  siteId: string;
}

/** A disk. Accepts writes only from the highest epoch that it has granted. */
export interface WorldVolume {
  kind: 'volume';
  id: string;
  vmId: string;
  name: string;
  siteId: string;
  datastoreId: string;
  sizeGiB: number;
  /** Where its blocks stand: its own id, until it was moved to another datastore. */
  extent?: string;
  /**
   * It is not persistent: writes of the guest go beside it, to a place that each start has anew. Numbered by the epoch of
   * that start; it goes along with a live migration.
   */
  session?: number;
  /** The one before, whose blocks may not be cleared yet. */
  formerSession?: number;
  /** While it is copied to another datastore. */
  move?: VolumeCopy;
  /** The last move that came to its end, which late orders of it must find. */
  moved?: EndedMove;
  /** Highest epoch granted; 0 before the first start. */
  leaseEpoch: number;
  leaseHost?: string;
  /** Number of the last write. */
  sequence: number;
  /** The group whose writes have one order with those of this volume (DR-6). */
  group?: string;
  /** Of a copy for a DR test: the point that it was last filled from. */
  clonedAt?: number;
  /** Writes refused because their epoch was stale. */
  refused: number;
}

/** A storage migration of a volume. When it may be committed follows from it and the guest's load. */
export interface VolumeCopy {
  token: number;
  to: string;
  /** Where the copy stands. */
  extent: string;
  startedAt: number;
  process: { hostId: string; epoch: number } | null;
  options: VolumeMoveOptions;
}
/** `done`: it was committed, and its old blocks stand in `left` until they are deleted. */
export interface EndedMove {
  token: number;
  done?: MovedVolumes;
  left?: string;
}

export interface WorldBlock {
  index: number;
  data: Uint8Array;
  sequence: number;
  at: number;
}

/** A fault holds in [at, until). An ended fault stays on record: what it did to the world still follows from it. */
export interface Fault {
  kind: 'fault';
  id: string;
  fault: FaultKind;
  target: string;
  at: number;
  until?: number;
}

/** Index of the World table by kind. */
export const BY_KIND_INDEX = 'by-kind';

export const worldKeys = {
  host: (id: string): Key => ({ pk: `HOST#${id}`, sk: '-' }),
  process: (hostId: string, vmId: string): Key => ({ pk: `HOST#${hostId}`, sk: `PROC#${vmId}` }),
  incoming: (hostId: string, vmId: string): Key => ({ pk: `HOST#${hostId}`, sk: `IN#${vmId}` }),
  network: (siteId: string, id: string): Key => ({ pk: `NET#${siteId}`, sk: id }),
  /** A volume of one name may stand in two sites while its VM moves from one to the other. */
  volume: (siteId: string, vmId: string, name: string): Key => ({ pk: `VM#${vmId}`, sk: `VOL#${siteId}#${name}` }),
  block: (extent: string, index: number): Key => ({ pk: `VOL#${extent}`, sk: String(index).padStart(12, '0') }),
  fault: (id: string): Key => ({ pk: 'FAULT', sk: id }),
};

export const keyOfVolume = (volume: Pick<WorldVolume, 'siteId' | 'vmId' | 'name'>): Key =>
  worldKeys.volume(volume.siteId, volume.vmId, volume.name);
