import type { HashResult, ReadOrder, ReadResult, VolumeRef, VolumeResult, WriteOrder } from '../../hypervisor/port.ts';
import { Transaction } from '../../store/transaction.ts';
import { blocksAfter, extentOf, hashExtent } from '../extents.ts';
import { volumeLost } from '../process.ts';
import { type WorldBlock, type WorldVolume, worldKeys } from '../records.ts';
import { each, Refusal, type Site } from './common.ts';

/** The volume, or why nothing can be said of what it holds. */
async function open(
  { world, clock }: Site,
  siteId: string,
  ref: VolumeRef,
): Promise<WorldVolume | 'absent' | 'unreachable'> {
  const volume = await world.volume(siteId, ref.vmId, ref.name);
  if (!volume || volume.id !== ref.id) return 'absent';
  return volumeLost(await world.faults(), volume, clock.now()) ? 'unreachable' : volume;
}

export async function readBlocks(site: Site, siteId: string, orders: ReadOrder[]): Promise<ReadResult[]> {
  const results: ReadResult[] = [];
  for (const order of orders) {
    const { id } = order;
    const volume = await open(site, siteId, order);
    if (typeof volume === 'string') {
      results.push({ id, outcome: volume, blocks: [], more: false });
      continue;
    }
    const { items, next } = await blocksAfter(site.world.store, extentOf(volume), order.after, order.limit);
    const blocks = items.map(({ index, data, sequence, at }) => ({
      index,
      data: Buffer.from(data).toString('base64'),
      sequence,
      at,
    }));
    results.push({ id, outcome: 'read', blocks, more: next !== undefined });
  }
  return results;
}

/** A volume that a process was ever given is the guest's alone: nothing is written into it from outside. */
export async function writeBlocks(site: Site, siteId: string, orders: WriteOrder[]): Promise<VolumeResult[]> {
  return each<WriteOrder, VolumeResult>(
    orders,
    async (order) => {
      const volume = await open(site, siteId, order);
      if (typeof volume === 'string') throw new Refusal(`volume ${order.name} is ${volume}`);
      const tx = new Transaction();
      for (const { index, data, sequence, at } of order.blocks) {
        const block: WorldBlock = { index, data: Buffer.from(data, 'base64'), sequence, at };
        tx.put(worldKeys.block(extentOf(volume), index), block, { table: 'world' });
      }
      tx.update(
        worldKeys.volume(siteId, order.vmId, order.name),
        {
          // The guest's next write goes on counting where the last one stopped.
          set: { sequence: Math.max(volume.sequence, ...order.blocks.map((b) => b.sequence)) },
          condition: '#id = :id AND #leaseEpoch = :never',
          names: { '#id': 'id', '#leaseEpoch': 'leaseEpoch' },
          values: { ':id': order.id, ':never': 0 },
          onFail: () => new Refusal(`volume ${order.name} was given to a VM already`),
        },
        'world',
      );
      await site.world.store.commit(tx);
      return { id: order.id, ok: true };
    },
    ({ id }, reason) => ({ id, ok: false, reason }),
  );
}

export async function hashVolumes(site: Site, siteId: string, volumes: VolumeRef[]): Promise<HashResult[]> {
  const results: HashResult[] = [];
  for (const ref of volumes) {
    const volume = await open(site, siteId, ref);
    if (typeof volume === 'string') results.push({ id: ref.id, outcome: volume });
    else results.push({ id: ref.id, outcome: 'read', ...(await hashExtent(site.world.store, extentOf(volume))) });
  }
  return results;
}
