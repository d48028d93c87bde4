import type { Fault } from '../records.ts';
import { hears, lineOf } from './line.ts';
import type { WorldCopy, WorldSiteLease } from './records.ts';

/** What a primary's right rests on: the lease of its site, or that it sees whoever could take its place. */
export type Right = 'lease' | 'sight';

/**
 * Whether the primary may write now (DR-7). By the lease that its site has from outside; or else because it sees every copy
 * that could take its place, and none of them has. One that it cannot see could have been promoted.
 */
export function rightOf(
  copy: WorldCopy,
  copies: ReadonlyMap<string, WorldCopy>,
  lease: WorldSiteLease | undefined,
  faults: readonly Fault[],
  now: number,
): Right | undefined {
  if (copy.role !== 'primary') return undefined;
  if (lease && now < lease.until && !lease.revoked.includes(copy.groupId)) return 'lease';
  const sees = (siteId: string, link: { id: string; latencyMs: number; mbps: number }) =>
    hears(lineOf({ from: copy.siteId, to: siteId, link, storage: [] }, faults, now), now);
  // A copy that is gone may have taken its place before.
  const legs = copy.legs.every(
    (leg) => leg.from === copy.siteId && copies.has(leg.siteId) && sees(leg.siteId, leg.link),
  );
  const rivals = rivalsOf(copy, copies).every(
    ({ siteId, epoch, feed }) => feed?.from === copy.siteId && epoch <= copy.epoch && sees(siteId, feed.link),
  );
  return legs && rivals ? 'sight' : undefined;
}

export const mayWrite = (...seen: Parameters<typeof rightOf>): boolean => rightOf(...seen) !== undefined;

/** Copies that could take its place, by whomever they are fed, and those that have. */
export const rivalsOf = (copy: WorldCopy, copies: ReadonlyMap<string, WorldCopy>): WorldCopy[] =>
  [...copies.values()].filter(
    (c) => c.siteId !== copy.siteId && (c.role === 'secondary' ? c.feed !== undefined : c.epoch > copy.epoch),
  );
