import type { VolumeOrder, VolumeRef, VolumeResult } from '../../hypervisor/port.ts';
import { Transaction } from '../../store/transaction.ts';
import { clearExtent, extentsOf } from '../extents.ts';
import { type WorldVolume, worldKeys } from '../records.ts';
import { each, Refusal, type Site } from './common.ts';

export async function createVolumes({ world }: Site, siteId: string, orders: VolumeOrder[]): Promise<VolumeResult[]> {
  const tx = (v: VolumeOrder) =>
    new Transaction().put(
      worldKeys.volume(siteId, v.vmId, v.name),
      { ...v, kind: 'volume', siteId, leaseEpoch: 0, sequence: 0, refused: 0 } satisfies WorldVolume,
      {
        table: 'world',
        condition: 'attribute_not_exists(pk) OR id = :id',
        values: { ':id': v.id },
        onFail: () => new Refusal('another volume stands there'),
      },
    );
  return each<VolumeOrder, VolumeResult>(
    orders,
    async (v) => {
      const there = await world.volume(siteId, v.vmId, v.name);
      if (there?.id !== v.id) await world.store.commit(tx(v));
      return { id: v.id, ok: true };
    },
    (v, reason) => ({ id: v.id, ok: false, reason }),
  );
}

export async function deleteVolumes({ world }: Site, siteId: string, orders: VolumeRef[]): Promise<VolumeResult[]> {
  return each<VolumeRef, VolumeResult>(
    orders,
    async (v) => {
      const there = await world.volume(siteId, v.vmId, v.name);
      for (const extent of extentsOf(v.id, there?.id === v.id ? there : undefined))
        await clearExtent(world.store, extent);
      await world.store.commit(new Transaction().delete(worldKeys.volume(siteId, v.vmId, v.name), { table: 'world' }));
      return { id: v.id, ok: true };
    },
    (v, reason) => ({ id: v.id, ok: false, reason }),
  );
}
