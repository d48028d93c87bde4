import type { LostWrites } from '../../hypervisor/replication-port.ts';
import { BLOCK_BYTES } from '../../kernel/units.ts';
import type { Store } from '../../store/store.ts';
import { MAX_ACTIONS, Transaction } from '../../store/transaction.ts';
import { type Branch, epochOf, type JournalEntry, replicationKeys } from './records.ts';

/** The writes after one number, as a history has them, in order. */
export async function writesAfter(
  store: Store,
  groupId: string,
  branches: readonly Branch[],
  after: number,
): Promise<JournalEntry[]> {
  const found = await store.queryAll<JournalEntry>(replicationKeys.journal(groupId), 'world', {
    consistent: true,
    after: { ...replicationKeys.behind(groupId, after) },
  });
  return found.filter((e) => e.epoch === epochOf(branches, e.sequence));
}

/** Bytes that cross the link for these writes: of a block that was written several times only the last. */
export const coalescedBytes = (entries: readonly JournalEntry[]): number =>
  new Set(entries.map((e) => `${e.vmId}/${e.name}/${e.index}`)).size * BLOCK_BYTES;

export const lossOf = (entries: readonly JournalEntry[]): LostWrites => {
  const [first, last] = [entries[0], entries.at(-1)];
  const bytes = entries.reduce((sum, e) => sum + e.data.length, 0);
  return { count: entries.length, bytes, ...(first && last ? { from: first.at, to: last.at } : {}) };
};

/** Writes that are looked at in one go when the journal is trimmed. */
const TRIM_PAGE = 500;

/** Forgets writes of a history up to one number: every copy has them in its volumes. Those of other histories stay. */
export async function trimJournal(
  store: Store,
  groupId: string,
  branches: readonly Branch[],
  upTo: number,
): Promise<void> {
  const { items } = await store.query<{ pk: string; sk: string; sequence: number; epoch: number }>(
    replicationKeys.journal(groupId),
    'world',
    { limit: TRIM_PAGE, consistent: true, projection: ['pk', 'sk', 'sequence', 'epoch'] },
  );
  const old = items.filter((e) => e.sequence <= upTo && e.epoch === epochOf(branches, e.sequence));
  for (let i = 0; i < old.length; i += MAX_ACTIONS) {
    const tx = new Transaction();
    for (const { pk, sk } of old.slice(i, i + MAX_ACTIONS)) tx.delete({ pk, sk }, { table: 'world' });
    await store.commit(tx);
  }
}
