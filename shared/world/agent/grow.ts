import type { GrowOrder, GrowResult } from '../../hypervisor/port.ts';
import { Transaction } from '../../store/transaction.ts';
import { volumeLost } from '../process.ts';
import { keyOfVolume, type WorldVolume } from '../records.ts';
import { copiesFirst } from '../replication/sizes.ts';
import { Refusal, type Site } from './common.ts';

/** Somebody changed the volume, or its group, in the middle: look again. */
class Overtaken extends Error {}

/**
 * Makes volumes larger, whether somebody writes to them or not: what they hold stays, and the new part reads as zeros
 * (ELA-3). Nothing is ever made smaller, so what is late or repeated changes nothing.
 */
export async function growVolumes(site: Site, siteId: string, orders: GrowOrder[]): Promise<GrowResult[]> {
  const results: GrowResult[] = [];
  for (const order of orders) results.push({ id: order.id, ...(await grow(site, siteId, order)) });
  return results;
}

async function grow(site: Site, siteId: string, order: GrowOrder): Promise<Omit<GrowResult, 'id'>> {
  const { world, clock } = site;
  for (;;) {
    const volume = await world.volume(siteId, order.vmId, order.name);
    if (!volume || volume.id !== order.id) return { outcome: 'absent' };
    if (volumeLost(await world.faults(), volume, clock.now())) return { outcome: 'unreachable' };
    if (volume.sizeGiB >= order.sizeGiB) return { outcome: 'done' };
    const tx = enlarged(volume, order.sizeGiB);
    try {
      if (volume.group !== undefined)
        await copiesFirst(tx, world, { ...volume, group: volume.group }, order.sizeGiB, () => new Overtaken());
      await world.store.commit(tx);
      return { outcome: 'done' };
    } catch (error) {
      if (error instanceof Refusal) return { outcome: 'waits', reason: error.message };
      if (!(error instanceof Overtaken)) throw error;
    }
  }
}

/** While it is the one that was read, and belongs to the same group as then. */
const enlarged = ({ id, group, ...volume }: WorldVolume, sizeGiB: number): Transaction =>
  new Transaction().update(
    keyOfVolume(volume),
    {
      set: { sizeGiB },
      condition: `#id = :id AND #sizeGiB < :sizeGiB AND ${group === undefined ? 'attribute_not_exists(#group)' : '#group = :group'}`,
      names: { '#id': 'id', '#sizeGiB': 'sizeGiB', '#group': 'group' },
      values: { ':id': id, ':sizeGiB': sizeGiB, ...(group === undefined ? {} : { ':group': group }) },
      onFail: () => new Overtaken(),
    },
    'world',
  );
