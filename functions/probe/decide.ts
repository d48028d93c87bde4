import type { Heartbeat } from '../../shared/hypervisor/port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
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
      return due(host, now) ? { kind: 'recover', host } : undefined;
    case 'reconciling':
      if (verdict === 'alive') return { kind: 'returned', host };
      // It went away again before it served: what waits on its incident must not wait for its reconciliation.
      return { kind: 'suspect', host, at: Math.max(host.seenAt, beat?.managementAt ?? 0) };
    case 'maintenance':
    case 'gone':
      return undefined;
  }
}

/** VMs of an incident wait, also after their host is back. */
const due = (host: Host, now: number): boolean => (host.waiting ?? 0) > 0 && now - (host.triedAt ?? 0) >= RETRY_MS;

/** A host that serves again and for whose former VMs there was no room. */
export const waitsOn = (host: Host, now: number): boolean =>
  host.state === 'online' && host.claim === undefined && due(host, now);
