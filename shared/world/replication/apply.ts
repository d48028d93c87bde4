import { BLOCK_BYTES } from '../../kernel/units.ts';
import { MAX_ACTIONS, Transaction } from '../../store/transaction.ts';
import { blocksAfter, extentOf } from '../extents.ts';
import { type WorldBlock, type WorldVolume, worldKeys } from '../records.ts';
import type { World } from '../world.ts';
import { CopyChanged } from './copies.ts';
import { copyKey, type JournalEntry, type WorldCopy } from './records.ts';

/** Blocks that one request of the store reads at most. */
const PAGE = 200;

/** The copy must be as it was read: whoever changes it meanwhile makes late writes to its volumes harmless. */
const asRead = (tx: Transaction, copy: WorldCopy): Transaction =>
  tx.check(copyKey(copy), '#revision = :revision', () => new CopyChanged(), { ':revision': copy.revision }, 'world', {
    '#revision': 'revision',
  });

/** Writes what has reached a copy into its volumes; of a block that was written several times the last. */
export async function applyWrites(world: World, copy: WorldCopy, entries: readonly JournalEntry[]): Promise<void> {
  const volumes = new Map((await world.volumesAt(copy.siteId, copy.volumes)).map((v) => [nameOf(v), v]));
  const last = [...new Map(entries.map((e) => [`${nameOf(e)}/${e.index}`, e])).values()].filter((e) =>
    volumes.has(nameOf(e)),
  );
  const atOnce = MAX_ACTIONS - 1;
  for (let i = 0; i < last.length; i += atOnce) {
    const tx = asRead(new Transaction(), copy);
    for (const { index, data, volumeSequence, at, ...of } of last.slice(i, i + atOnce))
      tx.update(
        worldKeys.block(extentOf(volumes.get(nameOf(of)) as WorldVolume), index),
        {
          set: { index, data, sequence: volumeSequence, at },
          condition: 'attribute_not_exists(#sequence) OR #sequence <= :mine',
          values: { ':mine': volumeSequence },
          onFail: () => new CopyChanged(),
        },
        'world',
      );
    await world.store.commit(tx);
  }
  const newest = Map.groupBy(entries, nameOf);
  for (const [name, some] of newest) {
    const volume = volumes.get(name);
    if (volume) await numberWrites(world, volume, Math.max(...some.map((e) => e.volumeSequence)));
  }
}

/** The guest's next write there goes on counting where the last one stopped. */
async function numberWrites(world: World, volume: WorldVolume, sequence: number): Promise<void> {
  if (volume.sequence >= sequence) return;
  await world.store.update(worldKeys.volume(volume.siteId, volume.vmId, volume.name), { set: { sequence } }, 'world');
}

/**
 * Makes a volume of the copy hold what its source holds now, block by block, and only where they differ: so a copy that was
 * made before is not made again. Answers the bytes that differ.
 */
export async function copyBase(world: World, copy: WorldCopy, from: WorldVolume, to: WorldVolume): Promise<number> {
  const [source, target] = [await blocksOf(world, from), await blocksOf(world, to)];
  const due = [...source.values()].filter((b) => !same(b, target.get(b.index)));
  const gone = [...target.keys()].filter((index) => !source.has(index));
  const atOnce = MAX_ACTIONS - 1;
  const changes = [
    ...due.map((block) => ({ index: block.index, block })),
    ...gone.map((index) => ({ index, block: undefined })),
  ];
  for (let i = 0; i < changes.length; i += atOnce) {
    const tx = asRead(new Transaction(), copy);
    for (const { index, block } of changes.slice(i, i + atOnce)) {
      const key = worldKeys.block(extentOf(to), index);
      if (block) tx.put(key, plain(block), { table: 'world' });
      else tx.delete(key, { table: 'world' });
    }
    await world.store.commit(tx);
  }
  await world.store.update(
    worldKeys.volume(to.siteId, to.vmId, to.name),
    { set: { sequence: from.sequence } },
    'world',
  );
  return changes.length * BLOCK_BYTES;
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

export const plain = ({ index, data, sequence, at }: WorldBlock): WorldBlock => ({ index, data, sequence, at });

const same = (a: WorldBlock, b: WorldBlock | undefined): boolean =>
  b !== undefined && a.sequence === b.sequence && Buffer.compare(a.data, b.data) === 0;

const nameOf = ({ vmId, name }: { vmId: string; name: string }): string => `${vmId}/${name}`;
