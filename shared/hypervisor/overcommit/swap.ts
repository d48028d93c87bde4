import { MEMORY_ACCESS_MICROSECONDS, SWAP_IN_MICROSECONDS } from '../parameters.ts';
import { type Holding, take, takeable } from './holding.ts';
import type { VmMemory } from './settlement.ts';
import { effort } from './states.ts';

/** Shared pages stay: one of them gives no whole frame back. */
const keepsWorking = (h: Holding): number => Math.max(h.activeMiB, h.promisedMiB, h.sharedMiB);
const keepsReserved = (h: Holding): number => Math.max(h.promisedMiB, h.sharedMiB);

/**
 * Moves memory to the swap partition (OVC-2), the more the deeper the host is in hard: first what guests do not use, then
 * what they do, never what is reserved. Answers MiB, at most the size of the partition.
 */
export function swapOut(holdings: readonly Holding[], freeMiB: number, minFreeMiB: number, swapMiB: number): number {
  const available = Math.min(swapMiB, takeable(holdings, keepsReserved));
  const amount = effort('hard', freeMiB, minFreeMiB, available);
  const idle = Math.min(amount, takeable(holdings, keepsWorking));
  return take(holdings, 'swappedMiB', idle, keepsWorking) + take(holdings, 'swappedMiB', amount - idle, keepsReserved);
}

export interface Slowdown {
  /** Share of the VM's accesses that find their page on the swap partition. */
  hitShare: number;
  /** Mean time of an access, microseconds. */
  accessMicroseconds: number;
  /** Times the access of a VM without swapped pages. */
  factor: number;
}

/**
 * What swap costs a VM (OVC-2): a VM without swapped pages pays nothing. Accesses are uniform over its working set
 * (declared), and what it does not use lies on the partition first.
 */
export function slowdownOf(
  vm: Pick<VmMemory, 'touchedMiB' | 'balloonedMiB' | 'swappedMiB'> & { activeMiB: number },
): Slowdown {
  const idleMiB = Math.max(0, vm.touchedMiB - vm.balloonedMiB - vm.activeMiB);
  const hitShare = vm.activeMiB === 0 ? 0 : Math.min(1, Math.max(0, vm.swappedMiB - idleMiB) / vm.activeMiB);
  const accessMicroseconds = MEMORY_ACCESS_MICROSECONDS + hitShare * SWAP_IN_MICROSECONDS;
  return { hitShare, accessMicroseconds, factor: accessMicroseconds / MEMORY_ACCESS_MICROSECONDS };
}
