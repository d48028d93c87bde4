import { DomainError, type Flaw, type ProblemCode } from '../kernel/errors.ts';
import type { Execution, PlanAction } from '../model/execution.ts';
import { type GroupEvent, type GroupState, groupMachine, type ProtectedGroup } from '../model/protection.ts';
import { type PlanEvent, type PlanState, planMachine, type RecoveryPlan } from '../model/recovery-plan.ts';
import { type Capacity, capacityFigures, capacityWords, failuresWords } from './capacity.ts';
import { nextOf, notTestedWords } from './readiness.ts';
import { type Route, recoverySites, routeOf } from './route.ts';
import { isTested } from './tested.ts';

/** What is asked of a plan, and all that the answer depends on. */
export interface Asked {
  action: PlanAction;
  plan: RecoveryPlan;
  /** Those that are there, in the plan's order. */
  groups: readonly ProtectedGroup[];
  /** The execution that was last. */
  previous?: Execution | undefined;
  /** Another site that holds a copy, as of three centres. */
  toSiteId?: string | undefined;
  overridden: boolean;
}
export interface Decided {
  route: Route;
  /** State of the plan while it is under way. A roll-back leaves it: its end is what changes it. */
  planState: PlanState;
  groups: { group: ProtectedGroup; state: GroupState }[];
  /** The execution that this one goes on with. */
  rerunOf?: Execution;
  /** I11 was set aside. */
  untested: boolean;
}

const PLAN_EVENT: Record<PlanAction, PlanEvent> = {
  test: 'test',
  cleanup: 'cleanup',
  migrate: 'migrate',
  failover: 'failover',
  reprotect: 'reprotect',
  failback: 'migrate',
  rollback: 'rollback',
};
/** The kind of operation that carries an action out. */
export const KIND_OF = {
  test: 'plan-test',
  cleanup: 'plan-cleanup',
  migrate: 'plan-migrate',
  failover: 'plan-failover',
  reprotect: 'plan-reprotect',
  failback: 'plan-migrate',
  rollback: 'plan-migrate',
} as const satisfies Record<PlanAction, string>;

/** Of a group, the events that an action may be, the first that its state takes; `stays`: states that are as they should be. */
const GROUP_EVENTS: Record<PlanAction, { events: GroupEvent[]; stays: GroupState[] }> = {
  test: { events: ['planTest'], stays: [] },
  cleanup: { events: ['cleanup'], stays: ['cleaning', 'protected'] },
  migrate: { events: ['planMigrate', 'rerunMigrate'], stays: ['invalid'] },
  failback: { events: ['planMigrate', 'rerunMigrate'], stays: ['invalid'] },
  failover: { events: ['planFailover', 'rerunFailover'], stays: ['invalid'] },
  reprotect: { events: ['reprotect', 'rerunReprotect'], stays: ['protected'] },
  rollback: { events: [], stays: ['partiallyRecovered', 'protected'] },
};

/** States in which an execution has ended that can be gone on with. */
const PARTIAL: readonly PlanState[] = [
  'testPartialFailure',
  'cleanupPartialFailure',
  'migratePartialFailure',
  'failoverPartialFailure',
  'reprotectPartialFailure',
];
const isSwitch = (action: PlanAction) => action === 'migrate' || action === 'failover' || action === 'failback';
/** A switch that has begun: where it leads was decided then, and some groups may be there already. */
const switching = (state: PlanState) => state === 'migratePartialFailure' || state === 'failoverPartialFailure';

/**
 * Whether an action may begin, by the states of the plan and its groups (S4, S5, DR-12, DR-19, I11), and what it makes of
 * them. Pure.
 * @throws `operation-in-progress`, `in-use`, `illegal-transition`, `not-tested`, `not-ready`
 */
export function decide(asked: Asked): Decided {
  const { action, plan, groups, previous } = asked;
  mustBeFree(asked);
  if (!planMachine.can(plan.state, PLAN_EVENT[action])) throw refusedState(asked);
  if (groups.length < plan.groups.length) throw missing(plan, groups);
  mustNotBeUsed(asked);
  const went = switching(plan.state) || action === 'cleanup' || action === 'rollback';
  const rerunOf = PARTIAL.includes(plan.state) ? previous : undefined;
  const route = went && previous ? { ...goneOf(plan, previous) } : newRoute(asked);
  const states = statesOf(asked, went);
  if (action === 'failback' && !route.back && !rerunOf)
    throw new DomainError(
      'illegal-transition',
      `The groups of plan ${plan.name} are at ${route.fromSiteId}, where they were when it was made: there is nowhere to fail back to.`,
      { figures: { state: plan.state, homeSiteId: plan.homeSiteId } },
    );
  if (action === 'reprotect') mustBeSettled(groups);
  const untested = isSwitch(action) && !switching(plan.state) && !isTested(plan, groups);
  if (untested && !asked.overridden) throw notTested(plan);
  return {
    route,
    planState: action === 'rollback' ? plan.state : planMachine.next(plan.state, PLAN_EVENT[action]),
    groups: states,
    ...(rerunOf ? { rerunOf } : {}),
    untested,
  };
}

