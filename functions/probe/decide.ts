import type { Heartbeat } from '../../shared/hypervisor/port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import { judge, type Watch, watchOf } from '../../shared/model/condition.ts';
import { flaps, flapsWith, steady } from '../../shared/model/flapping.ts';
import { DEFAULT_HA } from '../../shared/model/ha.ts';
import type { Incident } from '../../shared/model/incident.ts';
import type { Condition, Host } from '../../shared/model/inventory.ts';

/** VMs that wait for capacity are tried again at this period, ms. HA-14: cycle 20 s (worked example E3). */
export const RETRY_MS = 20 * SECOND;

/**
 * What is to be done about a host, with its condition as it was found. `noted`: nothing but to believe the condition.
 * What each of them changes in what is believed of the host says `believed`.
 */
export type Finding = { host: Host; condition: Condition } & (
  | { kind: 'suspect'; at: number }
  | { kind: 'back' }
  | { kind: 'returned' }
  | { kind: 'recover' }
  | { kind: 'noted' }
);

const DEFAULT_WATCH = watchOf({ ha: DEFAULT_HA }, 0);

/** What the signs mean for one host. Pure: belief and signs in, at most one finding out. */
export function decide(
  host: Host,
  beat: Heartbeat | undefined,
  now: number,
  watch: Watch = DEFAULT_WATCH,
): Finding | undefined {
  if (host.claim !== undefined) return undefined;
  const { condition, verdict } = judge(beat, host, now, watch);
  const found = { host, condition };
  const noted: Finding | undefined =
    (host.condition ?? 'alive') === condition ? undefined : { ...found, kind: 'noted' };
  const suspect: Finding = { ...found, kind: 'suspect', at: Math.max(host.seenAt, beat?.managementAt ?? 0) };
  const recover: Finding | undefined = watch.armed ? { ...found, kind: 'recover' } : noted;
  // It can be asked, and reaches its storage. That it has restarted is no news of a host that runs nothing.
  const answers = condition === 'alive' || condition === 'restarted';
  const returned: Finding = { host, condition: 'alive', kind: 'returned' };
  switch (host.state) {
    case 'online':
      return verdict === 'alive' ? noted : suspect;
    case 'suspect':
      if (verdict === 'dead') return recover;
      return verdict === 'alive' && steady(host, now) ? { ...found, kind: 'back' } : noted;
    case 'fencing':
      return recover;
    case 'fenced':
      if (answers) return returned;
      return host.callsRecovery ? recover : noted;
    case 'reconciling':
      // One that went away again before it served: what waits on its incident must not wait for its reconciliation.
      return answers ? returned : suspect;
    case 'maintenance':
    case 'gone':
      return undefined;
  }
}

/** What a finding changes in what is believed of its host, besides what is done about it. */
export const believed = (
  { host, condition, kind }: Pick<Finding, 'host' | 'condition' | 'kind'>,
  now: number,
): Pick<Host, 'condition' | 'conditionAt' | 'flaps'> => ({
  ...((host.condition ?? 'alive') === condition && kind !== 'suspect' ? {} : { condition, conditionAt: now }),
  ...(kind === 'suspect' ? { flaps: flapsWith(host, now) } : {}),
  // Steady at last, or it failed in earnest: it begins anew.
  ...(kind !== 'suspect' && kind !== 'noted' && flaps(host) ? { flaps: [] } : {}),
});

/** A host that serves, and to which a VM was brought that is to be recovered. */
export const callsRecovery = (host: Host, watch: Pick<Watch, 'armed'> = DEFAULT_WATCH): boolean =>
  watch.armed && host.state === 'online' && host.claim === undefined && host.callsRecovery !== undefined;

/** An incident on which nothing works, and that asks for another pass. Pure. */
export const isDue = (incident: Incident, now: number, watch: Pick<Watch, 'armed'> = DEFAULT_WATCH): boolean =>
  watch.armed &&
  incident.claim === undefined &&
  (incident.due === true || (incident.waiting > 0 && now - (incident.triedAt ?? 0) >= RETRY_MS));
