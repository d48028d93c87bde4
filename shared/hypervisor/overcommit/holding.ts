import { divideByShares } from './idle-tax.ts';
import type { MemoryVm } from './settlement.ts';

/** A VM's memory while a host is settled, MiB. */
export interface Holding {
  vm: MemoryVm;
  pinned: boolean;
  hugeMiB: number;
  /** Memory that the guest has asked for, outside huge pages. */
  wantedMiB: number;
  activeMiB: number;
  /** What no floor goes below: what a reservation keeps for it (QOS-4), or all that it has when it is pinned (MEM-12). */
  promisedMiB: number;
  sharedMiB: number;
  savedMiB: number;
  balloonedMiB: number;
  swappedMiB: number;
  blockedMiB: number;
}

/** The holding of a VM from which nothing is taken yet. `backed`: all of its size stands in memory, touched or not. */
export function holdingOf(vm: MemoryVm, backed: boolean): Holding {
  const hugeMiB = vm.hugePagesMiB ?? 0;
  const pinned = isPinned(vm);
  const wantedMiB = pinned || backed ? vm.sizeMiB - hugeMiB : vm.touchedMiB;
  return {
    vm,
    pinned,
    hugeMiB,
    wantedMiB,
    activeMiB: vm.paused ? 0 : vm.activeMiB,
    promisedMiB: pinned ? wantedMiB : Math.min(vm.reservationMiB, wantedMiB),
    sharedMiB: 0,
    savedMiB: 0,
    balloonedMiB: 0,
    swappedMiB: 0,
    blockedMiB: 0,
  };
}

/** MEM-12: no sharing, balloon or swap. */
export const isPinned = (vm: MemoryVm): boolean => vm.pinned || (vm.hugePagesMiB ?? 0) > 0;

/** Guest memory that stands in frames of the host, shared or not. */
export const backedMiB = (h: Holding): number => h.wantedMiB - h.balloonedMiB - h.swappedMiB - h.blockedMiB;

/** Frames of the host that it has, shared ones by its part. Rounding of the last bit may leave a hair below nothing. */
export const residentMiB = (h: Holding): number => Math.max(0, backedMiB(h) - h.savedMiB);

type Taken = 'balloonedMiB' | 'swappedMiB' | 'blockedMiB';
type Floor = (h: Holding) => number;

/** What can be taken from all holdings down to a floor each. */
export const takeable = (holdings: readonly Holding[], floor: Floor): number =>
  holdings.reduce((sum, h) => sum + Math.max(0, backedMiB(h) - floorOf(h, floor)), 0);

/** Takes so much from the holdings, by shares and idle tax and no further than the floors. Answers what it took. */
export function take(holdings: readonly Holding[], what: Taken, amountMiB: number, floor: Floor): number {
  if (amountMiB <= 0) return 0;
  const claims = holdings.map((h) => ({
    shares: h.vm.shares,
    activeMiB: h.activeMiB,
    floorMiB: floorOf(h, floor),
    ceilingMiB: backedMiB(h),
  }));
  const left = divideByShares(claims, claims.reduce((sum, claim) => sum + claim.ceilingMiB, 0) - amountMiB);
  let taken = 0;
  for (const [i, h] of holdings.entries()) {
    const given = (claims[i]?.ceilingMiB ?? 0) - (left[i] ?? 0);
    h[what] += given;
    taken += given;
  }
  return taken;
}

const floorOf = (h: Holding, floor: Floor): number => Math.min(floor(h), backedMiB(h));
