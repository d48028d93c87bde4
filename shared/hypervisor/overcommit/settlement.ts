import type { ContentRun } from './content.ts';
import type { SharingScope } from './sharing.ts';
import type { MemoryState, Technique } from './states.ts';

/** A host and how its memory may be overcommitted. */
export interface MemoryHost {
  physicalMiB: number;
  /** Taken by the management domain, with the processes and page tables of the VMs (declared). */
  managementMiB: number;
  /** Set aside for VMs on huge pages (MEM-12). */
  hugePoolMiB: number;
  /** The answer of the settlement before; `high` for a host that has just started. */
  previous: MemoryState;
  overcommit: {
    enabled: boolean;
    /** Memory of VMs at most, in percent of what the host has for them (OVC-5). */
    ratioPercent: number;
    sharing: 'off' | SharingScope;
    balloon: boolean;
    /** Size of the swap partition; 0 = none (OVC-3). */
    swapMiB: number;
  };
}

export interface MemoryVm {
  id: string;
  tenantId: string;
  /** What the guest sees. It never changes here (OVC-1). */
  sizeMiB: number;
  reservationMiB: number;
  /** Weight under contention (MEM-15). */
  shares: number;
  /** What the guest has used at any time since its start. */
  touchedMiB: number;
  /** Its working set, a part of what it has touched. */
  activeMiB: number;
  /** Passthrough: all of its memory stays where it is. A VM on huge pages is pinned anyway (MEM-12). */
  pinned: boolean;
  /** The part of its memory that lies in the pool of huge pages. */
  hugePagesMiB?: number;
  /** What stands in the memory that it has touched; without it nothing of it is shared. */
  runs?: readonly ContentRun[];
  /** A paused guest uses nothing, and its balloon driver does not run. */
  paused?: boolean;
}

/**
 * `touched = resident + saved + ballooned + swapped + blocked`, MiB. A VM that is pinned or on a host without overcommit
 * has all of its size in place of what it touched.
 */
export interface VmMemory {
  id: string;
  /** Memory that it has on the host, its part of shared frames included, huge pages of the pool not. */
  residentMiB: number;
  touchedMiB: number;
  /** Pages of it whose frame another page uses too. */
  sharedMiB: number;
  /** Its part of the frames that sharing saves. */
  savedMiB: number;
  balloonedMiB: number;
  swappedMiB: number;
  /** Memory that it asked for and the host could not back: the guest waits for it. */
  blockedMiB: number;
  /** Memory of the pool of huge pages that it has. */
  hugePagesMiB: number;
  /** Memory that it may have now: its size, or what it has left where some was taken from it. */
  targetMiB: number;
  why: string;
}

export interface ReclaimStep {
  technique: Technique;
  reclaimedMiB: number;
  /** The state of the host once this is reclaimed. */
  state: MemoryState;
}

/** The memory of a host at one instant. `physical = management + huge pool + resident + overhead + free` (OVC-7). */
export interface Settlement {
  state: MemoryState;
  minFreeMiB: number;
  freeMiB: number;
  /** Of all VMs, shared frames counted once, the pool of huge pages not counted. */
  residentMiB: number;
  savedBySharingMiB: number;
  swappedMiB: number;
  balloonedMiB: number;
  /** What sharing itself needs. */
  overheadMiB: number;
  newAllocationsBlocked: boolean;
  /** Memory that guests wait for: nothing could be reclaimed for it, and it is never handed out. */
  shortfallMiB: number;
  vms: VmMemory[];
  /** In the order in which they were taken; empty with plenty of free memory (OVC-6). */
  steps: ReclaimStep[];
}
