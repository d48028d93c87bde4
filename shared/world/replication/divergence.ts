import type {
  DemoteOrder,
  Divergence,
  DivergenceQuery,
  GroupResult,
  LostWrites,
} from '../../hypervisor/replication-port.ts';
import { each, Refusal, type Site } from '../agent/common.ts';
import { copiesOf, newestPrimary } from './copies.ts';
import { lossOf, writesAfter } from './journal.ts';
import { copyKey, type JournalEntry, type WorldCopy } from './records.ts';

/** What a former primary has acknowledged beyond the point at which another copy took over, in order. */
export async function divergentWritesOf(
  { world }: Site,
  copy: WorldCopy,
  copies: ReadonlyMap<string, WorldCopy>,
): Promise<JournalEntry[]> {
  const successor = newestPrimary(copies);
  if (!successor || successor === copy || copy.role === 'secondary') return [];
  const taken = successor.branches.find((b) => b.epoch > copy.epoch);
  if (!taken) return [];
  return writesAfter(world.store, copy.groupId, copy.branches, taken.from - 1);
}

export const divergentOf = async (
  site: Site,
  copy: WorldCopy,
  copies: ReadonlyMap<string, WorldCopy>,
): Promise<LostWrites> => lossOf(await divergentWritesOf(site, copy, copies));

export async function divergentWrites(site: Site, siteId: string, query: DivergenceQuery): Promise<Divergence> {
  const copies = await copiesOf(site.world, query.groupId);
  const copy = copies.get(siteId);
  if (!copy) return { outcome: 'absent', total: { count: 0, bytes: 0 }, writes: [], more: false };
  const all = await divergentWritesOf(site, copy, copies);
  const rest = all.filter((e) => e.sequence > query.after);
  const writes = rest.slice(0, query.limit).map((e) => ({
    vmId: e.vmId,
    disk: e.name,
    groupSequence: e.sequence,
    index: e.index,
    data: Buffer.from(e.data).toString('base64'),
    sequence: e.volumeSequence,
    at: e.at,
  }));
  return { outcome: 'read', total: lossOf(all), writes, more: rest.length > writes.length };
}

export const discardDivergence = (site: Site, siteId: string, orders: DemoteOrder[]): Promise<GroupResult[]> =>
  each<DemoteOrder, GroupResult>(
    orders,
    async ({ groupId, epoch }) => {
      const copy = (await copiesOf(site.world, groupId)).get(siteId);
      if (copy?.role !== 'demoted') throw new Refusal(`${siteId} is no former primary of this group`);
      if (copy.epoch > epoch) throw new Refusal(`its epoch is ${copy.epoch}, not ${epoch}`);
      await site.world.store.update(
        copyKey(copy),
        {
          set: { discarded: true },
          add: { revision: 1 },
          condition: '#role = :demoted',
          names: { '#role': 'role' },
          values: { ':demoted': 'demoted' },
          onFail: () => new Refusal(`${siteId} is no former primary of this group any more`),
        },
        'world',
      );
      return { groupId, outcome: 'done' };
    },
    ({ groupId }, reason) => ({ groupId, outcome: 'refused', reason }),
  );
