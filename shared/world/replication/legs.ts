import type { CutOrder, CutResult, GroupResult, LegRef, SuspendOrder } from '../../hypervisor/replication-port.ts';
import { each, Refusal, type Site } from '../agent/common.ts';
import { arrivalOf } from './advance.ts';
import { pointsHeld } from './carry.ts';
import { sameState } from './copies.ts';
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

const setFeed = ({ world }: Site, copy: WorldCopy, feed: Feed): Promise<unknown> =>
  world.store.update(
    copyKey(copy),
    {
      set: { feed },
      add: { revision: 1 },
      ...sameState(copy),
    },
    'world',
  );

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

export const goAlone = (site: Site, siteId: string, orders: LegRef[]): Promise<GroupResult[]> =>
  eachLeg(site, siteId, orders, (feed, copy, now) =>
    feed.mode === 'sync' && feed.state === 'synced'
      ? { ...feed, state: 'behind', free: { sequence: copy.sequence, at: now }, points: pointsHeld({ ...copy, feed }) }
      : feed,
  );

export const suspendLegs = (site: Site, siteId: string, orders: SuspendOrder[]): Promise<GroupResult[]> =>
  eachLeg(site, siteId, orders, (feed, copy, now, { suspended }) => {
    if (suspended === (feed.state === 'suspended')) return feed;
    if (suspended) {
      const points = pointsHeld({ ...copy, feed });
      const free = feed.state === 'synced' ? { sequence: copy.sequence, at: now } : feed.free;
      return { ...feed, state: 'suspended', points, free };
    }
    // What was on its way is sent anew; what was written meanwhile goes with the next point, which is due at once.
    const state = feed.points.length > 0 ? 'behind' : 'initial';
    const sending = feed.sending ? { sending: { ...feed.sending, begunAt: now } } : {};
    return {
      ...feed,
      ...sending,
      state,
      startedAt: now,
      nextCutAt: now,
      free: { ...feed.free, at: Math.max(now, feed.free.at) },
    };
  });

function eachLeg<O extends LegRef>(
  site: Site,
  siteId: string,
  orders: O[],
  change: (feed: Feed, copy: WorldCopy, now: number, order: O) => Feed,
): Promise<GroupResult[]> {
  return each<O, GroupResult>(
    orders,
    async (order) => {
      await retried(async () => {
        const settled = await settle(site, order.groupId);
        const source = sourceOf(settled, siteId, order.epoch);
        const copy = settled.copies.get(order.siteId);
        if (copy?.role !== 'secondary' || !copy.feed) throw new Refusal(`there is no leg to ${order.siteId}`);
        const feed = change(copy.feed, copy, settled.now, order);
        if (copy.feed.state === 'suspended' && feed.state !== 'suspended')
          await mustBeLargeEnough(site.world, source, copy);
        if (feed !== copy.feed) await setFeed(site, copy, feed);
      });
      return { groupId: order.groupId, outcome: 'done' };
    },
    ({ groupId }, reason) => ({ groupId, outcome: 'refused', reason }),
  );
}
