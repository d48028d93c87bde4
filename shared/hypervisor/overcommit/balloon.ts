import { type Holding, take, takeable } from './holding.ts';
import { effort } from './states.ts';

/**
 * What a balloon leaves a VM: what it actively uses, what is reserved for it, and shared pages, which give no whole frame
 * back. The driver of a paused guest does not run (OVC-1).
 */
const floor = (h: Holding): number => (h.vm.paused ? h.wantedMiB : Math.max(h.activeMiB, h.promisedMiB, h.sharedMiB));

/** Takes back memory that guests do not use (OVC-1), the more the deeper the host is in soft. Answers MiB. */
export const inflateBalloons = (holdings: readonly Holding[], freeMiB: number, minFreeMiB: number): number =>
  take(holdings, 'balloonedMiB', effort('soft', freeMiB, minFreeMiB, takeable(holdings, floor)), floor);
