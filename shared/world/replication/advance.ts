import type { Point } from '../../hypervisor/replication-port.ts';
import { coalescedBytes } from './journal.ts';
import { hears, type Line, MESSAGE_BYTES, sentAt, silentSince } from './line.ts';
import type { Feed, JournalEntry, WorldCopy } from './records.ts';

/** What a feed is seen against. */
export interface Ground {
  line: Line;
  now: number;
  /** Writes after what the copy holds, in order, as far as its source has them. */
  entries: readonly JournalEntry[];
  /** The last write that its source holds; a primary holds all. A secondary sends on only what it has itself (cascade). */
  available: number;
  /** Of a copy that is fed by another copy: the whole history, and the line by which that one is fed. */
  beyond?: { writes: readonly JournalEntry[]; line: Line | undefined };
}
interface Advanced {
  feed: Feed;
  /** What the volumes of the copy may hold by now. */
  holds: number;
}

/**
 * Where a copy stands at an instant: a closed function of its writes, of the line and of what was on its way when it was
 * looked at last. Pure; looking more often changes nothing.
 */
export function advance(copy: Pick<WorldCopy, 'sequence'> & { feed: Feed }, ground: Ground): Advanced {
  const { feed } = copy;
  if (feed.state === 'suspended' || feed.state === 'synced') return { feed, holds: copy.sequence };
  return feed.mode === 'sync' ? inOrder(feed, copy.sequence, ground) : byPoints(feed, copy.sequence, ground);
}

/** Of a synchronous leg that is behind: write by write, so that what is there is consistent at every instant (DR-6). */
function inOrder(feed: Feed, holds: number, { line, now, entries }: Ground): Advanced {
  let { sending, free, sentBytes, points, state } = feed;
  if (sending) {
    const end = sentAt(line, sending.begunAt, sending.bytes + MESSAGE_BYTES);
    if (end + line.latencyMs > now) return { feed, holds };
    free = { sequence: Math.max(free.sequence, sending.sequence), at: end };
    points = [{ sequence: sending.sequence, stateAt: sending.stateAt, usableAt: Math.ceil(end + line.latencyMs) }];
    sentBytes += sending.bytes;
    sending = undefined;
  }
  for (const entry of entries) {
    if (entry.sequence <= free.sequence) continue;
    const end = sentAt(line, Math.max(free.at, entry.at), entry.data.length + MESSAGE_BYTES);
    if (end + line.latencyMs > now) break;
    free = { sequence: entry.sequence, at: end };
    points = [{ sequence: entry.sequence, stateAt: entry.at, usableAt: Math.ceil(end + line.latencyMs) }];
    sentBytes += entry.data.length;
  }
  const usable = free.sequence >= feed.usableFrom;
  if (usable) state = 'behind';
  const { sending: _, ...rest } = feed;
  return {
    feed: { ...rest, state, free, sentBytes, points: usable ? points : [], ...(sending ? { sending } : {}) },
    holds: Math.max(holds, free.sequence),
  };
}

/** Of an asynchronous leg: one point after the other (algorithm 7). Each is a state of the whole group at one instant. */
function byPoints(feed: Feed, holds: number, { line, now, entries, available, beyond }: Ground): Advanced {
  let { sending, points, sentBytes, nextCutAt, cuts, state } = feed;
  let idleSince = Math.max(feed.startedAt, points.at(-1)?.usableAt ?? 0);
  const lastOf = () => points.at(-1)?.sequence ?? holds;
  for (;;) {
    if (sending && sending.sequence > available) {
      // Its source has to have it first.
      sending = { ...sending, begunAt: now };
      break;
    }
    if (sending) {
      const end = Math.ceil(sentAt(line, sending.begunAt, sending.bytes + MESSAGE_BYTES) + line.latencyMs);
      if (end > now) break;
      points = kept(
        [...points, { sequence: sending.sequence, stateAt: sending.stateAt, usableAt: end }],
        feed.keepPoints,
      );
      sentBytes += sending.bytes;
      sending = undefined;
      state = 'behind';
      idleSince = end;
    }
    const asked = cuts[0];
    const due = asked ? asked.stateAt : nextCutAt;
    const begunAt = Math.max(due, idleSince);
    if (begunAt > now || (asked && asked.sequence > available)) break;
    const stateAt = asked ? asked.stateAt : begunAt;
    const from = lastOf();
    const sequence = asked?.sequence ?? entries.findLast((e) => e.at <= stateAt)?.sequence ?? from;
    const bytes = coalescedBytes(entries.filter((e) => e.sequence > from && e.sequence <= sequence));
    const upTo = Math.max(from, sequence);
    sending = { sequence: upTo, stateAt: asked ? stateAt : asOf(upTo, stateAt, beyond), bytes, begunAt };
    if (asked) cuts = cuts.slice(1);
    else nextCutAt += Math.max(1, Math.floor((stateAt - nextCutAt) / feed.periodMs) + 1) * feed.periodMs;
  }
  const { sending: _, ...rest } = feed;
  const after = { ...rest, state, points, sentBytes, nextCutAt, cuts, ...(sending ? { sending } : {}) };
  return { feed: after, holds: Math.max(holds, points[0]?.sequence ?? 0) };
}

