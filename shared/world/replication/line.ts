import { HOUR } from '../../kernel/clock.ts';
import type { FaultKind } from '../../model/fault.ts';
import type { Fault } from '../records.ts';
import { merge, type Span, within } from '../timeline.ts';

/** Share of its rate that a degraded link still carries. Declared. */
const DEGRADED_SHARE = 0.1;
/** Bytes per millisecond in a megabit per second. */
const BYTES_PER_MS = 125;
/** What a message without content takes, bytes: its head. Declared. */
export const MESSAGE_BYTES = 512;

/**
 * The way from one site to another as a function of time: nothing ticks, all follows from the faults on record. Of what is
 * to come nothing is known: a fault that will end is there for good until it has.
 */
export interface Line {
  latencyMs: number;
  /** What the group may use of it, bytes per ms. */
  rate: number;
  /** The sites do not hear each other. */
  silent: Span[];
  /** Nothing can be sent: they do not, or the storage at one end is lost. */
  blocked: Span[];
  slow: Span[];
  windows: readonly { fromHour: number; toHour: number }[];
}

interface LineEnds {
  from: string;
  to: string;
  link: { id: string; latencyMs: number; mbps: number };
  /** Datastores and volumes at both ends. */
  storage: readonly string[];
  windows?: readonly { fromHour: number; toHour: number }[];
}

export function lineOf(ends: LineEnds, faults: readonly Fault[], now: number): Line {
  const known = faults.filter((f) => f.at <= now);
  const spans = (targets: readonly string[], ...kinds: FaultKind[]): Span[] =>
    known
      .filter((f) => kinds.includes(f.fault) && targets.includes(f.target))
      .map((f) => ({ from: f.at, to: f.until !== undefined && f.until <= now ? f.until : Number.POSITIVE_INFINITY }));
  const silent = merge([...spans([ends.link.id], 'link-cut'), ...spans([ends.from, ends.to], 'site-loss')]);
  return {
    latencyMs: ends.link.latencyMs,
    rate: ends.link.mbps * BYTES_PER_MS,
    silent,
    blocked: merge([...silent, ...spans(ends.storage, 'datastore-loss', 'disk-error')]),
    slow: merge(spans([ends.link.id], 'link-degraded')),
    windows: ends.windows ?? [],
  };
}

/** Whether the two sites hear each other. */
export const hears = (line: Line, at: number): boolean => !within(line.silent, at);
export const carries = (line: Line, at: number): boolean => !within(line.blocked, at) && inWindow(line, at);

/** Since when they do not hear each other, or undefined. */
export const silentSince = (line: Line, at: number): number | undefined =>
  line.silent.find((s) => s.from <= at && at < s.to)?.from;

/** The last instant, not after `at`, of which the far end can have heard; what happened then took the latency to get there. */
export const lastHeard = (line: Line, at: number): number => (silentSince(line, at) ?? at) - line.latencyMs;

const inWindow = ({ windows }: Line, at: number): boolean => {
  if (windows.length === 0) return true;
  const hour = Math.floor(at / HOUR) % 24;
  return windows.some(({ fromHour, toHour }) =>
    fromHour < toHour ? fromHour <= hour && hour < toHour : hour >= fromHour || hour < toHour,
  );
};

const rateAt = (line: Line, at: number): number =>
  carries(line, at) ? line.rate * (within(line.slow, at) ? DEGRADED_SHARE : 1) : 0;

/** The next instant after `at` at which the rate may be another one. */
function nextChange(line: Line, at: number): number {
  const edges = [...line.blocked, ...line.slow].flatMap((s) => [s.from, s.to]).filter((edge) => edge > at);
  const hour = line.windows.length > 0 ? (Math.floor(at / HOUR) + 1) * HOUR : Number.POSITIVE_INFINITY;
  return Math.min(hour, ...edges);
}

/** Whether nothing is sent any more from then on, as things are known. */
const endsBlocked = (line: Line, at: number): boolean =>
  line.blocked.some((s) => s.from <= at && s.to === Number.POSITIVE_INFINITY);

/** When so many bytes, of which the first is sent at `from`, have left; infinite when they never will. */
export function sentAt(line: Line, from: number, bytes: number): number {
  let [at, left] = [from, bytes];
  for (;;) {
    const rate = rateAt(line, at);
    const next = nextChange(line, at);
    if (rate > 0 && at + left / rate <= next) return at + left / rate;
    if (next === Number.POSITIVE_INFINITY || (rate === 0 && endsBlocked(line, at))) return Number.POSITIVE_INFINITY;
    left -= rate * (next - at);
    at = next;
  }
}

/** Bytes that can have left between two instants. */
export function sentBetween(line: Line, from: number, to: number): number {
  let [at, bytes] = [from, 0];
  while (at < to) {
    const next = Math.min(to, nextChange(line, at));
    bytes += rateAt(line, at) * (next - at);
    at = next;
  }
  return bytes;
}
