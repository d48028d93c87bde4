import { BLOCK_BYTES } from '../../kernel/units.ts';
import { MAX_ACTIONS, Transaction } from '../../store/transaction.ts';
import { blocksAfter, extentOf, SAME_EXTENT } from '../extents.ts';
import { keyOfVolume, type WorldBlock, type WorldVolume, worldKeys } from '../records.ts';
import type { World } from '../world.ts';
import { asRead } from './apply.ts';
import { CopyChanged } from './copies.ts';
import type { WorldCopy } from './records.ts';

/** Blocks that one request of the store reads at most. */
const PAGE = 200;

/** What a volume must be given, or be rid of, so that it holds what another one held when this was read. */
export interface Differences {
  to: WorldVolume;
  /** Number of the last write of the one that it is made like. */
  sequence: number;
  blocks: { index: number; block: WorldBlock | undefined }[];
  bytes: number;
}

/** @throws CopyChanged when the source was moved to another datastore meanwhile: its old place may be cleared already */
export async function differences(world: World, from: WorldVolume, to: WorldVolume): Promise<Differences> {
  const found = differencesFrom(await blocksOf(world, from), await blocksOf(world, to), {
    to,
    sequence: from.sequence,
  });
  const now = await world.volume(from.siteId, from.vmId, from.name);
  if (!now || extentOf(now) !== extentOf(from)) throw new CopyChanged();
  return { ...found, sequence: now.sequence };
}

export function differencesFrom(
  source: ReadonlyMap<number, WorldBlock>,
  target: ReadonlyMap<number, WorldBlock>,
  of: Pick<Differences, 'to' | 'sequence'>,
): Differences {
  const due = [...source.values()].filter((b) => !same(b, target.get(b.index)));
  const gone = [...target.keys()].filter((index) => !source.has(index));
  const blocks = [
    ...due.map((block) => ({ index: block.index, block: plain(block) })),
    ...gone.map((index) => ({ index, block: undefined })),
  ];
  return { ...of, blocks, bytes: blocks.length * BLOCK_BYTES };
}

/**
 * Makes it so, while the copy stands as it was read: so a copy that was made before is not made again. Processes that had
 * the volume before have it no more: what they know of it is not what stands there.
 */
export async function writeDifferences(world: World, copy: WorldCopy, { to, sequence, blocks }: Differences) {
  await writeBlocks(world, blocks, to, (tx) => asRead(tx, copy));
  await world.store.commit(
    asRead(new Transaction(), copy).update(
      keyOfVolume(to),
      {
        set: { sequence },
        remove: ['leaseHost'],
        condition: SAME_EXTENT,
        names: { '#extent': 'extent', '#id': 'id' },
        values: { ':extent': extentOf(to) },
        onFail: () => new CopyChanged(),
      },
      'world',
    ),
  );
}

/** Each transaction under a condition that says that nobody was faster; it takes one action. */
export async function writeBlocks(
  world: World,
  blocks: Differences['blocks'],
  to: WorldVolume,
  under: (tx: Transaction) => Transaction,
): Promise<void> {
  const atOnce = MAX_ACTIONS - 1;
  for (let i = 0; i < blocks.length; i += atOnce) {
    const tx = under(new Transaction());
    for (const { index, block } of blocks.slice(i, i + atOnce)) {
      const key = worldKeys.block(extentOf(to), index);
      if (block) tx.put(key, block, { table: 'world' });
      else tx.delete(key, { table: 'world' });
    }
    await world.store.commit(tx);
  }
}

export async function blocksOf(world: World, volume: WorldVolume): Promise<Map<number, WorldBlock>> {
  const found = new Map<number, WorldBlock>();
  for (let after = -1, more = true; more; ) {
    const { items, next } = await blocksAfter(world.store, extentOf(volume), after, PAGE);
    for (const block of items) {
      found.set(block.index, block);
      after = block.index;
    }
    more = next !== undefined;
  }
  return found;
}

const plain = ({ index, data, sequence, at }: WorldBlock): WorldBlock => ({ index, data, sequence, at });

const same = (a: WorldBlock, b: WorldBlock | undefined): boolean =>
  b !== undefined && a.sequence === b.sequence && Buffer.compare(a.data, b.data) === 0;
