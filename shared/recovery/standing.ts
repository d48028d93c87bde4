import type { LegStatus, Point } from '../hypervisor/replication-port.ts';
import { MINUTE } from '../kernel/clock.ts';
import { type ProtectedGroup, RPO_MINUTES } from '../model/protection.ts';
import { type Answers, type LegStanding, standingOf as legsOf } from '../replication/standing.ts';
import type { Route } from './route.ts';

/** How a group stands now where its plan leads, as far as can be known: what a failover would find. */
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
export function expectedRpoMs(group: Pick<ProtectedGroup, 'legs' | 'replication'>, route: Route): number {
  return modeTo(group, route) === 'sync' ? 0 : (group.replication.rpoMinutes ?? RPO_MINUTES.default) * MINUTE;
}

function modeTo(
  { legs, replication }: Pick<ProtectedGroup, 'legs' | 'replication'>,
  { toSiteId }: Route,
): 'sync' | 'async' {
  const leg = legs.find((l) => l.siteId === toSiteId);
  return leg?.mode ?? (toSiteId === replication.thirdSiteId ? 'async' : replication.mode);
}

/** By what its sites say; those that do not answer are missing. Pure. */
export function standingOf(group: ProtectedGroup, route: Route, answers: Answers, now: number): Standing {
  const to = legsOf(group, answers, now).filter(({ leg }) => leg.siteId === route.toSiteId);
  const found = to.find(({ leg }) => !leg.standby) ?? to[0];
  const [primary, target] = [answers.get(group.primarySiteId), answers.get(route.toSiteId)];
  const newest = found?.newest ?? target?.copy?.points.at(-1);
  const { former } = group;
  const seen: Partial<Standing> = {
    leg: found?.state ?? target?.copy?.state,
    linkUp: found?.linkUp ?? target?.copy?.linkUp,
    backlogBytes: found?.backlogBytes,
    newest,
    rpoMs: found?.lagMs ?? (newest && Math.max(0, now - newest.stateAt)),
    wouldLose:
      found?.lagMs === 0 && found.leg.mode === 'sync'
        ? { count: 0, known: 'exact' as const }
        : newest && lossOf(newest, primary?.head.sequence, target?.head.sequence),
  } as Partial<Standing>;
  return {
    groupId: group.id,
    name: group.name,
    state: group.state,
    mode: modeTo(group, route),
    expectedRpoMs: expectedRpoMs(group, route),
    heard: { primary: primary !== undefined, target: target !== undefined },
    ...Object.fromEntries(Object.entries(seen).filter(([, v]) => v !== undefined)),
    rpo: rpoOf(found),
    ...(former?.divergent && former.divergent.count > 0 && !former.divergent.discarded
      ? { divergent: { count: former.divergent.count, bytes: former.divergent.bytes, siteId: former.siteId } }
      : {}),
  };
}

function lossOf(newest: Point, primaryHead: number | undefined, toldHead: number | undefined): Standing['wouldLose'] {
  if (primaryHead !== undefined) return { count: Math.max(0, primaryHead - newest.sequence), known: 'exact' };
  return { count: Math.max(0, (toldHead ?? newest.sequence) - newest.sequence), known: 'atLeast' };
}

const rpoOf = (found: LegStanding | undefined): Standing['rpo'] =>
  found?.rpo === undefined ? 'unknown' : found.rpo === 'at risk' ? 'atRisk' : found.rpo;
