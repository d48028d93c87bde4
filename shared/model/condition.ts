import { SECOND } from '../kernel/clock.ts';
import { armed, type ClusterHa, type Disarmed } from './ha.ts';
import type { Condition } from './inventory.ts';
import { hasRestarted, type Liveness, lastSign, livenessOf, type Verdict } from './liveness.ts';

/** What can be seen of a host from outside. */
export interface Signs {
  /** Times of the last heartbeat that arrived on each channel, ms; null when none ever did. */
  managementAt: number | null;
  storageAt: number | null;
  /** When everything that ran on it ended last: by power, its watchdog, or itself being isolated; null when never. */
  restartedAt: number | null;
  /** What its power controller (BMC) says; `unknown` when that is out of reach. */
  power: 'on' | 'off' | 'booting' | 'unknown';
  /** Whether its kernel answers a ping on the management network, whatever its agent does. */
  answersPing: boolean;
  /** Since when it sees nobody on the management network, ms, by its last storage heartbeat; null when it sees others. */
  aloneSince: number | null;
  /** Since when it does not reach its storage, ms, by its last management heartbeat; null when it does. */
  storageLostSince: number | null;
}

/** By what the hosts of a cluster are judged. */
export interface Watch {
  liveness: Liveness;
  storageLoss: ClusterHa['storageLoss'];
  /** Whether anything may be fenced and restarted. */
  armed: boolean;
  /** Whether VMs of its hosts are restarted at all: where they are not, no host is switched off that may only be cut off. */
  restarts: boolean;
}
export const watchOf = (cluster: { ha: ClusterHa; disarmed?: Disarmed }, now: number): Watch => ({
  liveness: livenessOf(cluster.ha),
  storageLoss: cluster.ha.storageLoss,
  armed: armed(cluster, now),
  restarts: cluster.ha.enabled,
});

/** A host without its storage is recovered from when that has lasted for so long, ms. Declared. */
export const STORAGE_LOSS_MS = 60 * SECOND;

/**
 * Tells apart what may be wrong with a host. The first line that fits holds:
 *
 *   management  storage    and                                                     condition
 *   heard       any        it has restarted since it is known to serve             restarted
 *   heard       any        its agent says that it has lost its storage             storageLost
 *   heard       any        -                                                       alive
 *   silent      heard      it says there that it sees nobody                       isolated
 *   silent      heard      its kernel answers a ping                               agentLost
 *   silent      heard      -                                                       partitioned
 *   silent      silent     its power controller says that it has no power or boots dead
 *   silent      silent     its power controller says that it has power             hung
 *   silent      silent     its power controller cannot be asked                    lost
 */
export function conditionOf(
  signs: Signs | undefined,
  host: { servesSince: number },
  now: number,
  { silentMs }: Liveness,
): Condition {
  const heard = (at: number | null | undefined) => at !== null && at !== undefined && now - at < silentMs;
  if (!signs) return 'lost';
  if (heard(signs.managementAt)) {
    if (hasRestarted(signs, host)) return 'restarted';
    return signs.storageLostSince === null ? 'alive' : 'storageLost';
  }
  if (heard(signs.storageAt)) {
    if (signs.aloneSince !== null) return 'isolated';
    return signs.answersPing ? 'agentLost' : 'partitioned';
  }
  if (signs.power === 'unknown') return 'lost';
  return signs.power === 'on' ? 'hung' : 'dead';
}

export interface Judgement {
  condition: Condition;
  /** `dead`: it is to be fenced, and its VMs start elsewhere. `partitioned`: it is watched, and nothing is restarted. */
  verdict: Verdict;
  /**
   * The fence that is tried first. `agent`: it can be asked to stop all that it runs. `itself`: its signs are the
   * confirmation, since they say that all it ran has ended, and nothing can be started on it while its agent is away.
   */
  fence?: 'agent' | 'itself';
}

/**
 * Since when what a host ran has surely served nobody, ms: it restarted, lost its storage, or gave its last sign of life on
 * either channel.
 */
export function faultSince(signs: Signs | undefined, host: { seenAt: number; servesSince: number }): number {
  if (signs && hasRestarted(signs, host)) return signs.restartedAt as number;
  return signs?.storageLostSince ?? lastSign(signs, host.seenAt);
}

/** What follows from a host's condition (HA-6, HA-19). Pure. */
export function judge(signs: Signs | undefined, host: { servesSince: number }, now: number, watch: Watch): Judgement {
  const condition = conditionOf(signs, host, now, watch.liveness);
  switch (condition) {
    case 'alive':
      return { condition, verdict: 'alive' };
    case 'restarted':
      return { condition, verdict: 'dead', fence: 'agent' };
    case 'storageLost': {
      const due = now - (signs?.storageLostSince ?? now) >= STORAGE_LOSS_MS;
      if (due && watch.storageLoss === 'recover') return { condition, verdict: 'dead', fence: 'agent' };
      return { condition, verdict: 'partitioned' };
    }
    case 'agentLost':
    case 'partitioned':
    case 'isolated':
      // It says itself that all it is believed to run has ended: by a restart, or because it was isolated.
      if (hasRestarted(signs, host)) return { condition, verdict: 'dead', fence: 'itself' };
      return { condition, verdict: 'partitioned' };
    case 'dead':
      // It boots: what it ran is gone, and nothing can be started on it yet.
      if (signs?.power === 'booting') return { condition, verdict: 'dead', fence: 'itself' };
      return { condition, verdict: 'dead' };
    case 'hung':
    case 'lost': {
      // Nothing would be gained by its fence: its lease is waited for, after which it has surely stopped itself.
      const heardAt = Math.max(signs?.managementAt ?? 0, signs?.storageAt ?? 0);
      if (!watch.restarts && now - heardAt < watch.liveness.leaseMs) return { condition, verdict: 'partitioned' };
      return { condition, verdict: 'dead' };
    }
  }
}

/** What a condition is in an incident's timeline. */
export const CONDITION_WORDS: Record<Condition, string> = {
  alive: 'heartbeats are back',
  restarted: 'it has restarted meanwhile: what it ran is gone',
  storageLost: 'it is heard on the management network, and has lost its storage',
  agentLost: 'its storage heartbeat goes on and its kernel answers: only its agent is lost',
  partitioned: 'its storage heartbeat goes on: only the management network is lost',
  isolated: 'its storage heartbeat goes on and says that it sees nobody: it is isolated',
  hung: 'no heartbeat on either channel, and its power controller says that it has power: it hangs',
  dead: 'no heartbeat on either channel, and its power controller says that it has no power or just boots',
  lost: 'no heartbeat on either channel, and its power controller is out of reach',
};
