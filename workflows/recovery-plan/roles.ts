import { PortTimeout } from '../../shared/hypervisor/port.ts';
import type { LostWrites, PromoteResult } from '../../shared/hypervisor/replication-port.ts';
import { iso } from '../../shared/kernel/clock.ts';
import type { Execution, GroupOutcome } from '../../shared/model/execution.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { asRead, type Case, groupKey, setExecution } from './case.ts';

/** An answer of a site that may be silent: undefined then, which is no error. */
export async function ifHeard<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof PortTimeout) return undefined;
    throw error;
  }
}

/** The epoch under which a site is to have the right to write: the one that was chosen for it before, or a new one. */
export const epochFor = ({ epoch, promoting }: ProtectedGroup, siteId: string): number =>
  promoting?.siteId === siteId && promoting.epoch > epoch
    ? promoting.epoch
    : Math.max(epoch, promoting?.epoch ?? 0) + 1;

/** Writes down the epochs that a site is about to be given; what stands there already is left. */
export async function intend(groups: readonly ProtectedGroup[], siteId: string, { store }: StepDeps): Promise<void> {
  const tx = new Transaction();
  for (const group of groups) {
    const epoch = epochFor(group, siteId);
    if (group.promoting?.siteId === siteId && group.promoting.epoch === epoch) continue;
    tx.update(groupKey(group), {
      set: { promoting: { siteId, epoch } },
      add: { version: 1 },
      ...asRead('group', group),
    });
  }
  if (tx.actions.length > 0) await store.commit(tx);
}

/**
 * Takes the right to write from the site that groups are at, as far as it can be asked. Answers those that have surely
 * given it up, with the last write that they acknowledged.
 */
export async function demote(
  groups: readonly ProtectedGroup[],
  siteId: string,
  { port }: StepDeps,
): Promise<{ heard: boolean; heads: Map<string, number>; refused: Map<string, string> }> {
  const orders = groups.map(({ id, epoch }) => ({ groupId: id, epoch }));
  const results = orders.length === 0 ? [] : await ifHeard(() => port.demoteGroups(siteId, orders));
  const heads = new Map(
    (results ?? []).flatMap((r) => (r.outcome === 'done' && r.head ? [[r.groupId, r.head.sequence]] : [])),
  );
  const refused = new Map(
    (results ?? []).flatMap((r) => (r.outcome === 'refused' ? [[r.groupId, r.reason ?? 'it was refused']] : [])),
  );
  return { heard: results !== undefined, heads, refused };
}

export interface Promotion {
  group: ProtectedGroup;
  result: PromoteResult;
  /** The former primary has confirmed that it writes no more. */
  demoted: boolean;
}

/**
 * What was lost by it: exactly where the former primary can be asked, or could write only together with the new one; else at
 * least what the new one was told of.
 */
async function lossOf({ group, result, demoted }: Promotion, fromSiteId: string, { port }: StepDeps) {
  const asked = demoted
    ? await ifHeard(() => port.divergentWrites(fromSiteId, { groupId: group.id, after: 0, limit: 1 }))
    : undefined;
  const read = asked?.outcome === 'read';
  const loss: LostWrites = read ? asked.total : (result.lost ?? { count: 0, bytes: 0 });
  const exact = read || (result.exact === true && group.aloneSince === undefined);
  return {
    lost: { ...loss, known: exact ? ('exact' as const) : ('atLeast' as const) },
    ...(read ? { read: loss } : {}),
  };
}

/** Members whose volumes are not all in what was promoted: their first copy was under way. */
async function lackedBy({ group, result }: Promotion, siteId: string, { store }: StepDeps): Promise<string[]> {
  if (result.holds === undefined) return [];
  const holds = new Set(result.holds);
  const members = await new TenantData(store, SYSTEM).vmsById(group.vms);
  const copiesOf = (vm: Vm) =>
    vm.siteId === siteId ? vm.disks : (vm.protection?.replicas.find((r) => r.siteId === siteId)?.volumes ?? []);
  return members.filter((vm) => copiesOf(vm).some((v) => !holds.has(v.id))).map((vm) => vm.id);
}

/** They are members no more: what they have is at the old site alone. Their copies go with the reprotection. */
const leftBehind = ({ vms, leaving = [] }: ProtectedGroup, without: readonly string[]) => ({
  vms: vms.filter((id) => !without.includes(id)),
  leaving: [...new Set([...leaving, ...without])],
});

/**
 * Raises epoch and site of groups that have been promoted, with what it cost, in one transaction: only from then on the
 * control plane believes it. A crash before it repeats the promotion, which answers the same.
 */
export async function believe(
  { execution }: Case,
  promotions: readonly Promotion[],
  refused: readonly { groupId: string; reason: string }[],
  deps: StepDeps,
): Promise<Execution> {
  const { fromSiteId, toSiteId } = execution;
  const tx = new Transaction();
  const outcomes = new Map<string, Partial<GroupOutcome>>(refused.map(({ groupId, reason }) => [groupId, { reason }]));
  for (const promotion of promotions) {
    const { group, result, demoted } = promotion;
    const epoch = epochFor(group, toSiteId);
    const { lost, read } = await lossOf(promotion, fromSiteId, deps);
    const { point } = result;
    const without = await lackedBy(promotion, toSiteId, deps);
    outcomes.set(group.id, {
      epoch,
      lost,
      ...(point ? { point: { sequence: point.sequence, stateAt: point.stateAt } } : {}),
      ...(without.length > 0 ? { without } : {}),
    });
    tx.update(groupKey(group), {
      set: {
        primarySiteId: toSiteId,
        epoch,
        legs: [],
        ...(without.length > 0 ? leftBehind(group, without) : {}),
        former: {
          siteId: fromSiteId,
          epoch: group.epoch,
          executionId: execution.id,
          ...(demoted ? { demoted: true } : {}),
          ...(read ? { divergent: { ...read, discarded: false } } : {}),
        },
      },
      add: { version: 1 },
      remove: ['promoting', 'aloneSince', 'reason'],
      ...asRead('group', group),
    });
  }
  if (outcomes.size === 0) return execution;
  const groups = execution.groups.map((g): GroupOutcome => {
    const outcome = outcomes.get(g.groupId);
    if (!outcome) return g;
    const { reason: _, ...rest } = g;
    return { ...rest, ...outcome };
  });
  const is = setExecution(tx, execution, { groups });
  await deps.store.commit(tx);
  return is;
}

/** Asks the site for the groups, each under the epoch that was written down for it. */
export async function promoteAt(
  groups: readonly ProtectedGroup[],
  siteId: string,
  how: { points: Readonly<Record<string, number>>; leaseUntil: number; demoted: readonly string[] },
  { port }: StepDeps,
): Promise<PromoteResult[]> {
  if (groups.length === 0) return [];
  return port.promoteGroups(
    siteId,
    groups.map((group) => ({
      groupId: group.id,
      epoch: epochFor(group, siteId),
      ...(how.points[group.id] === undefined ? {} : { point: how.points[group.id] as number }),
      former: how.demoted.includes(group.id) ? 'demoted' : { leaseUntil: how.leaseUntil },
    })),
  );
}

/** Until when it is waited, for the machine. */
export const waiting = (results: readonly PromoteResult[]): { waits: boolean; until: string } => {
  const until = Math.max(0, ...results.flatMap((r) => (r.outcome === 'waits' ? [r.until ?? 0] : [])));
  return { waits: results.some((r) => r.outcome === 'waits'), until: iso(until) };
};

export const pointsAsked = (state: State): Record<string, number> =>
  (state.points as Record<string, number> | undefined) ?? {};
