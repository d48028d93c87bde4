import type { GroupStatus, LegStatus } from '../hypervisor/replication-port.ts';
import { MINUTE } from '../kernel/clock.ts';
import type { FormerPrimary, GroupLeg, GroupState, ProtectedGroup } from '../model/protection.ts';
import { type Answers, type LegStanding, standingOf } from './standing.ts';

/** Alarms of a group, by what they say. */
export const ALARM = {
  error: 'group-error',
  violated: 'rpo-violated',
  atRisk: 'rpo-at-risk',
  alone: 'sync-copy-behind',
  divergent: 'divergent-writes',
} as const;
export const ALARMS: readonly string[] = Object.values(ALARM);

/** What the sites do not do is told them again so often, ms: each time is an operation. Declared. */
export const TAKE_UP_MS = MINUTE;
/** A star does not go back to its own leg before it has stayed with the other one for so long, ms. Declared. */
export const HOME_MS = 3 * MINUTE;

/** What the watch finds to be done about a group. */
export type Finding =
  /** Guests are held back, and the policy lets them go on: noted first, then told. */
  | { kind: 'goAlone'; sites: string[]; order: number; noted: boolean }
  /** The synchronous copy takes part in each write again. */
  | { kind: 'together'; sites: string[]; order: number }
  /** It is not kept up to date any more. */
  | { kind: 'error'; event: 'linkDown' | 'datastoreFault' | 'syncFailed'; reason: string }
  /** It is again, or for the first time. */
  | { kind: 'complete'; event: 'syncDone' | 'repaired' }
  /** The sites do not do yet what was asked: an operation tells them once more. */
  | { kind: 'takeUp' }
  /** DR-18, star: what stands by takes the place of a leg that is down. */
  | { kind: 'reroute'; legs: GroupLeg[] }
  /** A former primary still believes that it may write. */
  | { kind: 'demote'; siteId: string; epoch: number }
  /** What a former primary says, now that it can be asked (DR-14). */
  | { kind: 'former'; former: FormerPrimary }
  /** Whether alarms stand; of what nobody could say nothing is said. */
  | { kind: 'alarm'; code: string; raised: boolean; text: string };

/** Active legs of which the sites were told. */
const activeOf = ({ legs }: Pick<ProtectedGroup, 'legs'>): GroupLeg[] => legs.filter((leg) => !leg.standby);

const statusOf = (leg: GroupLeg, { legs }: Pick<GroupStatus, 'legs'>): LegStatus | undefined =>
  legs.find((l) => l.siteId === leg.siteId && l.from === leg.from);

/**
 * Whether every copy is usable, and holds all members: in a synchronous pair each write is in both; an asynchronous one has a complete point that
 * is not older than `since`, ms. By the word of a primary that has obeyed the newest order.
 */
export const isComplete = (
  group: Pick<ProtectedGroup, 'legs' | 'orderVersion' | 'epoch'>,
  status: Pick<GroupStatus, 'legs' | 'version' | 'epoch' | 'role'>,
  since: number,
): boolean =>
  status.role === 'primary' &&
  status.epoch === group.epoch &&
  status.version >= group.orderVersion &&
  activeOf(group).every((leg) => {
    const found = statusOf(leg, status);
    if (!found || found.state === 'initial' || found.state === 'suspended' || found.lacks?.length) return false;
    return leg.mode === 'sync'
      ? found.state === 'synced'
      : (found.newest?.stateAt ?? Number.NEGATIVE_INFINITY) >= since;
  });

/** In these an execution of a plan has the group: it alone changes its state, and what is sent. */
const SWITCHING: readonly GroupState[] = [
  'migrating',
  'failingOver',
  'reprotecting',
  'partiallyReprotected',
  'invalid',
  'partiallyRecovered',
];

/** What is to be done about a group by what its sites say. Pure; whoever acts on it does so under the version that was read. */
export function decideGroup(group: ProtectedGroup, answers: Answers, now: number): Finding[] {
  if (group.state === 'unprotected') return [];
  const former = formerFinding(group, answers);
  if (group.state === 'invalid' && group.legs.length > 0) return [...former, ...betweenSwitches(group, answers, now)];
  if (SWITCHING.includes(group.state)) return former;
  const standing = standingOf(group, answers, now);
  const primary = answers.get(group.primarySiteId);
  return [
    ...former,
    ...aloneFindings(group, primary),
    ...(group.claim === undefined ? stateFindings(group, answers, standing, now) : []),
    ...rpoAlarms(group, standing),
  ];
}

