import type { CloneOrder, CloneResult } from '../../hypervisor/replication-port.ts';
import { each, Refusal, type Site } from '../agent/common.ts';
import { createVolumes } from '../agent/volumes.ts';
import { volumeLost } from '../process.ts';
import { keyOfVolume, type WorldBlock, type WorldVolume } from '../records.ts';
import { pointsOf } from './advance.ts';
import { blocksOf, differencesFrom, writeBlocks } from './base.ts';
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
    const held = copy.volumes.find((v) => v.id === from?.id);
    if (!from || !target || !held) throw new Refusal(`the copy at ${siteId} has no disk ${name} of ${vmId}`);
    if (held.joining || (held.from ?? 0) > point.sequence)
      throw new Refusal(`disk ${name} of ${vmId} had not been copied to ${siteId} at point ${point.sequence}`);
    if (volumeLost(settled.faults, from, settled.now))
      throw new Refusal(`the storage of disk ${name} of ${vmId} is lost`);
    // It was given to a VM: the order is an old one, and all is there.
    if (target.leaseEpoch > 0) continue;
    const blocks = await blocksOf(world, from);
    for (const e of since)
      if (e.vmId === vmId && e.name === name && e.sequence <= point.sequence)
        blocks.set(e.index, { index: e.index, data: e.data, sequence: e.volumeSequence, at: e.at });
    await fill(site, target, blocks, point.sequence);
  }
  await mustStand(site, copy);
  return point;
}

/** A late order neither mixes its point with the one of a newer, nor touches what was given to a VM meanwhile. */
async function fill({ world }: Site, volume: WorldVolume, blocks: ReadonlyMap<number, WorldBlock>, point: number) {
  const unused = '#leaseEpoch = :never';
  const names = { '#leaseEpoch': 'leaseEpoch' };
  const values = { ':never': 0 };
  const onFail = () => new CopyChanged();
  const key = keyOfVolume(volume);
  await world.store.update(key, { set: { clonedAt: point }, condition: unused, names, values, onFail }, 'world');
  const sequence = Math.max(0, ...[...blocks.values()].map((b) => b.sequence));
  const { blocks: due } = differencesFrom(blocks, await blocksOf(world, volume), { to: volume, sequence });
  const mine = { condition: `${unused} AND #clonedAt = :point`, names: { ...names, '#clonedAt': 'clonedAt' } };
  const at = { ...values, ':point': point };
  await writeBlocks(world, due, volume, (tx) => tx.check(key, mine.condition, onFail, at, 'world', mine.names));
  await world.store.update(key, { set: { sequence }, ...mine, values: at, onFail }, 'world');
}

/** What was read was one state of the copy only if it is still the same one. */
async function mustStand(site: Site, copy: WorldCopy): Promise<void> {
  const now = (await settle(site, copy.groupId)).copies.get(copy.siteId);
  if (now?.revision !== copy.revision || now.sequence !== copy.sequence) throw new CopyChanged();
}
