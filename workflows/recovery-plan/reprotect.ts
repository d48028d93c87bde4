import type { GroupOrder } from '../../shared/hypervisor/replication-port.ts';
import { MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import {
  type GroupEvent,
  groupMachine,
  type ProtectedGroup,
  type ReplicationSpec,
} from '../../shared/model/protection.ts';
import { type PlanEvent, type PlanState, planMachine } from '../../shared/model/recovery-plan.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { completed, legsOf } from '../../shared/replication/legs.ts';
import { orderOf } from '../../shared/replication/order.ts';
import { isComplete } from '../../shared/replication/watch.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { LinkFull, shiftLinks } from '../../shared/store/ledger.ts';
import { renewSiteLease } from '../../shared/store/site-lease.ts';
import { stopStale } from '../../shared/store/stale.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { causeOf, GiveUp, type State, type StepDeps } from '../engine/step-table.ts';
import { enlargeAt, takeRoom, upToDate } from '../group/enlarge.ts';
import { membersOf, release } from '../group/records.ts';
import {
  asRead,
  type Case,
  enterPhase,
  findCase,
  groupKey,
  loadCase,
  phasesWith,
  planKey,
  setExecution,
} from './case.ts';
import { endExecution } from './end.ts';
import { entriesOf, readParts } from './parts.ts';
import { succeed } from './switched.ts';
import { removeCopiesIfHeard } from './test-copies.ts';

/** How long the first copy back is waited for here, ms; what takes longer goes on, and a rerun sees it end. Declared. */
const PATIENCE_MS = 25 * MINUTE;
const LOOK_S = { least: 2, most: 60 } as const;

/** Plan and groups go over to the reprotection within the same execution, in one transaction. */
export async function adopt(
  { plan, groups, execution }: Case,
  planEvents: readonly PlanEvent[],
  groupEvents: readonly GroupEvent[],
  { store, clock }: StepDeps,
): Promise<void> {
  const tx = new Transaction();
  for (const group of groups) {
    const state = groupEvents.reduce((at, e) => (groupMachine.can(at, e) ? groupMachine.next(at, e) : at), group.state);
    tx.update(groupKey(group), { set: { state }, add: { version: 1 }, ...asRead('group', group) });
  }
  const state = planEvents.reduce<PlanState>((at, event) => planMachine.next(at, event), plan.state);
  tx.update(planKey(plan), { set: { state }, add: { version: 1 }, ...asRead('plan', plan) });
  setExecution(tx, execution, { phases: phasesWith(execution.phases, 'reprotect', clock.now()) });
  await store.commit(tx);
}

/** Those whose direction is still to be turned: what is protected again already is left alone. */
const open = ({ groups }: Pick<Case, 'groups'>): ProtectedGroup[] =>
  groups.filter((g) => g.state === 'reprotecting' && g.former !== undefined);

const oldSiteOf = (group: ProtectedGroup): string => group.former?.siteId ?? group.replication.targetSiteId;

/**
 * The old site is asked whether it writes no more, and holds nothing that nobody has looked at (DR-12, DR-14); processes of
 * the VMs that still stand there are stopped. Nothing is overwritten that was not given up by a person.
 */
export async function inspectOld(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'inspect old site', deps);
  for (const group of open(found)) {
    const siteId = oldSiteOf(group);
    const epoch = group.former?.epoch ?? group.epoch;
    const [demoted] = await deps.port.demoteGroups(siteId, [{ groupId: group.id, epoch }]);
    const [status] = await deps.port.groupStatus(siteId, [group.id]);
    if (status?.role === 'primary')
      throw new GiveUp(
        'not-ready',
        `group ${group.name}: site ${siteId} has not given up the right to write: ${demoted?.reason ?? 'no reason given'}`,
      );
    const { divergent } = status ?? {};
    if (divergent && divergent.count > 0 && !divergent.discarded)
      throw new GiveUp(
        'not-ready',
        `group ${group.name}: site ${siteId} holds ${divergent.count} writes (${divergent.bytes} bytes) that ${group.primarySiteId} does not have; look at them and discard them first (DR-14)`,
      );
    await stopStale(siteId, group.vms, deps);
  }
  return {};
}

/** Turns the direction round: the old site becomes a target, its volumes the copies. Only what differs is sent. */
export async function reverse(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'reverse replication', deps);
  const links = await new Inventory(deps.store, SYSTEM).links();
  for (const group of open(found)) await turnRound(group, links, deps);
  const turned = open(await loadCase(state, deps));
  for (const [siteId, groups] of Map.groupBy(turned, (g) => g.primarySiteId)) {
    await renewSiteLease(deps, siteId, groups, deps.clock.now());
    const orders: GroupOrder[] = [];
    for (const group of groups) {
      // Disks that have grown since the switch have grown here alone (DR-17).
      const vms = await takeRoom(await members(group, deps), deps);
      for (const to of new Set(group.legs.map((leg) => leg.siteId))) await enlargeAt(to, vms, deps);
      orders.push(orderOf(group, vms, links));
    }
    const refused = (await deps.port.configureGroups(siteId, orders)).find((r) => r.outcome === 'refused');
    if (refused) throw new GiveUp('refused', refused.reason ?? `site ${siteId} refuses it`);
  }
  return { since: deps.clock.now() };
}