/** Until it is protected again, a switched group may have a third site that goes on being fed: that one is watched. */
function betweenSwitches(group: ProtectedGroup, answers: Answers, now: number): Finding[] {
  const primary = answers.get(group.primarySiteId);
  const open = primary?.role === 'primary' && primary.version < group.orderVersion && group.claim === undefined;
  return [...(open ? takeUp(group, now) : []), ...rpoAlarms(group, standingOf(group, answers, now))];
}

const takeUp = ({ takenUpAt = Number.NEGATIVE_INFINITY }: ProtectedGroup, now: number): Finding[] =>
  now - takenUpAt < TAKE_UP_MS ? [] : [{ kind: 'takeUp' }];

/**
 * Guests of a synchronous pair are held back while one half cannot be reached. Only the primary's word counts, of the epoch
 * that was given: another one has no right to go on.
 */
function aloneFindings(group: ProtectedGroup, primary: GroupStatus | undefined): Finding[] {
  if (primary?.role !== 'primary' || primary.epoch !== group.epoch) return [];
  const sync = activeOf(group).filter((leg) => leg.mode === 'sync');
  if (sync.length === 0) return [];
  const synced = sync.every((leg) => statusOf(leg, primary)?.state === 'synced');
  const name = group.name;
  if (primary.writes === 'held-back' && group.replication.onLinkLoss !== 'holdBack' && group.state !== 'suspended')
    return [{ kind: 'goAlone', sites: sync.map((leg) => leg.siteId), ...aloneOrder(group, primary) }];
  const together = synced && primary.writes === 'allowed' && group.aloneSince !== undefined;
  const text = `Guests of group ${name} go on without the synchronous copy: what they write is at ${group.primarySiteId} alone for now`;
  return [
    ...(together
      ? [{ kind: 'together' as const, sites: sync.map((leg) => leg.siteId), order: group.aloneOrder ?? 0 }]
      : []),
    { kind: 'alarm', code: ALARM.alone, raised: group.aloneSince !== undefined && !together, text },
  ];
}

/**
 * The order that a note stands for is given again while the primary would obey it. One that is over, as the pair was in step
 * after it, needs a new number and a new note: so who takes the old note away finds that the group is another one.
 */
function aloneOrder(
  { aloneSince, aloneOrder = 0 }: Pick<ProtectedGroup, 'aloneSince' | 'aloneOrder'>,
  { together = 0 }: Pick<GroupStatus, 'together'>,
): { order: number; noted: boolean } {
  const noted = aloneSince !== undefined && aloneOrder > together;
  return { order: noted ? aloneOrder : Math.max(aloneOrder, together) + 1, noted };
}

function stateFindings(
  group: ProtectedGroup,
  answers: Answers,
  standing: readonly LegStanding[],
  now: number,
): Finding[] {
  const primary = answers.get(group.primarySiteId);
  const { state, name } = group;
  const active = standing.filter((s) => !s.leg.standby);
  const down = active.find((s) => s.linkUp === false);
  const route = down ? rerouted(group, down.leg, standing) : home(group, primary, now);
  if (route) return [{ kind: 'reroute', legs: route }];
  if (state === 'initialSync' || state === 'protected') {
    if (down) {
      const reason = `the link from ${down.leg.from} to ${down.leg.siteId} is down, or ${down.leg.siteId} is`;
      return [{ kind: 'error', event: state === 'protected' ? 'linkDown' : 'syncFailed', reason }];
    }
    // Nobody has suspended the group, and all the same nothing is sent: what is believed must not be better than what is.
    const rests = active.find((s) => s.state === 'suspended');
    if (state === 'protected' && rests) {
      const reason = `nothing is sent from ${rests.leg.from} to ${rests.leg.siteId}; execute the policy again`;
      return [{ kind: 'error', event: 'linkDown', reason }];
    }
    if (state === 'protected' && primary?.writes === 'held-back')
      return [{ kind: 'error', event: 'datastoreFault', reason: `storage of a copy of group ${name} does not answer` }];
  }
  if (down || (state !== 'initialSync' && state !== 'error') || !answers.has(group.primarySiteId)) return [];
  if (primary?.writes === 'held-back') return [];
  const cleared = !group.leaving?.length;
  if (primary && cleared && isComplete(group, primary, Number.NEGATIVE_INFINITY))
    return [{ kind: 'complete', event: state === 'error' ? 'repaired' : 'syncDone' }];
  const obeyed = primary !== undefined && primary.version >= group.orderVersion && cleared;
  return obeyed ? [] : takeUp(group, now);
}

