import type {
  AloneOrder,
  CutOrder,
  CutResult,
  GroupResult,
  LegRef,
  SuspendOrder,
} from '../../hypervisor/replication-port.ts';
import { Transaction } from '../../store/transaction.ts';
import { each, Refusal, type Site } from '../agent/common.ts';
import { arrivalOf } from './advance.ts';
import { pointsHeld } from './carry.ts';
import { CopyChanged, sameRevision, sameState } from './copies.ts';
import { atRest } from './joining.ts';
import { carries, type Line } from './line.ts';
import { type Cut, copyKey, type Feed, type WorldCopy } from './records.ts';
import { retried, type Settled, settle } from './settle.ts';
import { mustBeLargeEnough } from './sizes.ts';
import { groundOf } from './status.ts';

/** Orders that are remembered, so that a repeated one finds its own cut. Declared. */
const REMEMBERED = 8;

/** The copy at this site, if it is or was the primary of that epoch. */
function sourceOf({ copies }: Settled, siteId: string, epoch: number): WorldCopy {
  const copy = copies.get(siteId);
  if (!copy || copy.role === 'secondary') throw new Refusal(`${siteId} is not the primary of this group`);
  if (copy.epoch !== epoch) throw new Refusal(`its epoch is ${copy.epoch}, not ${epoch}`);
  return copy;
}

const setsFeed = (copy: WorldCopy, feed: Feed) => ({ set: { feed }, add: { revision: 1 }, ...sameState(copy) });
const setFeed = ({ world }: Site, copy: WorldCopy, feed: Feed): Promise<unknown> =>
  world.store.update(copyKey(copy), setsFeed(copy, feed), 'world');

/** Also at a former primary that nobody has followed yet: the last point of a planned migration. */
export async function cutPoints(site: Site, siteId: string, orders: CutOrder[]): Promise<CutResult[]> {
  return each<CutOrder, CutResult>(
    orders,
    async (order) => ({ groupId: order.groupId, outcome: 'done', ...(await retried(() => cut(site, siteId, order))) }),
    ({ groupId }, reason) => ({ groupId, outcome: 'refused', reason }),
  );
}

async function cut(site: Site, siteId: string, order: CutOrder): Promise<Omit<CutResult, 'groupId' | 'outcome'>> {
  const before = await settle(site, order.groupId);
  const source = sourceOf(before, siteId, order.epoch);
  const legs = [...before.copies.values()].filter((c) => c.role === 'secondary' && c.feed);
  const asked = legs.flatMap((c) => c.feed?.asked ?? []).find((c) => c.token === order.token);
  const mine: Cut = asked ?? { token: order.token, sequence: source.sequence, stateAt: before.now };
  for (const copy of legs) {
    const feed = copy.feed as Feed;
    if (feed.asked.some((c) => c.token === order.token)) continue;
    const cuts = feed.mode === 'async' ? [...feed.cuts, mine] : feed.cuts;
    await setFeed(site, copy, { ...feed, cuts, asked: [...feed.asked, mine].slice(-REMEMBERED) });
  }
  const after = await settle(site, order.groupId);
  const { copies, lines, now } = after;
  const arrivals = legs.map(({ siteId: to }) => {
    const [copy, line] = [copies.get(to), lines.get(to)];
    if (!copy?.feed || !line) return Number.POSITIVE_INFINITY;
    return arrivalOf(copy.feed, mine.sequence, groundOf(to, line, after));
  });
  const usableAt = Math.max(now, ...arrivals);
  return {
    sequence: mine.sequence,
    stateAt: mine.stateAt,
    ...(Number.isFinite(usableAt) ? { usableAt } : {}),
  };
}

/**
 * Both halves of the condition in one transaction: the pair is as it was found, and the order is of no outage that is over.
 * So an order that was given for one outage, and comes in another, releases nothing.
 */
export const goAlone = (site: Site, siteId: string, orders: AloneOrder[]): Promise<GroupResult[]> =>
  eachLeg(site, siteId, orders, async ({ source, copy, line, now }, { order }) => {
    if (source.role !== 'primary') throw new Refusal(`${siteId} is ${source.role} in this group`);
    if (order <= (source.together ?? 0))
      throw new Refusal(`order ${order} to go alone is over: the pair was in step after it`);
    if (copy.feed.mode !== 'sync' || copy.feed.state !== 'synced') return;
    const feed = atRest(copy.feed, line, now);
    const free = { sequence: copy.sequence, at: now };
    const alone: Feed = { ...feed, state: 'behind', free, points: pointsHeld(copy) };
    const tx = new Transaction().update(copyKey(copy), setsFeed(copy, alone), 'world');
    await site.world.store.commit(stillValid(tx, source, order));
  });

