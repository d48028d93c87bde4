import type { CloneOrder, CloneResult } from '../../hypervisor/replication-port.ts';
import { MAX_ACTIONS, Transaction } from '../../store/transaction.ts';
import { each, Refusal, type Site } from '../agent/common.ts';
import { createVolumes } from '../agent/volumes.ts';
import { clearExtent, extentOf } from '../extents.ts';
import { type WorldBlock, type WorldVolume, worldKeys } from '../records.ts';
import { pointsOf } from './advance.ts';
import { blocksOf, plain } from './apply.ts';
import { CopyChanged } from './copies.ts';
import type { WorldCopy } from './records.ts';
import { retried, settle } from './settle.ts';

/** DR-8: volumes of their own that hold what the copy held at a point. The copy itself is only read. */
export const cloneGroups = (site: Site, siteId: string, orders: CloneOrder[]): Promise<CloneResult[]> =>
  each<CloneOrder, CloneResult>(
    orders,
    async (order) => ({
      groupId: order.groupId,
      outcome: 'done',
      point: await retried(() => clone(site, siteId, order)),
    }),
    ({ groupId }, reason) => ({ groupId, outcome: 'refused', reason }),
  );

async function clone(site: Site, siteId: string, order: CloneOrder) {
  const { world } = site;
  const settled = await settle(site, order.groupId);
  const copy = settled.copies.get(siteId);
  const line = settled.lines.get(siteId);
  if (copy?.role !== 'secondary' || !copy.feed || !line) throw new Refusal(`${siteId} has no copy of this group`);
  const points = pointsOf({ sequence: copy.sequence, feed: copy.feed }, line, settled.now);
  const point = order.point === undefined ? points.at(-1) : points.find((p) => p.sequence === order.point);
  if (!point)
    throw new Refusal(points.length === 0 ? 'it has no complete point yet' : `it has no point ${order.point}`);
  const failed = (
    await createVolumes(
      site,
      siteId,
      order.volumes.map((v) => v.to),
    )
  ).find((r) => !r.ok);
  if (failed) throw new Refusal(failed.reason ?? `volume ${failed.id} could not be made`);
  const since = settled.waiting.get(siteId) ?? [];
  for (const { vmId, name, to } of order.volumes) {
    const [from, target] = [await world.volume(siteId, vmId, name), await world.volume(siteId, to.vmId, to.name)];
    if (!from || !target || !copy.volumes.some((v) => v.id === from.id))
      throw new Refusal(`the copy at ${siteId} has no disk ${name} of ${vmId}`);
    // It was given to a VM: the order is an old one, and all is there.
    if (target.leaseEpoch > 0) continue;
    const blocks = await blocksOf(world, from);
    for (const e of since)
      if (e.vmId === vmId && e.name === name && e.sequence <= point.sequence)
        blocks.set(e.index, { index: e.index, data: e.data, sequence: e.volumeSequence, at: e.at });
    await fill(site, target, [...blocks.values()]);
  }
  await mustStand(site, copy);
  return point;
}

async function fill({ world }: Site, volume: WorldVolume, blocks: readonly WorldBlock[]): Promise<void> {
  await clearExtent(world.store, extentOf(volume));
  for (let i = 0; i < blocks.length; i += MAX_ACTIONS) {
    const tx = new Transaction();
    for (const block of blocks.slice(i, i + MAX_ACTIONS))
      tx.put(worldKeys.block(extentOf(volume), block.index), plain(block), { table: 'world' });
    await world.store.commit(tx);
  }
  const sequence = Math.max(0, ...blocks.map((b) => b.sequence));
  await world.store.update(worldKeys.volume(volume.siteId, volume.vmId, volume.name), { set: { sequence } }, 'world');
}

/** What was read was one state of the copy only if it is still the same one. */
async function mustStand(site: Site, copy: WorldCopy): Promise<void> {
  const now = (await settle(site, copy.groupId)).copies.get(copy.siteId);
  if (now?.revision !== copy.revision || now.sequence !== copy.sequence) throw new CopyChanged();
}
