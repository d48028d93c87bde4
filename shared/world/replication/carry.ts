import type { LegOrder } from '../../hypervisor/replication-port.ts';
import { commonBeginning, type Feed, type WorldCopy } from './records.ts';

type Fed = WorldCopy & { feed: Feed };

/** Points of a copy that are states of the primary's history too. In a pair that is what it holds now. */
const pointsIn = (there: Fed, { branches, sequence }: WorldCopy): Feed['points'] => {
  const common = Math.min(sequence, commonBeginning(there.branches, branches));
  return pointsHeld(there).filter((p) => p.sequence <= common);
};

/** Of a synchronous pair it is what the copy holds in the instant in which it leaves the pair. */
export const pointsHeld = ({ feed, sequence, at }: Fed): Feed['points'] =>
  feed.state === 'synced' ? [{ sequence, stateAt: at, usableAt: at }] : feed.points;

/** Whether a copy holds a beginning of what the primary holds, so that only the rest need be sent. */
export const continues = (there: WorldCopy, primary: WorldCopy): there is Fed =>
  there.role === 'secondary' &&
  there.feed !== undefined &&
  there.feed.state !== 'initial' &&
  Math.max(there.sequence, there.applying ?? 0) <=
    Math.min(primary.sequence, commonBeginning(there.branches, primary.branches)) &&
  pointsIn(there as Fed, primary).length > 0;

export const settingsOf = (leg: LegOrder) => ({
  from: leg.from,
  mode: leg.mode,
  link: leg.link,
  windows: leg.windows ?? [],
  keepPoints: leg.keepPoints,
  periodMs: leg.periodMs ?? 0,
});

/** The first copy of what joined last has not crossed the link. */
export const baseUnderWay = ({ sending, usableFrom, points }: Feed): boolean =>
  sending !== undefined && (points.at(-1)?.sequence ?? -1) < usableFrom;

/** Only figures of it are ordered anew, if anything. */
export const isSameFeed = ({ feed, epoch }: Fed, primary: WorldCopy, leg: LegOrder): boolean =>
  feed.from === leg.from && feed.mode === leg.mode && epoch === primary.epoch;

/**
 * What becomes of a feed when its leg is ordered anew. Where only figures change it goes on as it was, a pair that holds
 * writes back too. From another source, or in another way, it goes on from its newest point.
 */
export function carried(there: Fed, primary: WorldCopy, leg: LegOrder, now: number): Feed {
  const { feed } = there;
  const settings = settingsOf(leg);
  const nextCutAt = feed.periodMs === settings.periodMs ? feed.nextCutAt : now + settings.periodMs;
  if (isSameFeed(there, primary, leg)) return { ...feed, ...settings, nextCutAt };
  const points = pointsIn(there, primary);
  const newest = points.at(-1) as Feed['points'][number];
  const { sending, joining: _, ...rest } = feed;
  return {
    ...rest,
    ...settings,
    state: feed.state === 'suspended' ? 'suspended' : 'behind',
    startedAt: now,
    nextCutAt: now + settings.periodMs,
    cuts: there.epoch === primary.epoch ? feed.cuts : [],
    free: { sequence: newest.sequence, at: now },
    points: leg.mode === 'sync' ? [newest] : points,
    ...(sending && baseUnderWay(feed) ? { sending: { ...sending, begunAt: now } } : {}),
  };
}

/** A pair that is taken apart while what joins is copied. */
export const apart = (there: Fed, now: number): Feed =>
  there.feed.state === 'synced'
    ? { ...there.feed, state: 'behind', points: pointsHeld(there), free: { sequence: there.sequence, at: now } }
    : there.feed;