const members = async ({ vms }: ProtectedGroup, { store }: StepDeps): Promise<Vm[]> =>
  new TenantData(store, SYSTEM).vmsById(vms);

/** The policy with the two sites in each other's place. */
function reversed(spec: ReplicationSpec, primary: string, old: string): ReplicationSpec {
  if (spec.targetSiteId === primary) return { ...spec, targetSiteId: old, ...sameFeeder(spec) };
  return spec.thirdSiteId === primary ? { ...spec, thirdSiteId: old } : spec;
}

/**
 * The far site stays fed by the same one of the two that change places: so the links that the group holds are those that it
 * needs, and turning twice is as before.
 */
const sameFeeder = ({ topology }: ReplicationSpec): Pick<ReplicationSpec, 'topology'> =>
  topology === 'cascade' ? { topology: 'parallel' } : topology === 'parallel' ? { topology: 'cascade' } : {};

async function turnRound(
  group: ProtectedGroup,
  links: Parameters<typeof legsOf>[2],
  { store }: StepDeps,
): Promise<void> {
  if (group.legs.some((leg) => leg.siteId === oldSiteOf(group))) return;
  const replication = reversed(group.replication, group.primarySiteId, oldSiteOf(group));
  const made = legsOf(completed(replication), group.primarySiteId, links, group.links);
  const [no] = made.refusals;
  if (no) throw new GiveUp('not-ready', `group ${group.name}: ${no.reason}`);
  const tx = new Transaction().update(groupKey(group), {
    set: {
      replication,
      legs: made.legs,
      links: made.links,
      orderVersion: group.orderVersion + 1,
    },
    add: { version: 1 },
    ...asRead('group', group),
  });
  shiftLinks(tx, group.links, made.links);
  try {
    await store.commit(tx);
  } catch (error) {
    if (error instanceof LinkFull) throw new GiveUp('not-ready', `group ${group.name}: a link has no room left for it`);
    throw error;
  }
}

/** Waits until everything is at the old site. */
export async function awaitCopy(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'synchronise back', deps);
  const since = Number(state.since ?? deps.clock.now());
  const now = deps.clock.now();
  const ends: number[] = [];
  for (const [siteId, groups] of Map.groupBy(open(found), (g) => g.primarySiteId)) {
    await renewSiteLease(deps, siteId, groups, now);
    const statuses = await deps.port.groupStatus(
      siteId,
      groups.map((g) => g.id),
    );
    for (const group of groups) {
      const status = statuses.find((s) => s.groupId === group.id);
      if (status && isComplete(group, status, 0)) continue;
      const usable = (status?.legs ?? []).flatMap((leg) => leg.usableAt ?? []);
      ends.push(Math.ceil((Math.max(now, ...usable) - now) / SECOND));
    }
  }
  if (ends.length === 0) return { turn: 'done', seconds: 0 };
  if (now - since > PATIENCE_MS)
    throw new GiveUp(
      'not-synced',
      `${ends.length} groups are not complete after ${PATIENCE_MS / MINUTE} minutes; the copy goes on`,
    );
  return { turn: 'wait', seconds: Math.min(LOOK_S.most, Math.max(LOOK_S.least, ...ends)) };
}

/** The roles are the other way round: nothing is left of the switch, nor of a test that it has interrupted. */
export async function endReprotection(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'report', deps);
  const entries = entriesOf(await readParts(found.execution, deps.store));
  await removeCopiesIfHeard(found.plan, deps);
  for (const group of found.groups) {
    await upToDate(await members(group, deps), deps);
    if (group.leaving?.length) await release(await membersOf(group, group.leaving, deps), [], deps);
  }
  await succeed(state, found, entries, deps);
  await endExecution(
    found,
    {
      execution: { state: 'success' },
      plan: { event: ['reprotected'] },
      group: () => ({ event: 'reprotected', remove: ['former', 'leaving'] }),
    },
    entries,
    deps,
  );
  return {};
}

/** A reprotection that broke off is gone on with by the next one; the VMs run where they are all the same. */
export async function letGoReprotection(state: State, deps: StepDeps): Promise<void> {
  const found = await findCase(state, deps);
  if (!found) return;
  const { message: reason } = causeOf(state.error);
  await endExecution(
    found,
    {
      execution: { state: found.execution.action === 'reprotect' ? 'failed' : 'partial', reason },
      plan: { event: ['reprotectFailed'] },
      group: (group) => (group.state === 'reprotecting' ? { event: 'stepFailed', reason } : {}),
    },
    entriesOf(await readParts(found.execution, deps.store)),
    deps,
  );
}
