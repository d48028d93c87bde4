import type { Key } from '../../store/tables.ts';
import { MAX_ACTIONS, Transaction } from '../../store/transaction.ts';
import { extentOf } from '../extents.ts';
import { type WorldBlock, type WorldVolume, worldKeys } from '../records.ts';
import type { World } from '../world.ts';
import { CopyChanged, sameState } from './copies.ts';
import { copyKey, type JournalEntry, type WorldCopy } from './records.ts';

/** The copy must be as it was read: whoever changes it meanwhile makes late writes to its volumes harmless. */
export const asRead = (tx: Transaction, copy: WorldCopy): Transaction =>
  tx.check(copyKey(copy), '#revision = :revision', () => new CopyChanged(), { ':revision': copy.revision }, 'world', {
    '#revision': 'revision',
  });

/**
 * Writes into the volumes of a copy what it holds up to a number. That it is being done is written down first: from then on
 * no earlier state can be had of it, whoever goes on with it.
 */
export async function bringTo(
  world: World,
  copy: WorldCopy,
  upTo: number,
  waiting: readonly JournalEntry[],
): Promise<WorldCopy> {
  if (upTo <= copy.sequence) return copy;
  let begun = copy;
  if (copy.applying !== upTo) {
    const tx = new Transaction().update(
      copyKey(copy),
      {
        set: { applying: upTo },
        add: { revision: 1 },
        ...sameState(copy),
      },
      'world',
    );
    await world.store.commit(tx);
    begun = { ...copy, applying: upTo, revision: copy.revision + 1 };
  }
  // The first copy of what joined later holds newer blocks already.
  const volumes = copy.volumes.filter((v) => (v.from ?? 0) <= upTo);
  const since = new Map(volumes.map((v) => [nameOf(v), v.since ?? 0]));
  const due = waiting.filter((e) => e.sequence <= upTo && e.sequence > (since.get(nameOf(e)) ?? 0));
  await applyWrites(world, { ...begun, volumes }, due);
  return begun;
}

/** Of a block that was written several times the last. */
async function applyWrites(world: World, copy: WorldCopy, entries: readonly JournalEntry[]): Promise<void> {
  const volumes = new Map((await world.volumesAt(copy.siteId, copy.volumes)).map((v) => [nameOf(v), v]));
  const last = await notThere(
    world,
    copy,
    volumes,
    [...new Map(entries.map((e) => [`${nameOf(e)}/${e.index}`, e])).values()].filter((e) => volumes.has(nameOf(e))),
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

/** Without what the first copy of a volume holds already, or what is newer there: it had left the group for a while. */
async function notThere(
  world: World,
  copy: WorldCopy,
  volumes: ReadonlyMap<string, WorldVolume>,
  entries: JournalEntry[],
): Promise<JournalEntry[]> {
  const fresh = new Set(copy.volumes.filter((v) => (v.from ?? 0) > copy.sequence).map(nameOf));
  const keyOf = (e: JournalEntry) => worldKeys.block(extentOf(volumes.get(nameOf(e)) as WorldVolume), e.index);
  const asked = entries.filter((e) => fresh.has(nameOf(e)));
  const found = await world.store.getMany<WorldBlock & Key>(asked.map(keyOf), 'world');
  const numbers = new Map(found.map((b) => [`${b.pk}/${b.sk}`, b.sequence]));
  return entries.filter((e) => (numbers.get(`${keyOf(e).pk}/${keyOf(e).sk}`) ?? 0) <= e.volumeSequence);
}

/** The guest's next write there goes on counting where the last one stopped. */
async function numberWrites(world: World, volume: WorldVolume, sequence: number): Promise<void> {
  if (volume.sequence >= sequence) return;
  await world.store.update(worldKeys.volume(volume.siteId, volume.vmId, volume.name), { set: { sequence } }, 'world');
}

const nameOf = ({ vmId, name }: { vmId: string; name: string }): string => `${vmId}/${name}`;
