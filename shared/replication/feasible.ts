import type { Refusal } from '../hypervisor/refusal.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../kernel/clock.ts';
import type { ReplicationSpec } from '../model/protection.ts';

/** A first copy that would take longer is refused: nothing would be protected for so long, ms. Declared, the longest RPO. */
const INITIAL_COPY_MAX_MS = 31 * DAY;
const BITS = 8;
const GIB = 2 ** 30;
const MEGA = 1e6;

/** Points are cut so often, ms: half of the RPO is for waiting, the other half for sending (DR-5). */
export const periodMsOf = (rpoMinutes: number): number => (rpoMinutes * MINUTE) / 2;

/** How long the first copy takes at most, ms: were all disks full, and the link never less than promised. */
export const initialCopyMs = (gib: number, mbps: number, windows: ReplicationSpec['windows'] = []): number =>
  ((gib * GIB * BITS) / (mbps * MEGA)) * SECOND * (24 / hoursOf(windows).filter(Boolean).length);

/** The longest time in which nothing is sent, ms; 0 without windows. */
export function longestPauseMs(windows: ReplicationSpec['windows'] = []): number {
  const sends = hoursOf(windows);
  let longest = 0;
  let pause = 0;
  // Twice round the clock, as a pause may go over midnight.
  for (const hour of [...sends, ...sends]) {
    pause = hour ? 0 : pause + 1;
    longest = Math.max(longest, Math.min(pause, 24));
  }
  return longest * HOUR;
}

/** For each hour of the day whether it is sent in. A window that ends where it begins is the whole day. */
function hoursOf(windows: NonNullable<ReplicationSpec['windows']>): boolean[] {
  return Array.from({ length: 24 }, (_, hour) => windows.length === 0 || windows.some((w) => within(w, hour)));
}
const within = ({ fromHour, toHour }: { fromHour: number; toHour: number }, hour: number): boolean =>
  fromHour < toHour ? hour >= fromHour && hour < toHour : hour >= fromHour || hour < toHour;

/**
 * Why an asynchronous leg cannot keep an RPO (DR-5, DR-22): what is written within a period must be sent within half of the
 * RPO, pauses included, and there must be a first copy some day.
 */
export function rpoRefusals(question: {
  rpoMinutes: number;
  mbps: number;
  latencyMs: number;
  windows?: ReplicationSpec['windows'];
  /** What the VMs write now, MB/s. */
  writeMBps: number;
  /** Size of all disks. */
  gib: number;
}): Refusal[] {
  const { rpoMinutes, mbps, latencyMs, windows, writeMBps, gib } = question;
  const found: Refusal[] = [];
  const half = periodMsOf(rpoMinutes);
  const pauseMs = longestPauseMs(windows);
  if (pauseMs > half)
    found.push({
      rule: 'DR-5',
      reason: `nothing is sent for ${pauseMs / HOUR} hours, and an RPO of ${rpoMinutes} minutes leaves ${half / MINUTE} minutes for it`,
      fix: `widen the windows, or expect an RPO of ${(2 * pauseMs) / MINUTE} minutes`,
      figures: { rpoMinutes, pauseMinutes: pauseMs / MINUTE, allowedMinutes: half / MINUTE },
    });
  const linkMBps = mbps / BITS;
  const transferMs = (half * writeMBps) / linkMBps + latencyMs;
  if (transferMs > half)
    found.push({
      rule: 'DR-22',
      reason: `the VMs write ${writeMBps.toFixed(1)} MB/s: what comes together in ${half / MINUTE} minutes takes ${Math.ceil(transferMs / SECOND)} s over ${mbps} Mbit/s, and must take ${half / SECOND} s at most`,
      fix: `give the group more than ${Math.ceil(writeMBps * BITS)} Mbit/s`,
      figures: {
        writeMBps: Number(writeMBps.toFixed(1)),
        linkMBps,
        transferSeconds: Math.ceil(transferMs / SECOND),
        allowedSeconds: half / SECOND,
        neededMbps: Math.ceil(writeMBps * BITS) + 1,
      },
    });
  const firstMs = initialCopyMs(gib, mbps, windows);
  if (firstMs > INITIAL_COPY_MAX_MS)
    found.push({
      rule: 'DR-22',
      reason: `the first copy of ${gib} GiB takes ${Math.ceil(firstMs / DAY)} days over ${mbps} Mbit/s, and may take ${INITIAL_COPY_MAX_MS / DAY}`,
      fix: 'give the group more of the link, or protect fewer VMs with it',
      figures: { gib, mbps, days: Math.ceil(firstMs / DAY), allowedDays: INITIAL_COPY_MAX_MS / DAY },
    });
  return found;
}
