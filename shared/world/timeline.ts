import type { FaultKind } from '../model/fault.ts';
import { GUEST_SHUTDOWN_MS, HEARTBEAT_MS, HOST_BOOT_MS, ISOLATION_MS, WATCHDOG_MS } from './constants.ts';
import type { Fault, WorldHost } from './records.ts';

/**
 * The truth about one host as a function of time: nothing ticks, everything follows from the faults and the power
 * orders on record. All spans are half open, [from, to).
 */
export interface Span {
  from: number;
  to: number;
}
export interface HostTimeline {
  /** No power. */
  off: Span[];
  /** Power, but not serving yet. */
  booting: Span[];
  /** The kernel stands still. */
  hung: Span[];
  /** The management network, or the agent, is cut off. */
  managementLost: Span[];
  /** The management network is cut off: its kernel cannot be pinged either. */
  networkLost: Span[];
  /** Its own link is down: it sees nobody. */
  alone: Span[];
  storageLost: Span[];
  bmcLost: Span[];
  /** Instants at which everything that ran on the host died. */
  kills: number[];
}

const FOREVER = Number.POSITIVE_INFINITY;

export function hostTimeline(host: WorldHost, faults: readonly Fault[]): HostTimeline {
  const spans = (...kinds: FaultKind[]): Span[] =>
    merge(
      faults
        .filter(
          (f) =>
            kinds.includes(f.fault) && (f.target === host.id || f.target === host.siteId || f.target === host.rack),
        )
        .map((f) => ({ from: f.at, to: f.until ?? FOREVER })),
    );
  const off = merge([...spans('host-power-loss', 'site-loss'), ...bmcOff(host)]);
  const networkLost = spans('management-partition', 'nic-down', 'site-loss');
  const managementLost = merge([...networkLost, ...spans('agent-lost')]);
  const alone = spans('nic-down');
  const storageLost = spans('storage-partition', 'site-loss');
  // Switching a host off ends its hang; and a watchdog that has no power does not count on.
  const untilOff = (s: Span): Span => ({ ...s, to: Math.min(s.to, off.find((o) => o.from >= s.from)?.from ?? s.to) });
  const { hung, resets: fired } = watchdog(
    spans('host-hang').map(untilOff),
    intersect(managementLost, storageLost).map(untilOff),
  );
  const resets = fired.filter((at) => !within(off, at));
  const booting = merge([
    ...off.filter((s) => s.to !== FOREVER).map((s) => ({ from: s.to, to: s.to + HOST_BOOT_MS })),
    ...resets.map((at) => ({ from: at, to: at + HOST_BOOT_MS })),
  ]);
  const stops = alone.map(untilOff).flatMap((s) => isolationStop(host, s, hung));
  const ends = [...off.map((s) => s.from), ...resets, ...stops.filter((at) => !within(off, at))];
  const kills = [...new Set(ends)].sort((a, b) => a - b);
  const bmcLost = spans('bmc-unreachable', 'site-loss');
  return { off, booting, hung, managementLost, networkLost, alone, storageLost, bmcLost, kills };
}

/**
 * The host's own watchdog (HA-7). Heartbeats that get through, on either channel, keep it quiet: it fires when there was
 * none for so long, because the host stood still or because both channels were cut, one after the other counting together.
 * It cures a hang. What is left of a cut then counts no more: nothing runs that could be started only through it.
 */
function watchdog(hangs: readonly Span[], cuts: readonly Span[]): { hung: Span[]; resets: number[] } {
  const resets: number[] = [];
  const hung: Span[] = [];
  let left = [...hangs.map((s) => ({ ...s, hang: true })), ...cuts.map((s) => ({ ...s, hang: false }))]
    .filter((s) => s.from < s.to)
    .sort((a, b) => a.from - b.from);
  for (;;) {
    const at = firstSilence(left);
    hung.push(...left.filter((s) => s.hang && s.from < at).map((s) => ({ from: s.from, to: Math.min(s.to, at) })));
    if (at === FOREVER) return { hung: merge(hung), resets };
    resets.push(at);
    left = left.filter((s) => s.from >= at);
  }
}

