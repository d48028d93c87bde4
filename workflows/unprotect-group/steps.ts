/**
 * Dissolves a protected group: the VMs stay as they are, their copies at other sites are deleted.
 *
 *   Drop -> Remove -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. Drop    the sites forget the group, its primary first              undo: let go of it, with the reason
 * 2. Remove  copies are deleted, their room given back, VMs let go of   undo: none
 * 3. Finish  forgets the group, gives back its part of links and seats   undo: none
 *
 * It only goes forward. When it fails the group stays `unprotected`, and can be deleted again; so it is when the site that it
 * is at stays silent for PATIENCE_MS, and nothing was deleted then. Another silent site is not waited for longer, one that was
 * abandoned not at all: what stands there is left behind, and an alarm says so.
 */
import { PortTimeout } from '../../shared/hypervisor/port.ts';
import { MINUTE } from '../../shared/kernel/clock.ts';
import { SEATS_ALARM } from '../../shared/model/placeholder.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import { HOSTS_AT_ONCE, withinHosts } from '../../shared/recovery/seats.ts';
import { ALARMS } from '../../shared/replication/watch.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { tellOfGroup } from '../../shared/store/groups.ts';
import { keys } from '../../shared/store/keys.ts';
import { shiftLinks } from '../../shared/store/ledger.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { changePlaceholders, readPlaceholders, SeatsMoved } from '../../shared/store/placeholders.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { changed, heldGroup, membersOf, mustHold, release } from '../group/records.ts';

/** How long a silent site is waited for, ms. Declared; longer than most cuts, and below what counts as forgotten (INV-13). */
const PATIENCE_MS = 10 * MINUTE;
/** Raised when copies could not be deleted, as their site did not answer. */
const LEFT_BEHIND = 'copies-left-behind';

export const STEPS: StepTable = {
  drop: { percent: 5, do: drop, undo: letGo },
  remove: { percent: 40, do: remove, undo: { none: 'removed copies cannot be brought back' } },
  finish: { percent: 90, do: finish, undo: { none: 'it is the last step' } },
};

const everyMember = (group: ProtectedGroup, deps: StepDeps) =>
  membersOf(group, [...group.vms, ...(group.leaving ?? [])], deps);

async function drop(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const group = await mustHold(state, deps);
  const members = await everyMember(group, deps);
  const copies = members.flatMap((vm) => vm.protection?.replicas.map((r) => r.siteId) ?? []);
  const legs = group.legs.map((leg) => leg.siteId);
  const { createdAt } = await new Operations(deps.store, SYSTEM).get(state.operationId);
  const waitedLong = deps.clock.now() - createdAt >= PATIENCE_MS;
  await dropAtPrimary(group, waitedLong, deps);
  const silent: string[] = [];
  for (const siteId of new Set([...legs, ...copies].filter((id) => id !== group.primarySiteId)))
    if (!(await dropped(siteId, group, deps))) silent.push(siteId);
  const { former } = group;
  if (silent.every((siteId) => siteId === former?.siteId && former.abandoned !== undefined)) return { silent };
  if (!waitedLong) throw new TryAgain(`site ${silent.join(', ')} does not answer`);
  return { silent };
}

/**
 * Without it nothing goes on: a primary that has lost its copies, and whose lease nobody renews any more, would hold its
 * guests back for good.
 */
async function dropAtPrimary(group: ProtectedGroup, waitedLong: boolean, deps: StepDeps): Promise<void> {
  if (await dropped(group.primarySiteId, group, deps)) return;
  const words = `site ${group.primarySiteId}, which the group is at, does not answer`;
  throw waitedLong ? new GiveUp('site-silent', words) : new TryAgain(words);
}

/** False when the site does not answer. */
async function dropped(siteId: string, group: ProtectedGroup, { port }: StepDeps): Promise<boolean> {
  try {
    const refused = (await port.dropGroups(siteId, [group.id])).find((r) => r.outcome === 'refused');
    if (refused) throw new TryAgain(refused.reason ?? `site ${siteId} refuses to forget the group`);
    return true;
  } catch (error) {
    if (error instanceof PortTimeout) return false;
    throw error;
  }
}

async function remove(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const group = await mustHold(state, deps);
  await release(await everyMember(group, deps), state.silent as string[], deps);
  return {};
}

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const silent = state.silent as string[];
  const now = deps.clock.now();
  const group = await heldGroup(state, deps);
  if (group) {
    await dropSeats(group, deps);
    for (const code of [...ALARMS, SEATS_ALARM]) await clearAlarm(deps.store, deps.ids, code, group.id, now);
    if (silent.length > 0) {
      const text = `Copies of protected group ${group.name} are left at ${silent.join(', ')}, which did not answer when it was dissolved`;
      await raiseAlarm(deps.store, deps.ids, { code: LEFT_BEHIND, object: group.id, severity: 'minor', text }, now);
    }
    const [key, { condition, names, values, onFail }] = changed(group, {});
    const tx = new Transaction()
      .delete(key, { condition, names, values, onFail } as Parameters<Transaction['delete']>[1])
      .delete(keys.protectedGroup(group.id));
    shiftLinks(tx, group.links, {});
    tellOfGroup(tx, group, 'group.unprotected', silent.length > 0 ? { leftBehindAt: silent } : {}, deps);
    await deps.store.commit(tx);
  }
  const result = { groupId: state.groupId, leftBehindAt: silent };
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result }, deps.clock);
  return {};
}

/** What a recovery plan keeps for VMs that are not protected any more is given back (DR-21). */
async function dropSeats(group: ProtectedGroup, { store }: StepDeps): Promise<void> {
  for (;;) {
    const [held] = await readPlaceholders(store, group.tenantId, [group.id]);
    if (!held) return;
    const step = withinHosts(held.seats, {}, HOSTS_AT_ONCE);
    const tx = new Transaction();
    changePlaceholders(tx, [{ before: held, ...(step.whole ? {} : { after: { ...held, seats: step.seats } }) }]);
    try {
      await store.commit(tx);
    } catch (error) {
      if (error instanceof SeatsMoved) throw new TryAgain(error.message);
      throw error;
    }
  }
}

async function letGo(state: State, deps: StepDeps): Promise<void> {
  const group = await heldGroup(state, deps);
  if (!group) return;
  const set = { reason: 'it was not dissolved entirely; delete it again' };
  await deps.store.commit(new Transaction().update(...changed(group, { set, remove: ['claim'] })));
}
