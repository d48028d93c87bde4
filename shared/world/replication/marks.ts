import type { VolumeRef } from '../../hypervisor/port.ts';
import { Transaction } from '../../store/transaction.ts';
import { Refusal, type Site } from '../agent/common.ts';
import { worldKeys } from '../records.ts';
import type { World } from '../world.ts';
import { CopyChanged } from './copies.ts';
import { copyKey, type WorldCopy } from './records.ts';

/**
 * The change holds only while the primary has begun no newer order, and has the right to give one; with a head, and nobody has
 * written since.
 */
export const mustBeBegun = (tx: Transaction, primary: WorldCopy, head?: number): Transaction =>
  tx.check(
    copyKey(primary),
    `#role = :primary AND #epoch = :epoch AND #begun = :begun${head === undefined ? '' : ' AND #sequence = :head'}`,
    () => new CopyChanged(),
    {
      ':primary': 'primary',
      ':epoch': primary.epoch,
      ':begun': primary.begun,
      ...(head === undefined ? {} : { ':head': head }),
    },
    'world',
    {
      '#role': 'role',
      '#epoch': 'epoch',
      '#begun': 'begun',
      ...(head === undefined ? {} : { '#sequence': 'sequence' }),
    },
  );

/** Says on volumes that their writes belong to the group. */
export async function markAll(
  { world }: Site,
  siteId: string,
  volumes: readonly VolumeRef[],
  primary: WorldCopy,
): Promise<void> {
  for (const { vmId, name, id } of volumes) {
    const there = await world.volume(siteId, vmId, name);
    if (there?.id === id && there.group === primary.groupId) continue;
    const tx = mustBeBegun(new Transaction(), primary).update(
      worldKeys.volume(siteId, vmId, name),
      {
        set: { group: primary.groupId },
        condition: '#id = :id',
        names: { '#id': 'id' },
        values: { ':id': id },
        onFail: () => new Refusal(`there is no volume ${name} of ${vmId} at ${siteId}`),
      },
      'world',
    );
    await world.store.commit(tx);
  }
}

/** They are ordinary volumes again. One that was deleted meanwhile, or belongs to another group by now, is left alone. */
export async function unmarkAll(
  world: World,
  { groupId, siteId }: Pick<WorldCopy, 'groupId' | 'siteId'>,
  volumes: readonly VolumeRef[],
): Promise<void> {
  class Gone extends Error {}
  for (const { vmId, name, id } of volumes)
    try {
      await world.store.update(
        worldKeys.volume(siteId, vmId, name),
        {
          remove: ['group'],
          condition: '#id = :id AND #group = :mine',
          names: { '#id': 'id', '#group': 'group' },
          values: { ':id': id, ':mine': groupId },
          onFail: () => new Gone(),
        },
        'world',
      );
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
    }
}

/** What has left, and may carry the mark still, once the copy holds these volumes. */
export const leavingOf = (before: WorldCopy | undefined, volumes: readonly VolumeRef[]): VolumeRef[] =>
  [...(before?.leaving ?? []), ...(before?.volumes ?? [])]
    .filter(({ id }, i, all) => !volumes.some((v) => v.id === id) && all.findIndex((v) => v.id === id) === i)
    .map(({ id, vmId, name }) => ({ id, vmId, name }));
