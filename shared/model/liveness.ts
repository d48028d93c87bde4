import { SECOND } from '../kernel/clock.ts';
import { type ClusterHa, DEFAULT_HA, type FormerLease } from './ha.ts';

/**
 * Times that decide over life and death. They must keep their order (HA-7, worked example E1): a host that has lost both
 * channels stops itself (watchdog) before its lease ends, and nothing is started elsewhere before that.
 */
export interface Liveness {
  /** A channel that was silent for so long has missed its heartbeats, ms. */
  silentMs: number;
  /** The host's own watchdog, ms. */
  watchdogMs: number;
  /** From the last sign of life on either channel, ms. */
  leaseMs: number;
}
/** Of every host, ms. HA-7: watchdog 60 s. */
const HOST_WATCHDOG_MS = 60 * SECOND;

/** The times of a cluster. @throws when they do not keep their order. */
export const livenessOf = (ha: Pick<ClusterHa, 'silentSeconds' | 'leaseSeconds'>): Liveness =>
  mustKeepOrder({
    silentMs: ha.silentSeconds * SECOND,
    watchdogMs: HOST_WATCHDOG_MS,
    leaseMs: ha.leaseSeconds * SECOND,
  });

/** Three heartbeats of 2 s missed; with a probe every 5 s a dead host is found within 2 + 6 + 5 = 13 s. */
export const LIVENESS: Liveness = livenessOf(DEFAULT_HA);

/** The longest lease that was promised to a host since its last sign of life, ms: a change shortens none that runs. */
export const leaseInForce = (
  { ha, formerLeases = [] }: { ha: ClusterHa; formerLeases?: readonly FormerLease[] },
  seenAt: number,
): number =>
  Math.max(livenessOf(ha).leaseMs, ...formerLeases.filter((f) => seenAt <= f.until).map((f) => f.seconds * SECOND));

/** @throws when watchdog < lease does not hold: such a configuration could run a VM twice. */
export function mustKeepOrder(l: Liveness): Liveness {
  if (!(l.silentMs < l.watchdogMs && l.watchdogMs < l.leaseMs)) {
    throw new Error(`silent (${l.silentMs} ms) < watchdog (${l.watchdogMs} ms) < lease (${l.leaseMs} ms) must hold`);
  }
  return l;
}

export type Verdict = 'alive' | 'partitioned' | 'dead';

/** HA-6: only silence on both channels makes a host dead; on the management network alone it is only out of reach. */
export function assess(
  beat: { managementAt: number | null; storageAt: number | null } | undefined,
  now: number,
  l: Liveness = LIVENESS,
): Verdict {
  const fresh = (at: number | null | undefined) => at !== null && at !== undefined && now - at < l.silentMs;
  if (fresh(beat?.managementAt)) return 'alive';
  return fresh(beat?.storageAt) ? 'partitioned' : 'dead';
}

/** It serves, but not without a break: what it is believed to run died at `restartedAt`. */
export const hasRestarted = (
  beat: { restartedAt: number | null } | undefined,
  host: { servesSince: number },
): boolean => (beat?.restartedAt ?? 0) > host.servesSince;

/** The last sign of life on either channel, ms; `before` when there is no newer one. */
export const lastSign = (
  beat: { managementAt: number | null; storageAt: number | null } | undefined,
  before: number,
): number => Math.max(before, beat?.managementAt ?? 0, beat?.storageAt ?? 0);
