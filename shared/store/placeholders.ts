import type { Hold } from '../hypervisor/demand.ts';
import { type HeldSeat, type Placeholders, seatHoldsOf } from '../model/placeholder.ts';
import type { RecoveryPlan } from '../model/recovery-plan.ts';
import { keys } from './keys.ts';
import { shiftHosts } from './ledger.ts';
import type { Store } from './store.ts';
import type { Transaction } from './transaction.ts';

/** Somebody else has moved seats, or used them up, since they were read. */
export class SeatsMoved extends Error {
  constructor(groupId: string) {
    super(`the seats that are kept for group ${groupId} changed meanwhile`);
  }
}

/** What is kept for groups of one tenant, as far as anything is. */
export const readPlaceholders = (store: Store, tenantId: string, groups: readonly string[]): Promise<Placeholders[]> =>
  store.getMany<Placeholders>(groups.map((id) => keys.placeholders(tenantId, id)));

/** What a plan keeps for its groups. Reads nothing for a plan that keeps nothing. */
export async function placeholdersOf(
  store: Store,
  plan: Pick<RecoveryPlan, 'id' | 'tenantId' | 'groups' | 'reserve'>,
): Promise<Placeholders[]> {
  if (plan.reserve !== 'full') return [];
  return (await readPlaceholders(store, plan.tenantId, plan.groups)).filter((p) => p.planId === plan.id);
}

/** What is kept for a group before and after; without one, nothing. */
export interface SeatChange {
  before?: Placeholders;
  after?: Placeholders;
}

/** Carries seats over, each as it was read, with what hosts give and take for them. */
export function changePlaceholders(tx: Transaction, changes: readonly SeatChange[]): void {
  const clusters = new Map<string, string>();
  const holds = (all: readonly (Placeholders | undefined)[]): Hold[] =>
    all.flatMap((p) => {
      const seats = Object.values(p?.seats ?? {});
      for (const seat of seats) clusters.set(seat.hostId, seat.clusterId);
      return seatHoldsOf(seats);
    });
  for (const { before, after } of changes) {
    const { tenantId, groupId } = (after ?? before) as Placeholders;
    const key = keys.placeholders(tenantId, groupId);
    const onFail = () => new SeatsMoved(groupId);
    const asRead = before && {
      condition: '#version = :version',
      names: { '#version': 'version' },
      values: { ':version': before.version },
      onFail,
    };
    if (after && asRead) tx.put(key, { ...after, version: (before as Placeholders).version + 1 }, asRead);
    else if (after) tx.put(key, after, { ifAbsent: onFail }).put(keys.reserved(groupId), { groupId, tenantId });
    else if (asRead) tx.delete(key, asRead).delete(keys.reserved(groupId));
  }
  const seats = { before: holds(changes.map((c) => c.before)), after: holds(changes.map((c) => c.after)) };
  shiftHosts(tx, (id) => clusters.get(id) as string, [], [], new Map(), seats);
}

/** The seat of one VM as it was read, and what becomes of it: used up where nothing does. */
export interface SeatUse {
  tenantId: string;
  groupId: string;
  vmId: string;
  was: HeldSeat;
  is?: HeldSeat;
}

/**
 * Seats are used up, lent, or given back, one by one: several transactions may do so to the seats of one group at once. What
 * hosts give and take for it is part of the change that they serve: see `seatShift`.
 */
export function useSeats(tx: Transaction, uses: readonly SeatUse[]): void {
  for (const [groupId, mine] of Map.groupBy(uses, (u) => u.groupId)) {
    const [{ tenantId }] = mine as [SeatUse];
    tx.update(keys.placeholders(tenantId, groupId), {
      set: Object.fromEntries(mine.flatMap(({ vmId, is }) => (is ? [[`seats.${vmId}`, is]] : []))),
      remove: mine.flatMap(({ vmId, is }) => (is ? [] : [`seats.${vmId}`])),
      add: { version: 1 },
      condition: mine.map((_, i) => `#seats.#v${i} = :was${i}`).join(' AND '),
      names: { '#seats': 'seats', ...Object.fromEntries(mine.map(({ vmId }, i) => [`#v${i}`, vmId])) },
      values: Object.fromEntries(mine.map(({ was }, i) => [`:was${i}`, was])),
      onFail: () => new SeatsMoved(groupId),
    });
  }
}

/** What these seats held of hosts before and after, for `shiftHosts`. */
export const seatShift = (uses: readonly SeatUse[]): { before: Hold[]; after: Hold[] } => ({
  before: seatHoldsOf(uses.map((u) => u.was)),
  after: seatHoldsOf(uses.flatMap((u) => u.is ?? [])),
});

/** The item that a use of a seat writes, for those who count what fits into a transaction. */
export const seatItem = ({ groupId }: Pick<SeatUse, 'groupId'>): string => `seats of ${groupId}`;