/**
 * A star goes back to its own leg when the primary hears the far site again, and nothing else is wrong. Not at once after it
 * has changed: a link that comes and goes must not have the legs follow it.
 */
function home(
  { legs, replication, primarySiteId, takenUpAt = Number.NEGATIVE_INFINITY }: ProtectedGroup,
  primary: GroupStatus | undefined,
  now: number,
): GroupLeg[] | undefined {
  if (replication.topology !== 'star' || now - takenUpAt < HOME_MS) return undefined;
  const own = legs.find((leg) => leg.standby && leg.from === primarySiteId);
  const heard = primary?.standby?.some((s) => s.siteId === own?.siteId && s.linkUp);
  return own && heard ? inPlaceOf(legs, own, (leg) => leg.siteId === own.siteId && !leg.standby) : undefined;
}

/** One leg sends, and that one stands by. */
const inPlaceOf = (legs: readonly GroupLeg[], sends: GroupLeg, rests: (leg: GroupLeg) => boolean): GroupLeg[] =>
  legs.map((leg): GroupLeg => {
    const { standby: _, ...rest } = leg;
    if (leg === sends) return rest;
    return rests(leg) ? { ...rest, standby: true } : leg;
  });

/** The legs with the one that stands by in the place of the one that is down; nothing where none can help. */
function rerouted(
  { legs, replication }: ProtectedGroup,
  down: GroupLeg,
  standing: readonly LegStanding[],
): GroupLeg[] | undefined {
  if (replication.topology !== 'star' || down.mode !== 'async') return undefined;
  const reserve = legs.find((leg) => leg.standby && leg.siteId === down.siteId);
  // The one between feeds it, so it has to be there, and to get everything itself.
  const feeds = standing.find((s) => s.leg.siteId === reserve?.from);
  if (!reserve || (reserve.from !== down.from && feeds !== undefined && feeds.linkUp !== true)) return undefined;
  return inPlaceOf(legs, reserve, (leg) => leg === down);
}

function rpoAlarms({ name, state }: ProtectedGroup, standing: readonly LegStanding[]): Finding[] {
  const rated = standing.filter((s) => s.rpo !== undefined && s.leg.mode === 'async');
  if (state === 'initialSync' || rated.length === 0) return [];
  const of = (rpo: LegStanding['rpo']) => rated.find((s) => s.rpo === rpo);
  const minutes = (s: LegStanding | undefined) =>
    s?.lagMs === undefined ? '' : `, ${Math.ceil(s.lagMs / 60_000)} minutes old`;
  const [violated, atRisk] = [of('violated'), of('at risk')];
  return [
    {
      kind: 'alarm',
      code: ALARM.violated,
      raised: violated !== undefined,
      text: `The copy of group ${name} at ${violated?.leg.siteId} is older than was promised${minutes(violated)}`,
    },
    {
      kind: 'alarm',
      code: ALARM.atRisk,
      raised: violated === undefined && atRisk !== undefined,
      text: `The copy of group ${name} at ${atRisk?.leg.siteId} will be older than was promised: what is under way does not arrive in time`,
    },
  ];
}

/** A former primary that can be asked again is demoted first; what it has alone is kept, and told (DR-14). */
function formerFinding({ former, epoch, name }: ProtectedGroup, answers: Answers): Finding[] {
  if (!former || !answers.has(former.siteId)) return [];
  const status = answers.get(former.siteId);
  if (status?.role === 'primary' && status.epoch < epoch) return [{ kind: 'demote', siteId: former.siteId, epoch }];
  const divergent = status?.divergent ?? { count: 0, bytes: 0, discarded: false };
  const found: Finding[] =
    former.demoted && former.divergent ? [] : [{ kind: 'former', former: { ...former, demoted: true, divergent } }];
  const raised = divergent.count > 0 && !divergent.discarded && former.divergent?.discarded !== true;
  const text = `Site ${former.siteId} has ${divergent.count} writes of group ${name} that no other site has: read them, then discard them, before the group can be protected again`;
  return [...found, { kind: 'alarm', code: ALARM.divergent, raised, text }];
}