const goneOf = (plan: RecoveryPlan, { fromSiteId, toSiteId }: Execution): Route => ({
  fromSiteId,
  toSiteId,
  back: toSiteId === plan.homeSiteId,
});

function mustBeFree({ action, plan }: Asked): void {
  if (plan.claim === undefined) return;
  // A disaster in the middle of a migration: what could be undone is let go of soon, also of a site that is silent.
  const cancel =
    action === 'failover' && plan.state === 'migrating' ? `/v1/operations/${plan.claim}/cancel` : undefined;
  throw new DomainError(
    'operation-in-progress',
    `Plan ${plan.name} is ${plan.state} and held by operation ${plan.claim}; wait for it to end${cancel ? ', or cancel it' : ''}.`,
    {
      figures: { state: plan.state, operationId: plan.claim },
      ...(cancel ? { flaws: [{ location: 'plan', message: 'a migration is under way', fix: `POST ${cancel}` }] } : {}),
    },
  );
}

function refusedState({ action, plan }: Asked): DomainError {
  const event = PLAN_EVENT[action];
  return new DomainError(
    'illegal-transition',
    `Plan ${plan.name} is ${plan.state}, which does not take '${action}'. What can be done: ${nextOf(plan)}.`,
    {
      figures: {
        state: plan.state,
        event: action,
        allowedFrom: planMachine.statesFor(event),
        allowed: Object.keys(planMachine.table[plan.state]),
      },
    },
  );
}

function missing(plan: RecoveryPlan, groups: readonly ProtectedGroup[]): DomainError {
  const there = new Set(groups.map((g) => g.id));
  const gone = plan.groups.filter((id) => !there.has(id));
  return new DomainError('not-ready', `Plan ${plan.name} names groups that are not there: ${gone.join(', ')}.`, {
    figures: { groups: gone },
    flaws: gone.map((id) => ({
      location: `plan.groups.${plan.groups.indexOf(id)}`,
      message: `There is no protected group '${id}'`,
      fix: 'take it out of the plan',
    })),
  });
}

/**
 * DR-19: a group serves one plan at a time. A failover does not wait for work on the group itself, such as a first copy of
 * a new member: that gives up when it finds the group taken over.
 */
function mustNotBeUsed({ action, plan, groups }: Asked): void {
  for (const group of groups) {
    if (group.usedBy !== undefined && group.usedBy !== plan.id) throw inUse(group, group.usedBy);
    if (group.claim !== undefined && !(action === 'failover' && group.usedBy === undefined))
      throw heldGroup(group, group.claim);
  }
}
const inUse = (group: Pick<ProtectedGroup, 'id' | 'name' | 'state'>, planId: string): DomainError =>
  new DomainError(
    'in-use',
    `Protected group ${group.name} is in use: plan ${planId} works with it (${group.state}); one plan at a time does (DR-19).`,
    { figures: { rule: 'DR-19', groupId: group.id, planId, state: group.state } },
  );
const heldGroup = (group: Pick<ProtectedGroup, 'id' | 'name' | 'state'>, operationId: string): DomainError =>
  new DomainError(
    'operation-in-progress',
    `Protected group ${group.name} is ${group.state} and held by operation ${operationId}; wait for it to end.`,
    { figures: { groupId: group.id, state: group.state, operationId } },
  );

/** @throws `illegal-transition` where the groups do not go one way, or not there */
function newRoute({ plan, groups, toSiteId, action }: Asked): Route {
  const [first] = groups as [ProtectedGroup];
  const route = routeOf(plan, first, toSiteId);
  const sites = recoverySites(first);
  if (!route || (toSiteId !== undefined && !sites.includes(toSiteId)))
    throw new DomainError(
      'not-ready',
      `Protected group ${first.name} has no copy ${toSiteId ? `at site ${toSiteId}` : 'at another site'}.`,
      { figures: { groupId: first.id, action, sites } },
    );
  const ways = (g: ProtectedGroup) => `${g.primarySiteId} -> ${recoverySites(g).join(', ')}`;
  const other = groups.find((g) => ways(g) !== ways(first));
  if (other)
    throw new DomainError(
      'not-ready',
      `Groups of one plan go one way: ${first.name} goes ${ways(first)}, ${other.name} goes ${ways(other)}.`,
      { figures: { groups: groups.map((g) => ({ groupId: g.id, way: ways(g) })) } },
    );
  return route;
}

