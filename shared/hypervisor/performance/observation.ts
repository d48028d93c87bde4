import type { Cluster, HostHardware } from '../../model/inventory.ts';
import type { Shaping } from '../../model/qos.ts';
import type { Load, Machine } from '../machine.ts';
import type { BoundBy } from '../qos/water-filling.ts';

/** What a host is at an instant, and what runs on it: the question. */
export interface ObservedHost {
  hardware: HostHardware;
  overcommit: Cluster['overcommit'];
  /** Size of its swap partition, MiB; 0 = none (OVC-3). */
  swapMiB: number;
  /** The state that its memory was in before (OVC-6 keeps it between two thresholds). */
  memoryState: MemoryState;
}
export type MemoryState = 'high' | 'clear' | 'soft' | 'hard' | 'low';
export interface RunningVm {
  id: string;
  machine: Machine;
  load: Load;
  /** Shaping of its networks, by network id; a NIC's own shaping goes before it (QOS-5). */
  shaping: Readonly<Record<string, Shaping>>;
}

/** What every VM of a host gets under the present load, and why: the answer. MHz and MiB unless said. */
export interface HostObservation {
  cpu: { capacityMhz: number; demandedMhz: number; grantedMhz: number; overheadMhz: number };
  memory: {
    state: MemoryState;
    minFreeMiB: number;
    freeMiB: number;
    residentMiB: number;
    sharedSavedMiB: number;
    balloonedMiB: number;
    swappedMiB: number;
    hugePoolMiB: number;
    managementMiB: number;
    overheadMiB: number;
    newAllocationsBlocked: boolean;
  };
  numa: { node: number; vcpus: number; usedVcpus: number; memoryMiB: number; usedMiB: number }[];
  vms: VmObservation[];
}

export interface VmObservation {
  vmId: string;
  /** One sentence for each thing that holds it back or costs it something; says so when nothing does. */
  summary: string[];
  cpu: {
    mode: Machine['cpu']['mode'];
    vcpus: number;
    wantedMhz: number;
    grantedMhz: number;
    /** Of what was granted: what the guest's own work got, and what virtualising it took. */
    usefulMhz: number;
    overheadMhz: number;
    floorMhz: number;
    ceilingMhz: number;
    shares: number;
    boundBy: BoundBy;
    readyPercent: number;
    limitedPercent: number;
    exitsPerSecond: number;
    trapsPerSecond: number;
    translationsPerSecond: number;
    handedOverPerSecond: number;
  };
  memory: {
    sizeMiB: number;
    residentMiB: number;
    sharedMiB: number;
    balloonedMiB: number;
    swappedMiB: number;
    hostState: MemoryState;
    pageSize: Machine['memory']['pageSize'];
    scheme: 'shadow' | 'nested';
    walk: { referencesPerMiss: number; missRatio: number; referencesPerAccess: number; tlbReachMiB: number };
    /** Mean time of an access as a multiple of one to local memory that is there: NUMA and swap-ins. */
    slowdown: number;
  };
  numa: {
    nodes: { node: number; vcpus: number; memoryMiB: number }[];
    localShare: number;
    remoteShare: number;
    spilled: boolean;
    why: string;
  };
  disks: DeviceObservation[];
  nics: DeviceObservation[];
}

export interface DeviceObservation {
  name: string;
  /** The mode in effect; `fallback` says why it is not the one asked for (IO-2). */
  io: 'emulated' | 'virtio' | 'passthrough';
  fallback?: string;
  wanted: { read: number; write: number; unit: 'requests/s' | 'Mbit/s' };
  granted: { read: number; write: number };
  boundBy: string;
  path: string[];
  exitsPerSecond: number;
  hostMhz: number;
  guestMhz: number;
  latencyMicroseconds: number;
  where: string;
}
