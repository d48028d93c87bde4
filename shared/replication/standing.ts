import type { CopyStatus, GroupStatus, LegStatus, Point } from '../hypervisor/replication-port.ts';
import { MINUTE, SECOND } from '../kernel/clock.ts';
import type { GroupLeg, ProtectedGroup } from '../model/protection.ts';
import { type Outlook, outlook } from './rpo.ts';

/** What the sites of a group have answered; those that did not are missing. */
export type Answers = ReadonlyMap<string, GroupStatus | undefined>;

/** How far a leg is, as far as anybody could say. */
export interface LegStanding {
  leg: GroupLeg;
  /** Absent while neither end answers. */
  state?: LegStatus['state'];
  linkUp?: boolean;
  backlogBytes?: number;
  points: Point[];
  newest?: Point;
  /** VMs that the newest point does not hold, as their first copy is under way. */
  lacks?: string[];
  /** Age of the newest state that could be used at the target now, ms; absent while there is none, or nobody can say. */
  lagMs?: number;
  rpo?: Outlook['state'];
  /** When the RPO will be, or was, broken unless something newer arrives, ms. */
  brokenAt?: number;
}

/** A transfer whose length nobody knows yet takes so long, ms: as long as it takes to notice. */
const LEAST_TRANSFER_MS = SECOND;
const BITS = 8;
const MEGA = 1e6;

/** What is promised for a leg, ms; 0 where each acknowledged write is at both ends. */
export const promisedMs = ({ mode }: Pick<GroupLeg, 'mode'>, group: Pick<ProtectedGroup, 'replication'>): number =>
  mode === 'sync' ? 0 : (group.replication.rpoMinutes ?? 0) * MINUTE;

/** How far the legs of a group are. Pure. */
export const standingOf = (
  group: Pick<ProtectedGroup, 'legs' | 'replication' | 'primarySiteId'>,
  answers: Answers,
  now: number,
): LegStanding[] => group.legs.map((leg) => legStanding(leg, group, answers, now));

function legStanding(
  leg: GroupLeg,
  group: Pick<ProtectedGroup, 'replication' | 'primarySiteId'>,
  answers: Answers,
  now: number,
): LegStanding {
  const sent = sentBy(leg, group, answers);
  const there = answers.get(leg.siteId)?.copy;
  const held = there && there.from === leg.from ? there : undefined;
  const either: LegStatus | CopyStatus | undefined = sent ?? held;
  if (!either) return { leg, points: held?.points ?? [] };
  const points = held?.points ?? (sent?.newest ? [sent.newest] : []);
  const newest = points.filter((p) => p.usableAt <= now).at(-1);
  const base: LegStanding = {
    leg,
    state: either.state,
    linkUp: either.linkUp && (held?.linkUp ?? true),
    ...(sent ? { backlogBytes: sent.backlogBytes } : {}),
    points,
    ...(newest ? { newest } : {}),
    ...(either.lacks ? { lacks: either.lacks } : {}),
  };
  if (leg.standby) return base;
  if (leg.mode === 'sync' && either.state === 'synced') return { ...base, lagMs: 0, rpo: 'met' };
  const lag = newest ? { lagMs: Math.max(0, now - newest.stateAt) } : {};
  if (leg.mode === 'sync')
    return { ...base, ...lag, ...(either.state === 'initial' ? {} : { rpo: 'violated' as const }) };
  if (either.state === 'initial' || !newest) return { ...base, ...lag };
  const { state, brokenAt } = outlook(points, promisedMs(leg, group), now, transferOf(sent, leg, now));
  return { ...base, ...lag, rpo: state, brokenAt };
}

/** The primary tells of all legs, as far as it can; the one that feeds a leg knows best. */
const sentBy = (leg: GroupLeg, { primarySiteId }: Pick<ProtectedGroup, 'primarySiteId'>, answers: Answers) =>
  [leg.from, primarySiteId]
    .flatMap((siteId) => answers.get(siteId)?.legs ?? [])
    .find((l) => l.siteId === leg.siteId && l.from === leg.from);

/** How long the transfer takes that is under way, or would take if it began now. */
function transferOf(sent: LegStatus | undefined, leg: GroupLeg, now: number) {
  if (sent?.usableAt !== undefined && sent.begunAt !== undefined && sent.usableAt > sent.begunAt)
    return { expectedDurationMs: sent.usableAt - sent.begunAt, startedAt: sent.begunAt };
  const ms = (((sent?.backlogBytes ?? 0) * BITS) / (leg.mbps * MEGA)) * SECOND;
  return { expectedDurationMs: Math.max(LEAST_TRANSFER_MS, ms), startedAt: now };
}

/** Where a group goes on when sites are lost, and what that costs. */
interface AfterLoss {
  lost: string[];
  siteId?: string;
  lossMs?: number;
  why: string;
}

/**
 * Who is protected after which loss (DR-18): each site by itself, and with three centres the two that are near each other.
 * What cannot be said as nobody answers is not promised.
 */
export function afterLoss(
  group: Pick<ProtectedGroup, 'legs' | 'primarySiteId' | 'replication'>,
  standing: readonly LegStanding[],
): AfterLoss[] {
  const { primarySiteId: primary, legs } = group;
  const targets = [...new Set(legs.map((l) => l.siteId))];
  const near = targets[0];
  const losses = [[primary], ...targets.map((t) => [t])];
  if (targets.length > 1 && near !== undefined) losses.push([primary, near]);
  return losses.map((lost) =>
    lost.includes(primary) ? takesOver(lost, targets, standing) : goesOn(lost, primary, group),
  );
}

function goesOn(
  lost: string[],
  primary: string,
  { legs, replication }: Pick<ProtectedGroup, 'legs' | 'replication'>,
): AfterLoss {
  const sync = legs.some((l) => lost.includes(l.siteId) && l.mode === 'sync');
  const held = sync && replication.onLinkLoss === 'holdBack';
  return {
    lost,
    siteId: primary,
    lossMs: 0,
    why: held
      ? 'nothing is lost; the guests are held back until the site is there again, as the policy says'
      : 'nothing is lost; the guests go on where they are, without that copy',
  };
}

function takesOver(lost: string[], targets: readonly string[], standing: readonly LegStanding[]): AfterLoss {
  const able = standing.filter((s) => !lost.includes(s.leg.siteId) && s.lagMs !== undefined && !s.leg.standby);
  const [best] = able.sort((a, b) => (a.lagMs ?? 0) - (b.lagMs ?? 0));
  if (best)
    return {
      lost,
      siteId: best.leg.siteId,
      lossMs: best.lagMs ?? 0,
      why:
        best.lagMs === 0
          ? `each acknowledged write is at ${best.leg.siteId} too`
          : `${best.leg.siteId} has everything up to its newest point`,
    };
  const left = targets.filter((t) => !lost.includes(t));
  if (left.length === 0) return { lost, why: 'there is no other copy' };
  const unknown = standing.some((s) => left.includes(s.leg.siteId) && s.state === undefined);
  return {
    lost,
    why: unknown
      ? `nobody can say how far the copy at ${left.join(', ')} is`
      : `the first copy is not complete at ${left.join(', ')}`,
  };
}