const stillValid = (tx: Transaction, source: WorldCopy, order: number): Transaction =>
  tx.check(
    copyKey(source),
    '#role = :primary AND #epoch = :epoch AND (attribute_not_exists(#together) OR #together < :order)',
    () => new CopyChanged(),
    { ':primary': 'primary', ':epoch': source.epoch, ':order': order },
    'world',
    { '#role': 'role', '#epoch': 'epoch', '#together': 'together' },
  );

/** Said while both take part in each write, and only then: afterwards none of the orders up to this one is obeyed. */
export const stayTogether = (site: Site, siteId: string, orders: AloneOrder[]): Promise<GroupResult[]> =>
  eachLeg(site, siteId, orders, async ({ source, copy, line, now }, { order }) => {
    if (source.role !== 'primary') throw new Refusal(`${siteId} is ${source.role} in this group`);
    if (copy.feed.mode !== 'sync' || copy.feed.state !== 'synced' || !line || !carries(line, now))
      throw new Refusal(`the pair with ${copy.siteId} is not in step`);
    if (order <= (source.together ?? 0)) return;
    const tx = new Transaction()
      .update(copyKey(source), { set: { together: order }, add: { revision: 1 }, ...sameRevision(source) }, 'world')
      .check(copyKey(copy), '#revision = :revision', () => new CopyChanged(), { ':revision': copy.revision }, 'world', {
        '#revision': 'revision',
      });
    await site.world.store.commit(tx);
  });

export const suspendLegs = (site: Site, siteId: string, orders: SuspendOrder[]): Promise<GroupResult[]> =>
  eachLeg(site, siteId, orders, async ({ source, copy, line, now }, { suspended, version }) => {
    if (version < source.begun) throw new Refusal(`it belongs to order ${version}, and ${source.begun} is the newest`);
    const { feed } = copy;
    if (suspended === (feed.state === 'suspended')) return;
    if (!suspended) await mustBeLargeEnough(site.world, source, copy);
    const after = suspended ? stopped(copy, line, now) : resumed(feed, now);
    const tx = new Transaction().update(copyKey(copy), setsFeed(copy, after), 'world');
    // No newer order may slip in between.
    const begun = { ':begun': source.begun };
    tx.check(copyKey(source), '#begun = :begun', () => new CopyChanged(), begun, 'world', { '#begun': 'begun' });
    await site.world.store.commit(tx);
  });

const stopped = (copy: Fed, line: Line | undefined, now: number): Feed => ({
  ...atRest(copy.feed, line, now),
  state: 'suspended',
  points: pointsHeld(copy),
  free: copy.feed.state === 'synced' ? { sequence: copy.sequence, at: now } : copy.feed.free,
});

/** What was on its way is sent anew; what was written meanwhile goes with the next point, which is due at once. */
const resumed = (feed: Feed, now: number): Feed => ({
  ...feed,
  ...(feed.sending ? { sending: { ...feed.sending, begunAt: now } } : {}),
  state: feed.points.length > 0 ? 'behind' : 'initial',
  startedAt: now,
  nextCutAt: now,
  free: { ...feed.free, at: Math.max(now, feed.free.at) },
});

type Fed = WorldCopy & { feed: Feed };
interface LegFound {
  source: WorldCopy;
  copy: Fed;
  line: Line | undefined;
  now: number;
}

function eachLeg<O extends LegRef>(
  site: Site,
  siteId: string,
  orders: O[],
  work: (found: LegFound, order: O) => Promise<void>,
): Promise<GroupResult[]> {
  return each<O, GroupResult>(
    orders,
    async (order) => {
      await retried(async () => {
        const settled = await settle(site, order.groupId);
        const source = sourceOf(settled, siteId, order.epoch);
        const copy = settled.copies.get(order.siteId);
        if (copy?.role !== 'secondary' || !copy.feed) throw new Refusal(`there is no leg to ${order.siteId}`);
        const line = settled.lines.get(order.siteId);
        await work({ source, copy: { ...copy, feed: copy.feed }, line, now: settled.now }, order);
      });
      return { groupId: order.groupId, outcome: 'done' };
    },
    ({ groupId }, reason) => ({ groupId, outcome: 'refused', reason }),
  );
}