/** @throws `illegal-transition` that names every group which does not take the action */
function statesOf({ action, groups, plan }: Asked, went: boolean): Decided['groups'] {
  const { events, stays } = GROUP_EVENTS[action];
  const flaws: Flaw[] = [];
  const states = groups.map((group) => {
    // What has been done already is left as it is when something is gone on with, and only then.
    const goesOn = went || PARTIAL.includes(plan.state);
    if (goesOn && stays.includes(group.state)) return { group, state: group.state };
    const event = events.find((e) => groupMachine.can(group.state, e));
    if (event) return { group, state: groupMachine.next(group.state, event) };
    flaws.push({
      location: `plan.groups.${plan.groups.indexOf(group.id)}`,
      message: `${group.name} (${group.id}) is ${group.state}${group.reason ? `: ${group.reason}` : ''}`,
      fix: `${action} takes a group that is ${[...new Set([...events.flatMap((e) => groupMachine.statesFor(e)), ...(goesOn ? stays : [])])].join(', ')}`,
    });
    return { group, state: group.state };
  });
  if (flaws.length === 0) return states;
  throw new DomainError(
    'illegal-transition',
    `${flaws.length} of ${groups.length} groups of plan ${plan.name} do not take '${action}': ${flaws.map((f) => f.message).join('; ')}.`,
    { flaws, figures: { state: plan.state, event: action } },
  );
}

/** DR-12, DR-14: nothing is overwritten that nobody has looked at, and nothing that may still be written. */
function mustBeSettled(groups: readonly ProtectedGroup[]): void {
  const flaws: Flaw[] = [];
  const figures: object[] = [];
  for (const { id, name, former } of groups) {
    if (!former) continue;
    const { siteId, divergent, demoted } = former;
    const location = `groups.${id}`;
    if (!demoted)
      flaws.push({
        location,
        message: `the former primary of ${name}, site ${siteId}, has not confirmed that it writes no more`,
        fix: 'bring the site back, and wait until it was heard',
      });
    else if (divergent && divergent.count > 0 && !divergent.discarded)
      flaws.push({
        location,
        message: `site ${siteId} holds ${divergent.count} writes (${divergent.bytes} bytes) that ${name} does not have`,
        fix: `look at them, then POST /v1/protected-groups/${id}/discard-divergence`,
      });
    else continue;
    figures.push({ groupId: id, siteId, demoted: demoted ?? false, divergentWrites: divergent?.count ?? 0 });
  }
  if (flaws.length === 0) return;
  throw new DomainError(
    'not-ready',
    `It cannot be protected the other way round yet: ${flaws.map((f) => f.message).join('; ')}.`,
    {
      flaws,
      figures: { rule: 'DR-14', groups: figures },
    },
  );
}

const notTested = (plan: RecoveryPlan): DomainError =>
  new DomainError('not-tested', `Plan ${plan.name} was not tested: ${notTestedWords(plan)} (I11).`, {
    figures: { rule: 'I11', state: plan.state },
    flaws: [
      {
        location: 'plan',
        message: notTestedWords(plan),
        fix: `POST /v1/recovery-plans/${plan.id}/test and then /cleanup, or send override: {reason} in the body`,
      },
    ],
  });

/** What stands in the way of single VMs at the recovery site: networks, addresses, room. */
interface Hindrances {
  flaws: readonly Flaw[];
  capacity: Capacity;
}

/**
 * What is done about it before anything moves. What is planned is refused, with all of it together. A failover carries on
 * (DR-10): whoever began it is told, and each VM that finds no place is reported.
 * @returns warnings, in words
 * @throws `not-ready`, or `no-capacity` where only that is lacking
 */
export function weigh({ action, plan }: Pick<Asked, 'action' | 'plan'>, { flaws, capacity }: Hindrances): string[] {
  if (!(isSwitch(action) || action === 'test')) return [];
  const room = capacityWords(capacity);
  // A disaster goes before what is kept for failures, and so does what is moved ahead of one: it is told.
  const used = isSwitch(action) ? failuresWords(capacity) : undefined;
  const warnings = [...flaws.map((f) => f.message), ...(room ? [room] : [])];
  const told = used ? [used] : [];
  if (warnings.length === 0 || action === 'failover') return [...warnings, ...told];
  const code: ProblemCode = flaws.length > 0 ? 'not-ready' : 'no-capacity';
  const help = [...new Set(capacity.homeless.flatMap((h) => h.help))];
  throw new DomainError(code, `Plan ${plan.name} would not succeed: ${warnings.join('; ')}.`, {
    flaws: [
      ...flaws.map((f) => ({ ...f, location: f.location.replace(/^body\b/, 'plan') })),
      ...(room ? [{ location: 'plan.clusterMap', message: room, fix: help[0] ?? 'free or add storage there' }] : []),
    ],
    figures: { capacity: capacityFigures(capacity) },
  });
}
