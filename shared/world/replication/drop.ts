import type { GroupOrder, GroupResult } from '../../hypervisor/replication-port.ts';
import { Transaction } from '../../store/transaction.ts';
import type { Site } from '../agent/common.ts';
import { sameRevision } from './copies.ts';
import { leavingOf, unmarkAll } from './marks.ts';
import { copyKey, type DroppedCopy, replicationKeys } from './records.ts';
import { retried, settle } from './settle.ts';

/**
 * The volumes of a copy become ordinary ones again. The copy goes first: while marks are taken off one by one no other copy
 * can be promoted that has the writes of some volumes and lacks those of others.
 */
export async function dropGroups(site: Site, siteId: string, groupIds: string[]): Promise<GroupResult[]> {
  for (const groupId of groupIds) {
    await retried(() => forget(site, siteId, groupId));
    const key = replicationKeys.dropped(groupId, siteId);
    const left = await site.world.store.get<DroppedCopy>(key, { table: 'world' });
    if (!left || left.leaving.length === 0) continue;
    await unmarkAll(site.world, { groupId, siteId }, left.leaving);
    await site.world.store.update(key, { set: { leaving: [] } }, 'world');
  }
  return groupIds.map((groupId) => ({ groupId, outcome: 'done' }));
}

async function forget(site: Site, siteId: string, groupId: string): Promise<void> {
  const copy = (await settle(site, groupId)).copies.get(siteId);
  if (!copy) return;
  const left: DroppedCopy = { epoch: copy.epoch, version: copy.begun, leaving: leavingOf(copy, []) };
  const tx = new Transaction()
    .put(replicationKeys.dropped(groupId, siteId), left, { table: 'world' })
    .delete(copyKey(copy), {
      table: 'world',
      ...sameRevision(copy),
    });
  await site.world.store.commit(tx);
}

/** Whether the order is of the time before the copy at this site was dropped. */
export async function isOver(
  { world }: Site,
  siteId: string,
  { groupId, epoch, version }: Pick<GroupOrder, 'groupId' | 'epoch' | 'version'>,
): Promise<boolean> {
  const left = await world.store.get<DroppedCopy>(replicationKeys.dropped(groupId, siteId), { table: 'world' });
  return left !== undefined && epoch <= left.epoch && version <= left.version;
}
