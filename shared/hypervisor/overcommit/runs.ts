import type { ContentRun } from './content.ts';
import type { SharingScope } from './sharing.ts';

export interface SharingGuest {
  id: string;
  tenantId: string;
  runs: readonly ContentRun[];
}
/** All in pages of 4 KiB. */
export interface GuestSaving {
  /** Pages of the guest whose frame another page uses too. */
  shared: number;
  /** Its part of the saving: a frame that n pages use saves 1 - 1/n for each of them. */
  saved: number;
}
export interface Saving {
  pages: number;
  frames: number;
  /** In the order of the guests. */
  guests: GuestSaving[];
}

interface Use {
  guest: GuestSaving;
  run: ContentRun;
}

/**
 * The frames that guests need when all equal pages share (OVC-4), by the union of intervals of page numbers: what
 * `SharedMemory` counts, for hosts with too many pages to look at. Leave pinned VMs out (MEM-12).
 */
export function sharedSaving(guests: readonly SharingGuest[], scope: SharingScope): Saving {
  const bySource = new Map<string, Use[]>();
  const savings = guests.map(({ tenantId, runs }) => {
    const guest: GuestSaving = { shared: 0, saved: 0 };
    for (const run of runs) {
      const key = scope === 'tenant' ? `${run.source} ${tenantId}` : run.source;
      const uses = bySource.get(key);
      if (uses === undefined) bySource.set(key, [{ guest, run }]);
      else uses.push({ guest, run });
    }
    return guest;
  });
  let pages = 0;
  let frames = 0;
  for (const uses of bySource.values()) {
    for (const { run } of uses) pages += run.pages;
    frames += uses[0]?.run.source === 'zero' ? shareOne(uses) : shareIntervals(uses);
  }
  return { pages, frames, guests: savings };
}

/** All pages are equal. Answers the frames. */
function shareOne(uses: readonly Use[]): number {
  const total = uses.reduce((sum, { run }) => sum + run.pages, 0);
  if (total < 2) return total;
  for (const { guest, run } of uses) {
    guest.shared += run.pages;
    guest.saved += run.pages * (1 - 1 / total);
  }
  return 1;
}

/** Pages are equal when their numbers are. Answers the frames. */
function shareIntervals(uses: readonly Use[]): number {
  if (uses.length === 1) return (uses[0] as Use).run.pages;
  const change = new Map<number, number>();
  for (const { run } of uses) {
    if (run.pages === 0) continue;
    change.set(run.offset, (change.get(run.offset) ?? 0) + 1);
    change.set(run.offset + run.pages, (change.get(run.offset + run.pages) ?? 0) - 1);
  }
  // What lies below each boundary, so that a run takes the difference of two of them.
  const below = new Map<number, GuestSaving>();
  let frames = 0;
  let [shared, saved, users, last] = [0, 0, 0, 0];
  for (const at of [...change.keys()].sort((a, b) => a - b)) {
    const length = at - last;
    if (users > 0) frames += length;
    if (users > 1) {
      shared += length;
      saved += length * (1 - 1 / users);
    }
    below.set(at, { shared, saved });
    users += change.get(at) as number;
    last = at;
  }
  for (const { guest, run } of uses) {
    const [from, to] = [below.get(run.offset), below.get(run.offset + run.pages)];
    if (from === undefined || to === undefined) continue;
    guest.shared += to.shared - from.shared;
    guest.saved += to.saved - from.saved;
  }
  return frames;
}
