import type { Fault } from '../records.ts';
import { hears, lineOf } from './line.ts';
import type { WorldCopy, WorldSiteLease } from './records.ts';

/**
 * Whether the primary may write now (DR-7). By the lease that its site has from outside; or else because it sees every copy
 * that could take its place, and none of them has. One that it cannot see could have been promoted.
 */
export function mayWrite(
  copy: WorldCopy,
  copies: ReadonlyMap<string, WorldCopy>,
  lease: WorldSiteLease | undefined,
  faults: readonly Fault[],
  now: number,
): boolean {
  if (copy.role !== 'primary') return false;
  if (copy.legs.length === 0) return true;
  if (lease && now < lease.until && !lease.revoked.includes(copy.groupId)) return true;
  return copy.legs.every((leg) => {
    const other = copies.get(leg.siteId);
    const line = lineOf({ from: copy.siteId, to: leg.siteId, link: leg.link, storage: [] }, faults, now);
    return leg.from === copy.siteId && hears(line, now) && (other === undefined || other.epoch <= copy.epoch);
  });
}
