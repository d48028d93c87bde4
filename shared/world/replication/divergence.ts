import type {
  DemoteOrder,
  Divergence,
  DivergenceQuery,
  GroupResult,
  LostWrites,
} from '../../hypervisor/replication-port.ts';
import { each, Refusal, type Site } from '../agent/common.ts';
import type { World } from '../world.ts';
import { copiesOf, newestPrimary } from './copies.ts';
import { lossOf, writesAfter } from './journal.ts';
import { commonBeginning, copyKey, type JournalEntry, type WorldCopy } from './records.ts';

/** The last write that a former primary has in common with the primary of today; nothing where nobody has followed it. */
function forkOf(copy: WorldCopy, copies: ReadonlyMap<string, WorldCopy>): number | undefined {
  const successor = newestPrimary(copies);
  if (!successor || successor.siteId === copy.siteId || copy.role === 'secondary') return undefined;
  return commonBeginning(copy.branches, successor.branches);
}

/** What a former primary has acknowledged beyond the point at which another copy took over, in order. */
async function divergentWritesOf(
  world: World,
  copy: WorldCopy,
  copies: ReadonlyMap<string, WorldCopy>,
): Promise<JournalEntry[]> {
  const fork = forkOf(copy, copies);
  if (fork === undefined || fork >= copy.sequence) return [];
  return writesAfter(world.store, copy.groupId, copy.branches, fork);
}

export const divergentOf = async (
  world: World,
  copy: WorldCopy,
  copies: ReadonlyMap<string, WorldCopy>,
): Promise<LostWrites> => lossOf(await divergentWritesOf(world, copy, copies));

/** Whether all that it alone has was given up. Of a later successor, which has less, that has to be said again. */
export function discardedAll(copy: WorldCopy, copies: ReadonlyMap<string, WorldCopy>): boolean {
  const fork = forkOf(copy, copies);
  return fork !== undefined && copy.discardedAfter !== undefined && copy.discardedAfter <= fork;
}

export async function divergentWrites(site: Site, siteId: string, query: DivergenceQuery): Promise<Divergence> {
  const copies = await copiesOf(site.world, query.groupId);
  const copy = copies.get(siteId);
  if (!copy) return { outcome: 'absent', total: { count: 0, bytes: 0 }, writes: [], more: false };
  const all = await divergentWritesOf(site.world, copy, copies);
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
      const copies = await copiesOf(site.world, groupId);
      const copy = copies.get(siteId);
      if (copy?.role !== 'demoted') throw new Refusal(`${siteId} is no former primary of this group`);
      if (copy.epoch > epoch) throw new Refusal(`its epoch is ${copy.epoch}, not ${epoch}`);
      const fork = forkOf(copy, copies);
      if (fork === undefined) throw new Refusal(`nobody has followed ${siteId}: all that it has is wanted`);
      await site.world.store.update(
        copyKey(copy),
        {
          set: { discardedAfter: Math.min(fork, copy.sequence) },
          add: { revision: 1 },
          condition: '#role = :demoted AND #epoch = :epoch',
          names: { '#role': 'role', '#epoch': 'epoch' },
          values: { ':demoted': 'demoted', ':epoch': copy.epoch },
          onFail: () => new Refusal(`${siteId} is no former primary of this group any more`),
        },
        'world',
      );
      return { groupId, outcome: 'done' };
    },
    ({ groupId }, reason) => ({ groupId, outcome: 'refused', reason }),
  );
