import type { GroupOrder, GroupResult, LegOrder } from '../../hypervisor/replication-port.ts';
import { Transaction } from '../../store/transaction.ts';
import { each, Refusal, type Site } from '../agent/common.ts';
import { continues } from './carry.ts';
import { CopyChanged, copiesOf, newestPrimary, sameRevision } from './copies.ts';
import { discardedAll, divergentOf } from './divergence.ts';
import { isOver } from './drop.ts';
import { feed } from './feed.ts';
import { carries, hears, lineOf } from './line.ts';
import { leavingOf, markAll, unmarkAll } from './marks.ts';
import { copyKey, type WorldCopy } from './records.ts';
import { retried, type Settled, settle } from './settle.ts';
import { mustBeLargeEnough } from './sizes.ts';

type At = Site & { siteId: string };

export const configureGroups = (site: Site, siteId: string, orders: GroupOrder[]): Promise<GroupResult[]> =>
  each<GroupOrder, GroupResult>(
    orders,
    async (order) => {
      await retried(() => configure({ ...site, siteId }, order));
      return { groupId: order.groupId, outcome: 'done' };
    },
    ({ groupId }, reason) => ({ groupId, outcome: 'refused', reason }),
  );

/**
 * First the primary knows its legs, so that from then on every write is in the journal; then each target is copied from
 * what stands there now; what is written meanwhile follows from the journal. Broken off anywhere, it begins again.
 */
async function configure(site: At, order: GroupOrder): Promise<void> {
  const { siteId } = site;
  const settled = await settle(site, order.groupId);
  const before = settled.copies.get(siteId);
  if (before && before.role !== 'primary') throw new Refusal(`${siteId} is ${before.role} in this group`);
  if (before && before.epoch !== order.epoch) throw new Refusal(`its epoch is ${before.epoch}, not ${order.epoch}`);
  if (before ? before.version >= order.version || before.begun > order.version : await isOver(site, siteId, order))
    return;
  const newest = newestPrimary(settled.copies);
  if (newest && newest.siteId !== siteId)
    throw new Refusal(`${newest.siteId} is the ${newest.role} copy of epoch ${newest.epoch} in this group`);
  for (const leg of order.legs) await mayBeOverwritten(site, settled, leg, order, before);
  // Once more when a growth of the primary finds the legs: whichever of the two is later sees the other.
  const fed = order.legs.filter((leg) => !rests(settled.copies.get(leg.siteId), before));
  const mustFit = async () => {
    for (const leg of fed) await mustBeLargeEnough(site.world, { siteId, volumes: order.volumes }, leg);
  };
  await mustFit();
  const primary = await enterPrimary(site, order, settled);
  await markAll(site, siteId, order.volumes, primary);
  await mustFit();
  for (const leg of order.legs) await feed(site, order, leg, { primary, there: settled.copies.get(leg.siteId) });
  await finish(site, primary, order);
}

/** Nothing is sent to the copy, and nothing will be by this order. */
const rests = (there: WorldCopy | undefined, before: WorldCopy | undefined): boolean =>
  there?.feed?.state === 'suspended' && before !== undefined && continues(there, before);

/** What the order asks of a copy must not cost what is there now. */
async function mayBeOverwritten(
  { world, siteId }: At,
  { copies, faults, now, lines }: Settled,
  leg: LegOrder,
  order: GroupOrder,
  before: WorldCopy | undefined,
): Promise<void> {
  const there = copies.get(leg.siteId);
  if (!there) return;
  if (there.role === 'primary') throw new Refusal(`${leg.siteId} is a primary of this group and was not demoted yet`);
  if (there.epoch > order.epoch) throw new Refusal(`${leg.siteId} follows epoch ${there.epoch}`);
  // DR-14: what a former primary alone has is never overwritten without a word.
  if (there.role === 'demoted' && !discardedAll(there, copies)) {
    const { count } = await divergentOf(world, there, copies);
    if (count > 0) throw new Refusal(`${leg.siteId} has ${count} writes that nobody else has; discard them first`);
  }
  // What is of use there is not given up for a copy that cannot be made.
  const useful = there.role === 'demoted' || (there.feed !== undefined && there.feed.state !== 'initial');
  const way = lineOf({ from: leg.from, to: leg.siteId, link: leg.link, storage: [] }, faults, now);
  if (useful && (!before || !continues(there, before)) && !hears(way, now))
    throw new Refusal(`${leg.siteId} is not made anew while ${leg.from} does not hear it`);
  // What joins takes a pair apart until it has been copied; and writes that are held back would be let go without a word.
  const line = lines.get(leg.siteId);
  const joins = order.volumes.some((v) => !before?.volumes.some((b) => b.id === v.id));
  const pair = leg.mode === 'sync' && leg.from === siteId && there.feed?.state === 'synced';
  if (pair && joins && line && !carries(line, now))
    throw new Refusal(`nothing joins the pair while ${leg.siteId} does not answer`);
}

/** Legs that are left out end in the same instant in which the primary forgets them. */
async function enterPrimary({ world, clock, siteId }: At, order: GroupOrder, { copies }: Settled): Promise<WorldCopy> {
  const before = copies.get(siteId);
  const volumes = order.volumes.map((v) => ({
    ...v,
    joined: before?.volumes.find((b) => b.id === v.id)?.joined ?? order.version,
  }));
  const legs = order.legs.map(({ volumes: _, keepPoints: __, periodMs: ___, ...leg }) => leg);
  const known = {
    volumes,
    legs,
    standby: order.standby ?? [],
    begun: order.version,
    leaving: leavingOf(before, volumes),
  };
  const copy: WorldCopy = before
    ? { ...before, ...known, revision: before.revision + 1 }
    : {
        kind: 'copy',
        groupId: order.groupId,
        siteId,
        role: 'primary',
        epoch: order.epoch,
        version: order.version - 1,
        sequence: 0,
        at: clock.now(),
        branches: [{ epoch: order.epoch, from: 1 }],
        ...known,
        revision: 1,
      };
  const tx = new Transaction();
  if (before) tx.update(copyKey(copy), { set: known, ...asRead(before) }, 'world');
  else tx.put(copyKey(copy), copy, { table: 'world', ifAbsent: () => new CopyChanged() });
  for (const other of copies.values())
    if (other.role === 'secondary' && other.feed && !legs.some((l) => l.siteId === other.siteId))
      tx.update(copyKey(other), { remove: ['feed'], ...asRead(other) }, 'world');
  await world.store.commit(tx);
  return copy;
}

const asRead = (copy: WorldCopy) => ({ add: { revision: 1 }, ...sameRevision(copy) });

/** Volumes that have left become ordinary ones again, and the order has been obeyed. */
async function finish({ world }: At, primary: WorldCopy, order: GroupOrder): Promise<void> {
  const sites = [primary.siteId, ...order.legs.map((l) => l.siteId)];
  for (const copy of (await copiesOf(world, order.groupId)).values()) {
    if (!sites.includes(copy.siteId) || !copy.leaving?.length) continue;
    await unmarkAll(world, copy, copy.leaving);
    await world.store.update(copyKey(copy), { set: { leaving: [] }, ...asRead(copy) }, 'world');
  }
  await world.store.update(
    copyKey(primary),
    {
      set: { version: order.version },
      condition: '#begun = :version AND #role = :primary AND #epoch = :epoch',
      names: { '#begun': 'begun', '#role': 'role', '#epoch': 'epoch' },
      values: { ':version': order.version, ':primary': 'primary', ':epoch': order.epoch },
      onFail: () => new CopyChanged(),
    },
    'world',
  );
}