/**
 * What a point that was cut at the end of a cascade says of the primary: not the instant of the cut, but that of the oldest
 * write which the copy between did not have, or since when that one had heard nothing.
 */
function asOf(sequence: number, cutAt: number, beyond: Ground['beyond']): number {
  if (!beyond) return cutAt;
  const missing = beyond.writes.find((e) => e.sequence > sequence && e.at <= cutAt);
  const silent = beyond.line && silentSince(beyond.line, cutAt);
  return Math.min(cutAt, missing?.at ?? cutAt, silent ?? cutAt);
}

/** The newest ones; a point without a new write takes the place of the one before. */
function kept(points: readonly Point[], most: number): Point[] {
  const [last, before] = [points.at(-1), points.at(-2)];
  const merged = last && before && last.sequence === before.sequence ? [...points.slice(0, -2), last] : points;
  return merged.slice(-most);
}

/** Points that a copy could be promoted at, oldest first. In a synchronous pair nothing is missing since it heard last. */
export function pointsOf(copy: Pick<WorldCopy, 'sequence'> & { feed: Feed }, line: Line, now: number): Point[] {
  const { feed } = copy;
  if (feed.state !== 'synced') return feed.state === 'initial' ? [] : feed.points;
  const at = silentSince(line, now) ?? now;
  return [{ sequence: copy.sequence, stateAt: at, usableAt: at }];
}

/** When all of these writes will be there, as things are now, ms; infinite when they will not. */
export function arrivalOf(feed: Feed, upTo: number, { line, now, entries, available }: Ground): number {
  if (feed.state === 'synced') return now;
  if (upTo > available) return Number.POSITIVE_INFINITY;
  if (feed.state === 'suspended') return Number.POSITIVE_INFINITY;
  const there = feed.mode === 'sync' ? feed.free.sequence : (feed.points.at(-1)?.sequence ?? -1);
  if (there >= upTo && !feed.sending && feed.state !== 'initial') return now;
  const underWay = feed.sending
    ? sentAt(line, feed.sending.begunAt, feed.sending.bytes + MESSAGE_BYTES)
    : Math.max(now, feed.free.at);
  if (feed.sending && feed.sending.sequence >= upTo) return Math.ceil(underWay + line.latencyMs);
  const from = feed.sending ? feed.sending.sequence : there;
  const waiting = entries.filter((e) => e.sequence > from && e.sequence <= upTo);
  const bytes =
    feed.mode === 'async'
      ? coalescedBytes(waiting) + MESSAGE_BYTES
      : waiting.reduce((sum, e) => sum + e.data.length + MESSAGE_BYTES, 0);
  return Math.ceil(sentAt(line, underWay, bytes) + line.latencyMs);
}

/** Whether a synchronous leg has caught up and may take part in each write again. */
export const inStep = (feed: Feed, head: number, line: Line, now: number): boolean =>
  feed.mode === 'sync' &&
  feed.state === 'behind' &&
  !feed.sending &&
  feed.free.sequence >= Math.max(head, feed.usableFrom) &&
  hears(line, now);
