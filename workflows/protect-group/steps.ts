/**
 * Lets the sites of a protected group do what was asked of it: when it is made, and whenever members, policy or its being
 * suspended have changed.
 *
 *   Volumes -> Order -> Look -> Finish        (on failure: Unwind -> Failed)
 *                        | ^
 *                        v |
 *                    WaitForCopy
 *
 * 1. Volumes  the targets make, or enlarge, the copies           undo: the group is let go of, in error, with the reason
 * 2. Order    lease of the primary, then what it replicates     undo: none
 * 3. Look     asks the primary how far its legs are             undo: none
 * 4. Finish   removes copies of former members; lets go of it   undo: none
 *
 * Unwinding leaves the group in error and keeps all that it holds: what the sites were told stays, the watch takes it up
 * again when they answer (`functions/probe/protection.ts`), and its owner can dissolve it. A copy that takes longer than
 * PATIENCE_MS is not waited for here: the watch sees it end.
 */
import type { LegStatus } from '../../shared/hypervisor/replication-port.ts';
import { MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import { type GroupEvent, groupMachine, type ProtectedGroup } from '../../shared/model/protection.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { orderOf } from '../../shared/replication/order.ts';
import { ALARM, isComplete } from '../../shared/replication/watch.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { tellOfGroup } from '../../shared/store/groups.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { renewSiteLease } from '../../shared/store/site-lease.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { causeOf, GiveUp, type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { enlargeAt, takeRoom, upToDate } from '../group/enlarge.ts';
import { changed, heldGroup, membersOf, mustHold, release } from '../group/records.ts';

/** How long it is looked at here, ms; well below what counts as forgotten (INV-13). */
const PATIENCE_MS = 20 * MINUTE;
/** It is looked at again after so many seconds: at once when it is about to end, seldom when it takes long. */
const LOOK_SECONDS = { least: 5, most: 60 } as const;

export const STEPS: StepTable = {
  volumes: { percent: 5, do: volumes, undo: letGo },
  order: { percent: 20, do: order, undo: { none: 'what was ordered is kept, and taken up again' } },
  look: { percent: 40, do: look, undo: { none: 'it changes nothing' } },
  finish: { percent: 90, do: finish, undo: { none: 'it is the last step' } },
};

const allMembers = (group: ProtectedGroup, deps: StepDeps): Promise<Vm[]> => membersOf(group, group.vms, deps);

async function volumes(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const group = await mustHold(state, deps);
  const members = await takeRoom(await allMembers(group, deps), deps);
  for (const siteId of new Set(group.legs.map((leg) => leg.siteId))) {
    const orders = members.flatMap((vm) =>
      (vm.protection?.replicas ?? [])
        .filter((replica) => replica.siteId === siteId)
        .flatMap((replica) => replica.volumes.map((volume) => ({ ...volume, vmId: vm.id }))),
    );
    const failed = (await deps.port.createVolumes(siteId, orders)).find((r) => !r.ok);
    if (failed) throw new TryAgain(failed.reason ?? `a volume could not be made at ${siteId}`);
    await enlargeAt(siteId, members, deps);
  }
  return {};
}

async function order(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const group = await mustHold(state, deps);
  const { primarySiteId: site, id: groupId, epoch } = group;
  const now = deps.clock.now();
  const links = await new Inventory(deps.store, SYSTEM).links();
  const told = orderOf(group, await allMembers(group, deps), links);
  await renewSiteLease(deps, site, [group], now);
  mustObey(await deps.port.configureGroups(site, [told]));
  const suspended = group.state === 'suspended' && state.resume !== true;
  const legs = told.legs.map(({ siteId }) => ({ groupId, epoch, siteId, suspended, version: told.version }));
  if (legs.length > 0) mustObey(await deps.port.suspendLegs(site, legs));
  // The first copy is a point by itself; what changes later is in the copies with the next one, so that one is cut now.
  if (group.state !== 'initialSync' && !suspended)
    mustObey(await deps.port.cutPoints(site, [{ groupId, epoch, token: state.operationId }]));
  return { since: now };
}

function mustObey(results: readonly { outcome: string; reason?: string }[]): void {
  const refused = results.find((r) => r.outcome === 'refused');
  if (refused) throw new GiveUp('refused', refused.reason ?? 'the primary site refuses it');
}

async function look(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const group = await mustHold(state, deps);
  if (group.state === 'suspended' && state.resume !== true) return { ended: true, complete: false };
  const now = deps.clock.now();
  const since = state.since as number;
  const [status] = await deps.port.groupStatus(group.primarySiteId, [group.id]);
  if (!status) throw new TryAgain(`site ${group.primarySiteId} does not know the group yet`);
  const down = status.legs.find((leg) => !leg.linkUp);
  if (down) throw new GiveUp('link-down', `the link to ${down.siteId} is down`);
  const complete = isComplete(group, status, group.state === 'initialSync' ? 0 : since);
  const ended = complete || now - since >= PATIENCE_MS;
  return { complete, ended, waitSeconds: waitFor(status.legs, now) };
}

function waitFor(legs: readonly LegStatus[], now: number): number {
  const ends = legs.flatMap((leg) => (leg.usableAt === undefined ? [] : [Math.ceil((leg.usableAt - now) / SECOND)]));
  return Math.min(LOOK_SECONDS.most, Math.max(LOOK_SECONDS.least, ...ends));
}

const DONE: Partial<Record<ProtectedGroup['state'], GroupEvent>> = {
  initialSync: 'syncDone',
  suspended: 'resume',
  error: 'repaired',
};

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const held = await heldGroup(state, deps);
  if (held) await letGoDone(held, state, deps);
  const result = { groupId: state.groupId, complete: state.complete === true };
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result }, deps.clock);
  return {};
}

async function letGoDone(group: ProtectedGroup, state: State, deps: StepDeps): Promise<void> {
  await release(await membersOf(group, group.leaving ?? [], deps), [], deps);
  const complete = state.complete === true;
  if (complete) await upToDate(await allMembers(group, deps), deps);
  const event = complete ? DONE[group.state] : undefined;
  const after = event ? groupMachine.next(group.state, event) : group.state;
  const remove = ['claim', 'leaving', ...(event || group.state === 'suspended' ? ['reason'] : [])];
  const tx = new Transaction().update(...changed(group, { set: { state: after }, remove }));
  if (event) tellOfGroup(tx, group, 'group.protected', { siteId: group.primarySiteId }, deps);
  if (event) await clearAlarm(deps.store, deps.ids, ALARM.error, group.id, deps.clock.now());
  await deps.store.commit(tx);
}

const FAILED: Partial<Record<ProtectedGroup['state'], GroupEvent>> = {
  initialSync: 'syncFailed',
  protected: 'linkDown',
};

/** A group that was suspended stays so: only whether it is resumed is open again. */
async function letGo(state: State, deps: StepDeps): Promise<void> {
  const group = await heldGroup(state, deps);
  if (!group) return;
  const event = FAILED[group.state];
  const { message: reason } = causeOf(state.error);
  const after = event ? groupMachine.next(group.state, event) : group.state;
  const tx = new Transaction().update(...changed(group, { set: { state: after, reason }, remove: ['claim'] }));
  if (event) tellOfGroup(tx, group, 'group.error', { reason }, deps);
  const text = `Protected group ${group.name} is not kept up to date: ${reason}`;
  const alarm = { code: ALARM.error, object: group.id, severity: 'major' as const, text };
  await raiseAlarm(deps.store, deps.ids, alarm, deps.clock.now());
  await deps.store.commit(tx);
}
