import { createHash } from 'node:crypto';
import type { Page, Store } from '../store/store.ts';
import { MAX_ACTIONS, Transaction } from '../store/transaction.ts';
import { keyOfVolume, type WorldBlock, type WorldVolume, worldKeys } from './records.ts';

/** Blocks that one request of the store reads at most while a volume is hashed. */
const HASH_PAGE = 200;

/** Where the blocks of a volume stand; each move to another datastore gives it a new place. */
export const extentOf = ({ id, extent }: Pick<WorldVolume, 'id' | 'extent'>): string => extent ?? id;
export const copyOf = ({ id }: Pick<WorldVolume, 'id'>, token: number): string => `${id}@${token}`;

/** Where the guest's writes go: beside the volume, if they are to be gone with this start of it. */
export const writtenTo = (volume: Pick<WorldVolume, 'id' | 'extent' | 'session'>): string =>
  volume.session === undefined ? extentOf(volume) : sessionOf(volume.id, volume.session);
/** What a guest has written to a volume that is not persistent, since that start. */
export const sessionOf = (id: string, session: number): string => `${id}~${session}`;

/** Condition that a volume has not been moved since it was read; `:extent` is where it stood. */
export const SAME_EXTENT = '(#extent = :extent OR (attribute_not_exists(#extent) AND #id = :extent))';

/** Everywhere where something of a volume may stand. */
export const extentsOf = (id: string, volume: WorldVolume | undefined): Set<string> =>
  new Set(
    [
      id,
      volume?.extent,
      volume?.move?.extent,
      volume?.moved?.left,
      ...[volume?.session, volume?.formerSession].map((n) => (n === undefined ? n : sessionOf(id, n))),
    ].filter((e) => e !== undefined),
  );

type BlockRow = WorldBlock & { sk: string };
const all = <T>(store: Store, extent: string, projection?: string[]): Promise<T[]> =>
  store.queryAll<T>(`VOL#${extent}`, 'world', { consistent: true, ...(projection ? { projection } : {}) });

export const countBlocks = async (store: Store, extent: string): Promise<number> =>
  (await all(store, extent, ['sk'])).length;

/** The copy, or its order, is not there any more, or another call was faster: look again. */
export class CopyMoved extends Error {}

/**
 * Brings the copy of a volume up to date: what was written since it was last there is written to it. What a late call
 * still copies never replaces a newer block, and nothing is copied for a move that has ended.
 * @throws CopyMoved
 */
export async function copyVolume(store: Store, volume: WorldVolume & { move: { token: number; extent: string } }) {
  const { move } = volume;
  const there = new Map(
    (await all<{ sk: string; sequence: number }>(store, move.extent, ['sk', 'sequence'])).map((b) => [
      b.sk,
      b.sequence,
    ]),
  );
  const due = (await all<BlockRow>(store, extentOf(volume))).filter((b) => there.get(b.sk) !== b.sequence);
  const atOnce = MAX_ACTIONS - 1;
  for (let i = 0; i < due.length; i += atOnce) {
    const tx = new Transaction().check(
      keyOfVolume(volume),
      '#move.#token = :token',
      () => new CopyMoved(),
      { ':token': move.token },
      'world',
      { '#move': 'move', '#token': 'token' },
    );
    for (const { index, data, sequence, at } of due.slice(i, i + atOnce))
      tx.update(
        worldKeys.block(move.extent, index),
        {
          set: { index, data, sequence, at },
          condition: 'attribute_not_exists(#sequence) OR #sequence < :mine',
          values: { ':mine': sequence },
          onFail: () => new CopyMoved(),
        },
        'world',
      );
    await store.commit(tx);
  }
}

/** A page of blocks, in the order of their index; `after` is the last one that is known, -1 for the beginning. */
export const blocksAfter = (store: Store, extent: string, after: number, limit: number): Promise<Page<WorldBlock>> =>
  store.query<WorldBlock>(`VOL#${extent}`, 'world', {
    limit,
    consistent: true,
    ...(after >= 0 ? { after: { ...worldKeys.block(extent, after) } } : {}),
  });

/** SHA-256 over index (8 bytes), length (4 bytes) and bytes of every written block, in the order of their index. */
export async function hashExtent(store: Store, extent: string): Promise<{ hash: string; blocks: number }> {
  const sum = createHash('sha256');
  let blocks = 0;
  for (let after = -1, more = true; more; ) {
    const { items, next } = await blocksAfter(store, extent, after, HASH_PAGE);
    for (const { index, data } of items) {
      const head = Buffer.alloc(12);
      head.writeBigUInt64BE(BigInt(index));
      head.writeUInt32BE(data.length, 8);
      sum.update(head).update(data);
      after = index;
    }
    blocks += items.length;
    more = next !== undefined;
  }
  return { hash: sum.digest('hex'), blocks };
}

/** SHA-256 over the names and hashes of all these, in the order of names. */
export async function hashExtents(store: Store, extents: readonly { name: string; extent: string }[]): Promise<string> {
  const sum = createHash('sha256');
  for (const { name, extent } of [...extents].sort((a, b) => (a.name < b.name ? -1 : 1)))
    sum.update(`${name} ${(await hashExtent(store, extent)).hash}\n`);
  return sum.digest('hex');
}

export async function clearExtent(store: Store, extent: string): Promise<void> {
  const blocks = await all<{ sk: string }>(store, extent, ['sk']);
  for (let i = 0; i < blocks.length; i += MAX_ACTIONS) {
    const tx = new Transaction();
    for (const { sk } of blocks.slice(i, i + MAX_ACTIONS)) tx.delete({ pk: `VOL#${extent}`, sk }, { table: 'world' });
    await store.commit(tx);
  }
}
