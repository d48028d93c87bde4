import type { Cluster, HostHardware } from '../../model/inventory.ts';
import type { Shaping } from '../../model/qos.ts';
import type { Load, Machine } from '../machine.ts';
import type { MemoryState } from '../overcommit/states.ts';
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
export type { MemoryState };
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
    /** Of what was granted: what the guest's own work got, and what virtualising it and its devices took. */
    usefulMhz: number;
    overheadMhz: number;
    floorMhz: number;
    ceilingMhz: number;
    shares: number;
    boundBy: BoundBy;
    readyPercent: number;
    limitedPercent: number;
    /** Those of its devices included. */
    exitsPerSecond: number;
    trapsPerSecond: number;
    translationsPerSecond: number;
    handedOverPerSecond: number;
  };
  memory: {
    sizeMiB: number;
    /** Memory of the host that it has: its part of shared frames, and huge pages, included. */
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
  /** A NIC reads what it receives and writes what it sends. */
  wanted: { read: number; write: number; unit: 'requests/s' | 'Mbit/s' };
  granted: { read: number; write: number };
  /** `demand` when it gets what it wants; otherwise what keeps it from more, of each direction where they differ. */
  boundBy: string;
  /** The hops of a request, from the application to the hardware. */
  path: string[];
  exitsPerSecond: number;
  hostMhz: number;
  guestMhz: number;
  /** Mean time of a request once the caps have let it through. */
  latencyMicroseconds: number;
  /** Where the CPU time of a request arises, as a sentence. */
  where: string;
}
