import type { Fault } from '../records.ts';
import type { World } from '../world.ts';
import { divergentOf } from './divergence.ts';
import { replicationKeys, type WorldCopy, type WorldSiteLease } from './records.ts';
import { mayWrite } from './right.ts';

/** A copy as it really is, whoever may or may not know of it. */
export interface TrueCopy {
  groupId: string;
  siteId: string;
  role: WorldCopy['role'];
  epoch: number;
  /** Of a primary its last write; of a secondary what its volumes hold. */
  sequence: number;
  /** Whether a guest's write would be taken here at this instant, as far as the right to write goes. */
  writes: boolean;
  /** Writes that this site has acknowledged, and that the primary of now does not have. */
  divergent: number;
}

export async function trueCopies(world: World, faults: readonly Fault[], now: number): Promise<TrueCopy[]> {
  const all = await world.ofKind<WorldCopy>('copy');
  const found: TrueCopy[] = [];
  for (const [groupId, some] of Map.groupBy(all, (c) => c.groupId)) {
    const copies = new Map(some.map((c) => [c.siteId, c]));
    for (const copy of some) {
      const { siteId, role, epoch, sequence } = copy;
      const lease = await world.store.get<WorldSiteLease>(replicationKeys.lease(siteId), { table: 'world' });
      const divergent = (await divergentOf(world, copy, copies)).count;
      found.push({
        groupId,
        siteId,
        role,
        epoch,
        sequence,
        writes: mayWrite(copy, copies, lease, faults, now),
        divergent,
      });
    }
  }
  return found;
}
