import type { GroupStatus, LegStatus, Point } from '../hypervisor/replication-port.ts';
import { MINUTE } from '../kernel/clock.ts';
import { type ProtectedGroup, RPO_MINUTES } from '../model/protection.ts';
import { outlook } from '../replication/rpo.ts';
import type { Route } from './route.ts';

/** What the sites of a group say of it; undefined for one that does not answer, or has no copy. */
export interface Seen {
  primary?: GroupStatus;
  target?: GroupStatus;
}

/** How a group stands now, as far as can be known: what a failover would find. */
export interface Standing {
  groupId: string;
  name: string;
  state: ProtectedGroup['state'];
  mode: 'sync' | 'async';
  expectedRpoMs: number;
  /** Which sites have answered. */
  heard: { primary: boolean; target: boolean };
  leg?: LegStatus['state'];
  linkUp?: boolean;
  backlogBytes?: number;
  newest?: Point;
  /** Age of the newest state that is complete at the recovery site, ms; 0 where an acknowledged write is at both. */
  rpoMs?: number;
  rpo: 'met' | 'atRisk' | 'violated' | 'unknown';
  /** Acknowledged writes that would be lost now. `atLeast`: the primary could not be asked. */
  wouldLose?: { count: number; known: 'exact' | 'atLeast' };
  /** Writes of a former primary that nobody has discarded yet (DR-14). */
  divergent?: { count: number; bytes: number; siteId: string };
}

/** What is promised where the route leads, ms: nothing is lost of a synchronous leg (DR-4). */
export function expectedRpoMs(
  { legs, replication }: Pick<ProtectedGroup, 'legs' | 'replication'>,
  route: Route,
): number {
  const mode = modeTo({ legs, replication }, route);
  return mode === 'sync' ? 0 : (replication.rpoMinutes ?? RPO_MINUTES.default) * MINUTE;
}

function modeTo(
  { legs, replication }: Pick<ProtectedGroup, 'legs' | 'replication'>,
  { toSiteId }: Route,
): 'sync' | 'async' {
  const leg = legs.find((l) => l.siteId === toSiteId);
  return leg?.mode ?? (toSiteId === replication.thirdSiteId ? 'async' : replication.mode);
}

/** Pure. */
export function standingOf(group: ProtectedGroup, route: Route, { primary, target }: Seen, now: number): Standing {
  const mode = modeTo(group, route);
  const expected = expectedRpoMs(group, route);
  const leg = primary?.legs.find((l) => l.siteId === route.toSiteId);
  const newest = target?.copy?.points.at(-1) ?? leg?.newest;
  const synced = mode === 'sync' && (leg?.state ?? target?.copy?.state) === 'synced';
  const rpoMs = synced ? 0 : newest && Math.max(0, now - newest.stateAt);
  const { former } = group;
  return {
    groupId: group.id,
    name: group.name,
    state: group.state,
    mode,
    expectedRpoMs: expected,
    heard: { primary: primary !== undefined, target: target !== undefined },
    ...optional({
      leg: leg?.state ?? target?.copy?.state,
      linkUp: leg?.linkUp ?? target?.copy?.linkUp,
      backlogBytes: leg?.backlogBytes,
      newest,
      rpoMs,
    }),
    rpo: synced ? 'met' : rpoState(newest, leg, mode === 'sync' ? 0 : expected, now),
    ...optional({
      wouldLose: synced
        ? { count: 0, known: 'exact' as const }
        : newest && lossOf(newest, primary?.head.sequence, target?.head.sequence),
    }),
    ...(former?.divergent && former.divergent.count > 0 && !former.divergent.discarded
      ? { divergent: { count: former.divergent.count, bytes: former.divergent.bytes, siteId: former.siteId } }
      : {}),
  };
}

const optional = <T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };

function lossOf(newest: Point, primaryHead: number | undefined, toldHead: number | undefined): Standing['wouldLose'] {
  if (primaryHead !== undefined) return { count: Math.max(0, primaryHead - newest.sequence), known: 'exact' };
  return { count: Math.max(0, (toldHead ?? newest.sequence) - newest.sequence), known: 'atLeast' };
}

/** DR-5: from points, not from bandwidth. A synchronous leg that is behind keeps no promise. */
function rpoState(newest: Point | undefined, leg: LegStatus | undefined, rpoMs: number, now: number): Standing['rpo'] {
  if (!newest) return leg ? 'violated' : 'unknown';
  if (rpoMs === 0) return 'violated';
  const begunAt = leg?.begunAt ?? now;
  const expectedDurationMs = Math.max(1, (leg?.usableAt ?? begunAt) - begunAt);
  const seen = outlook([newest], rpoMs, Math.max(now, newest.usableAt), { expectedDurationMs, startedAt: begunAt });
  return seen.state === 'at risk' ? 'atRisk' : seen.state;
}
