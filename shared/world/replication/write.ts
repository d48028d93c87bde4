import { busy, DomainError } from '../../kernel/errors.ts';
import type { Transaction } from '../../store/transaction.ts';
import { extentOf, SAME_EXTENT } from '../extents.ts';
import { type WorldBlock, type WorldVolume, worldKeys } from '../records.ts';
import type { World } from '../world.ts';
import { copiesOf, lineTo } from './copies.ts';
import { carries } from './line.ts';
import { copyKey, type JournalEntry, replicationKeys, type WorldCopy, type WorldSiteLease } from './records.ts';
import { type Right, rightOf, rivalsOf } from './right.ts';

interface GuestWrite {
  volume: WorldVolume & { group: string };
  block: WorldBlock;
}

/**
 * Adds to a guest's write what its group asks for: the journal, and the other copies of a synchronous pair. It is one
 * transaction: acknowledged means that all of them have it (DR-4).
 * @throws `not-primary` where the right to write lies elsewhere, `busy` while the write is held back
 */
export async function addReplication(
  tx: Transaction,
  world: World,
  { volume, block }: GuestWrite,
  now: number,
  overtaken: () => Error,
): Promise<void> {
  const copies = await copiesOf(world, volume.group);
  const copy = copies.get(volume.siteId);
  if (!copy?.volumes.some((v) => v.id === volume.id)) {
    // It joins, or has left: not in the instant of this write.
    if (copy) mustBeSame(tx, copy, overtaken);
    return;
  }
  const faults = await world.faults();
  const right = await mustHaveRight(world, copy, copies, now);
  const sequence = copy.sequence + 1;
  tx.update(
    copyKey(copy),
    {
      set: { sequence, at: now },
      condition: '#role = :primary AND #epoch = :epoch AND #sequence = :before AND #revision = :revision',
      names: { '#role': 'role', '#epoch': 'epoch', '#revision': 'revision' },
      values: { ':primary': 'primary', ':epoch': copy.epoch, ':before': copy.sequence, ':revision': copy.revision },
      onFail: overtaken,
    },
    'world',
  );
  const { index, data } = block;
  const entry: JournalEntry = {
    groupId: copy.groupId,
    epoch: copy.epoch,
    sequence,
    vmId: volume.vmId,
    name: volume.name,
    index,
    data,
    volumeSequence: block.sequence,
    at: now,
  };
  tx.put(replicationKeys.entry(copy.groupId, sequence, copy.epoch), entry, { table: 'world' });
  const twins = twinsOf(copy, copies);
  if (right === 'sight')
    for (const rival of rivalsOf(copy, copies))
      if (!twins.some((t) => t.siteId === rival.siteId)) mustNotTakeOver(tx, rival, overtaken);
  for (const other of twins) {
    if (other.feed?.state !== 'synced') {
      mustBeSame(tx, other, overtaken);
      continue;
    }
    const line = await lineTo(world, copies, other, faults, now);
    if (!line || !carries(line, now))
      throw busy(`The write is held back: ${other.siteId} does not answer, and the group was not told to go on alone.`);
    await addTwin(tx, world, other, { volume, block }, sequence, overtaken);
  }
}

/**
 * Copies that take part in each write, or are about to: those of synchronous legs, and any that holds itself for in step. An
 * order that takes its leg away, or changes it, is not carried out before the copy was told: until then it misses nothing.
 */
const twinsOf = (copy: WorldCopy, copies: ReadonlyMap<string, WorldCopy>): WorldCopy[] => {
  const legs = new Set(copy.legs.filter((l) => l.mode === 'sync').map((l) => l.siteId));
  const inStep = ({ role, epoch, feed }: WorldCopy) =>
    role === 'secondary' && epoch === copy.epoch && feed?.state === 'synced' && feed.from === copy.siteId;
  return [...copies.values()].filter((c) => c.siteId !== copy.siteId && (legs.has(c.siteId) || inStep(c)));
};

async function mustHaveRight(
  world: World,
  copy: WorldCopy,
  copies: Map<string, WorldCopy>,
  now: number,
): Promise<Right> {
  const lease = await world.store.get<WorldSiteLease>(replicationKeys.lease(copy.siteId), { table: 'world' });
  const right = rightOf(copy, copies, lease, await world.faults(), now);
  if (right) return right;
  if (copy.role === 'primary')
    throw busy(`The write is held back: the lease of ${copy.siteId} is over, and it sees nobody who could confirm it.`);
  throw new DomainError('not-primary', `The right to write of the group has left ${copy.siteId}.`, {
    figures: { role: copy.role, epoch: copy.epoch },
  });
}

/** The same block in the copy that takes part in each write. */
async function addTwin(
  tx: Transaction,
  world: World,
  other: WorldCopy,
  { volume, block }: GuestWrite,
  sequence: number,
  overtaken: () => Error,
): Promise<void> {
  tx.update(
    copyKey(other),
    {
      set: { sequence, at: block.at },
      condition: '#revision = :revision AND #role = :secondary AND #sequence < :mine',
      names: { '#revision': 'revision', '#role': 'role' },
      values: { ':revision': other.revision, ':secondary': 'secondary', ':mine': sequence },
      onFail: overtaken,
    },
    'world',
  );
  // It is about to join: its first copy is being made, and will have this block.
  if (!other.volumes.some((v) => v.vmId === volume.vmId && v.name === volume.name)) return;
  const twin = await world.volume(other.siteId, volume.vmId, volume.name);
  if (!twin) throw busy(`The write is held back: the copy of disk ${volume.name} at ${other.siteId} is missing.`);
  tx.put(worldKeys.block(extentOf(twin), block.index), { ...block }, { table: 'world' });
  tx.update(
    worldKeys.volume(other.siteId, twin.vmId, twin.name),
    {
      set: { sequence: block.sequence },
      condition: SAME_EXTENT,
      names: { '#extent': 'extent', '#id': 'id' },
      values: { ':extent': extentOf(twin) },
      onFail: overtaken,
    },
    'world',
  );
}

/** It takes no part in the write, and must not begin to in this instant. */
const mustBeSame = (tx: Transaction, other: WorldCopy, overtaken: () => Error): unknown =>
  tx.check(copyKey(other), '#revision = :revision', overtaken, { ':revision': other.revision }, 'world', {
    '#revision': 'revision',
  });

/** The right was seen, and must last until the write is there. */
const mustNotTakeOver = (tx: Transaction, { epoch, ...rival }: WorldCopy, overtaken: () => Error): unknown =>
  tx.check(copyKey(rival), '#epoch = :epoch', overtaken, { ':epoch': epoch }, 'world', { '#epoch': 'epoch' });
