import type { VolumeRef } from '../../hypervisor/port.ts';
import type { Transaction } from '../../store/transaction.ts';
import { Refusal } from '../agent/common.ts';
import type { WorldVolume } from '../records.ts';
import type { World } from '../world.ts';
import { copiesOf } from './copies.ts';
import { copyKey, type WorldCopy } from './records.ts';

/**
 * DR-17: a primary's volume is larger only once every copy that its writes go to is: a block beyond the end of a copy could
 * not be written there. A leg to which nothing is sent does not count, until it is resumed. Whoever adds or resumes a leg
 * in this instant finds the group changed.
 * @throws Refusal naming the sites whose copies are smaller
 */
export async function copiesFirst(
  tx: Transaction,
  world: World,
  volume: WorldVolume & { group: string },
  sizeGiB: number,
  overtaken: () => Error,
): Promise<void> {
  const copies = await copiesOf(world, volume.group);
  const mine = copies.get(volume.siteId);
  if (mine?.role !== 'primary') return;
  touch(tx, mine, overtaken);
  const smaller: string[] = [];
  for (const { siteId } of mine.legs) {
    const copy = copies.get(siteId);
    if (copy) touch(tx, copy, overtaken);
    if (copy?.feed?.state === 'suspended') continue;
    const there = await world.volume(siteId, volume.vmId, volume.name);
    if (there && there.sizeGiB < sizeGiB) smaller.push(siteId);
  }
  if (smaller.length > 0) throw new Refusal(`the copy of disk ${volume.name} at ${smaller.join(', ')} is smaller`);
}

/** The copy must be as it was read, and whoever else has read it finds it changed. */
const touch = (tx: Transaction, copy: WorldCopy, overtaken: () => Error): Transaction =>
  tx.update(
    copyKey(copy),
    {
      add: { revision: 1 },
      condition: '#revision = :revision',
      names: { '#revision': 'revision' },
      values: { ':revision': copy.revision },
      onFail: overtaken,
    },
    'world',
  );

/** Volumes of a group at a site. */
interface Half {
  siteId: string;
  volumes: readonly VolumeRef[];
}

/** @throws Refusal when a volume of the copy at `to` has not the room for what stands in the primary's */
export async function mustBeLargeEnough(world: World, from: Half, to: Half): Promise<void> {
  const [sources, targets] = await Promise.all([from, to].map((half) => world.volumesAt(half.siteId, half.volumes)));
  for (const target of targets ?? []) {
    const source = sources?.find((v) => v.vmId === target.vmId && v.name === target.name);
    if (source && target.sizeGiB < source.sizeGiB)
      throw new Refusal(
        `the copy of disk ${target.name} of ${target.vmId} at ${to.siteId} has ${target.sizeGiB} GiB, and the disk ${source.sizeGiB}`,
      );
  }
}
