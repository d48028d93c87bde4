import type { Fault } from '../records.ts';
import type { World } from '../world.ts';
import { type Line, lineOf } from './line.ts';
import { replicationKeys, type WorldCopy } from './records.ts';

/** Something of the group changed in the middle: look again. */
export class CopyChanged extends Error {}

/** All copies of a group, by site. */
export async function copiesOf(world: World, groupId: string): Promise<Map<string, WorldCopy>> {
  const found = await world.store.queryAll<WorldCopy>(replicationKeys.copies(groupId), 'world', { consistent: true });
  return new Map(found.map((c) => [c.siteId, c]));
}

/** The copy that writes, or wrote last: the one with the newest epoch that is no secondary. */
export function newestPrimary(copies: ReadonlyMap<string, WorldCopy>): WorldCopy | undefined {
  return [...copies.values()]
    .filter((c) => c.role !== 'secondary')
    .reduce<WorldCopy | undefined>((best, c) => (!best || ranks(c) > ranks(best) ? c : best), undefined);
}
/** Of one that was demoted and one that was promoted under the same epoch the latter is newer. */
const ranks = (copy: WorldCopy): number => copy.epoch + (copy.role === 'primary' ? 0.5 : 0);

/** The copy whose writes reach this one, over however many legs. */
export function rootOf(copies: ReadonlyMap<string, WorldCopy>, copy: WorldCopy): WorldCopy | undefined {
  let at: WorldCopy | undefined = copy;
  for (let hops = 0; at?.role === 'secondary' && hops <= copies.size; hops++)
    at = at.feed ? copies.get(at.feed.from) : undefined;
  return at?.role === 'secondary' ? undefined : at;
}

/** The line by which a secondary is fed. */
export async function lineTo(
  world: World,
  copies: ReadonlyMap<string, WorldCopy>,
  copy: WorldCopy,
  faults: readonly Fault[],
  now: number,
): Promise<Line | undefined> {
  const { feed } = copy;
  if (!feed) return undefined;
  const source = copies.get(feed.from);
  const storage = await Promise.all([storageOf(world, copy), source ? storageOf(world, source) : []]);
  return lineOf(
    { from: feed.from, to: copy.siteId, link: feed.link, storage: storage.flat(), windows: feed.windows },
    faults,
    now,
  );
}

/** Ids of the volumes of a copy and of the datastores that they stand on. */
async function storageOf(world: World, { siteId, volumes }: WorldCopy): Promise<string[]> {
  const found = await world.volumesAt(siteId, volumes);
  return [...new Set(found.flatMap((v) => [v.id, v.datastoreId]))];
}

/** The copy must be as it was read, but for writes that it took part in. */
export const sameRevision = ({ revision }: Pick<WorldCopy, 'revision'>) => ({
  condition: '#revision = :revision',
  names: { '#revision': 'revision' },
  values: { ':revision': revision },
  onFail: () => new CopyChanged(),
});

/** And no write may have come in either. */
export const sameState = ({ revision, sequence }: Pick<WorldCopy, 'revision' | 'sequence'>) => ({
  condition: '#revision = :revision AND #sequence = :before',
  names: { '#revision': 'revision', '#sequence': 'sequence' },
  values: { ':revision': revision, ':before': sequence },
  onFail: () => new CopyChanged(),
});