/** When no heartbeat has got through for the watchdog's time for the first time; spans are sorted by their beginning. */
function firstSilence(spans: readonly Span[]): number {
  let from = 0;
  let to = Number.NEGATIVE_INFINITY;
  for (const span of spans) {
    // Between two silences a beat must have its instant, or they are one.
    const nextBeat = Math.ceil(to / HEARTBEAT_MS) * HEARTBEAT_MS;
    if (nextBeat < span.from) [from, to] = [span.from, span.to];
    else to = Math.max(to, span.to);
    if (to - from >= WATCHDOG_MS) return from + WATCHDOG_MS;
  }
  return FOREVER;
}

const ISOLATION_DELAY_MS = {
  leaveOn: FOREVER,
  powerOff: ISOLATION_MS,
  shutDown: ISOLATION_MS + GUEST_SHUTDOWN_MS,
} as const;

/** When a host that sees nobody has stopped its VMs (HA-19). It does not once it sees others, nor while it hangs. */
function isolationStop(host: WorldHost, alone: Span, hung: readonly Span[]): number[] {
  const told = host.isolation?.findLast((i) => i.at <= alone.from)?.response ?? 'leaveOn';
  const due = alone.from + ISOLATION_DELAY_MS[told];
  const at = hung.find((s) => s.from <= due && due < s.to)?.to ?? due;
  return at <= alone.to && at !== FOREVER ? [at] : [];
}

function bmcOff(host: WorldHost): Span[] {
  const spans: Span[] = [];
  let from: number | undefined;
  for (const order of host.bmc) {
    if (order.power === 'off') from ??= order.at;
    else if (from !== undefined) {
      spans.push({ from, to: order.at });
      from = undefined;
    }
  }
  if (from !== undefined) spans.push({ from, to: FOREVER });
  return spans;
}

export const within = (spans: readonly Span[], at: number): boolean => spans.some((s) => s.from <= at && at < s.to);

export const powerAt = (t: HostTimeline, at: number): 'on' | 'off' | 'booting' =>
  within(t.off, at) ? 'off' : within(t.booting, at) ? 'booting' : 'on';

/** Whether the host executes instructions. */
export const serves = (t: HostTimeline, at: number): boolean => powerAt(t, at) === 'on' && !within(t.hung, at);

/** Whether the agent on the host can be asked. */
export const agentReachable = (t: HostTimeline, at: number): boolean => serves(t, at) && !within(t.managementLost, at);

/** The last heartbeat that was sent and could arrive at or before `at`, or null when there never was one. */
export function lastHeartbeat(
  t: HostTimeline,
  channel: 'management' | 'storage',
  host: WorldHost,
  at: number,
): number | null {
  const silent = merge([
    ...t.off,
    ...t.booting,
    ...t.hung,
    ...(channel === 'management' ? t.managementLost : t.storageLost),
  ]);
  let beat = Math.floor(at / HEARTBEAT_MS) * HEARTBEAT_MS;
  for (let i = silent.length - 1; i >= 0; i--) {
    const span = silent[i] as Span;
    if (span.from <= beat && beat < span.to) beat = Math.ceil(span.from / HEARTBEAT_MS) * HEARTBEAT_MS - HEARTBEAT_MS;
  }
  return beat < host.commissionedAt ? null : beat;
}

/** Sorted, with overlapping and touching spans joined. */
export function merge(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    if (span.from >= span.to) continue;
    const last = out[out.length - 1];
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else out.push({ ...span });
  }
  return out;
}

export function intersect(a: readonly Span[], b: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const x of a) for (const y of b) out.push({ from: Math.max(x.from, y.from), to: Math.min(x.to, y.to) });
  return merge(out);
}
