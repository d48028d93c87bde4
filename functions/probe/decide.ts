import type { Heartbeat } from '../../shared/hypervisor/port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import type { Incident } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { assess, hasRestarted, LIVENESS, type Liveness } from '../../shared/model/liveness.ts';

/** VMs that wait for capacity are tried again at this period, ms. HA-14: cycle 20 s (worked example E3). */
export const RETRY_MS = 20 * SECOND;

export type Finding =
  | { kind: 'suspect'; host: Host; at: number }
  | { kind: 'back'; host: Host }
  | { kind: 'returned'; host: Host }
  | { kind: 'recover'; host: Host };

/** What the heartbeats mean for one host. Pure: belief and signs in, at most one finding out. */
export function decide(
  host: Host,
  beat: Heartbeat | undefined,
  now: number,
  liveness: Liveness = LIVENESS,
): Finding | undefined {
  if (host.claim !== undefined) return undefined;
  const verdict = assess(beat, now, liveness);
  switch (host.state) {
    case 'online':
      if (verdict !== 'alive' || hasRestarted(beat, host))
        return { kind: 'suspect', host, at: Math.max(host.seenAt, beat?.managementAt ?? 0) };
      return undefined;
    case 'suspect':
      if (verdict === 'alive') return hasRestarted(beat, host) ? { kind: 'recover', host } : { kind: 'back', host };
      return verdict === 'dead' ? { kind: 'recover', host } : undefined;
    case 'fencing':
      return { kind: 'recover', host };
    case 'fenced':
      if (verdict === 'alive') return { kind: 'returned', host };
      return host.callsRecovery ? { kind: 'recover', host } : undefined;
    case 'reconciling':
      if (verdict === 'alive') return { kind: 'returned', host };
      // It went away again before it served: what waits on its incident must not wait for its reconciliation.
      return { kind: 'suspect', host, at: Math.max(host.seenAt, beat?.managementAt ?? 0) };
    case 'maintenance':
    case 'gone':
      return undefined;
  }
}

/** A host that serves, and to which a VM was brought that is to be recovered. */
export const callsRecovery = (host: Host): boolean =>
  host.state === 'online' && host.claim === undefined && host.callsRecovery !== undefined;

/** An incident on which nothing works, and that asks for another pass. Pure. */
export const isDue = (incident: Incident, now: number): boolean =>
  incident.claim === undefined &&
  (incident.due === true || (incident.waiting > 0 && now - (incident.triedAt ?? 0) >= RETRY_MS));
