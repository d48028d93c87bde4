import type { CopyStatus, GroupStatus, LegStatus, Point } from '../../hypervisor/replication-port.ts';
import type { Site } from '../agent/common.ts';
import { arrivalOf, type Ground, pointsOf } from './advance.ts';
import { rootOf } from './copies.ts';
import { discardedAll, divergentOf } from './divergence.ts';
import { heldAt, underWay } from './joining.ts';
import { lossOf } from './journal.ts';
import { carries, hears, type Line, lastHeard, lineOf, silentSince } from './line.ts';
import { type Feed, replicationKeys, type WorldCopy, type WorldLeg, type WorldSiteLease } from './records.ts';
import { mayWrite } from './right.ts';
import { retried, type Settled, settle } from './settle.ts';

type At = Site & { siteId: string };

export async function groupStatus(site: Site, siteId: string, groupIds: string[]): Promise<GroupStatus[]> {
  const results: GroupStatus[] = [];
  for (const groupId of groupIds) {
    const settled = await retried(() => settle(site, groupId));
    const copy = settled.copies.get(siteId);
    if (copy) results.push(await statusOf({ ...site, siteId }, copy, settled));
  }
  return results;
}

async function statusOf(site: At, copy: WorldCopy, settled: Settled): Promise<GroupStatus> {
  const { groupId, role, epoch, version } = copy;
  const base = { groupId, role, epoch, version, head: { sequence: copy.sequence, at: copy.at }, legs: [] };
  if (role === 'secondary')
    return {
      ...base,
      head: announced(copy, settled),
      ...(copy.feed ? { copy: { ...copyStatus(copy, copy.feed, settled), ...lacksAt(copy, copy.feed, settled) } } : {}),
    };
  const legs = copy.legs.flatMap((leg) => legStatus(leg, settled) ?? []);
  if (role === 'primary')
    return {
      ...base,
      legs,
      writes: await writesOf(site, copy, settled),
      ...(copy.together === undefined ? {} : { together: copy.together }),
      ...(copy.standby?.length ? { standby: copy.standby.map((s) => heardBy(copy, s, settled)) } : {}),
    };
  const divergent = await divergentOf(site.world, copy, settled.copies);
  return { ...base, legs, divergent: { ...divergent, discarded: discardedAll(copy, settled.copies) } };
}

/** The newest write that a secondary has been told of: heads of writes go ahead of what they hold. */
export function announced(copy: WorldCopy, { lines, waiting, now }: Settled): { sequence: number; at: number } {
  const line = lines.get(copy.siteId);
  const heard = line ? lastHeard(line, now) : now;
  const last = (waiting.get(copy.siteId) ?? []).findLast((e) => e.at <= heard);
  return last ? { sequence: last.sequence, at: last.at } : { sequence: copy.sequence, at: copy.at };
}

/** What it was told of and would not have at this point. With the former primary's own word it is told of everything. */
export function lostAt(copy: WorldCopy, sequence: number, { lines, waiting, now }: Settled, byItsWord: boolean) {
  const line = lines.get(copy.siteId);
  const heard = line && !byItsWord ? lastHeard(line, now) : now;
  return lossOf((waiting.get(copy.siteId) ?? []).filter((e) => e.sequence > sequence && e.at <= heard));
}

async function writesOf({ world, siteId }: At, copy: WorldCopy, { copies, faults, now, lines }: Settled) {
  const lease = await world.store.get<WorldSiteLease>(replicationKeys.lease(siteId), { table: 'world' });
  if (!mayWrite(copy, copies, lease, faults, now)) return 'lease-over' as const;
  const waits = copy.legs.some((leg) => {
    const [other, line] = [copies.get(leg.siteId), lines.get(leg.siteId)];
    return leg.mode === 'sync' && other?.feed?.state === 'synced' && line !== undefined && !carries(line, now);
  });
  return waits ? ('held-back' as const) : ('allowed' as const);
}

/** How the leg to a copy is seen. */
export const groundOf = (siteId: string, line: Line, { waiting, available, now }: Settled): Ground => ({
  line,
  now,
  entries: waiting.get(siteId) ?? [],
  available: available.get(siteId) ?? Number.POSITIVE_INFINITY,
});

function legStatus({ siteId, from, mode }: WorldLeg, settled: Settled): LegStatus | undefined {
  const { copies, lines, waiting, now } = settled;
  const copy = copies.get(siteId);
  const line = lines.get(siteId);
  if (copy?.role !== 'secondary' || !copy.feed || !line)
    return { siteId, from, mode, state: 'initial', linkUp: false, backlogBytes: 0, sentBytes: 0 };
  const { feed } = copy;
  const entries = waiting.get(siteId) ?? [];
  const points = pointsOf({ sequence: copy.sequence, feed }, line, now);
  const newest = points.at(-1);
  const joins = underWay(feed, line, now)?.bytes ?? 0;
  const missing = entries.filter((e) => e.sequence > Math.max(copy.sequence, newest?.sequence ?? 0));
  const usableAt = feed.sending ? arrivalOf(feed, feed.sending.sequence, groundOf(siteId, line, settled)) : undefined;
  return {
    siteId,
    from,
    mode,
    state: feed.state,
    linkUp: hears(line, now),
    backlogBytes: lossOf(missing).bytes + joins + (feed.state === 'initial' ? (feed.sending?.bytes ?? 0) : 0),
    sentBytes: feed.sentBytes,
    ...lacksOf(copies, copy, newest),
    ...(usableAt !== undefined && Number.isFinite(usableAt) ? { usableAt } : {}),
    ...(feed.sending ? { begunAt: feed.sending.begunAt } : {}),
    ...(newest ? { newest } : {}),
  };
}

const heardBy = ({ siteId: from }: WorldCopy, { siteId, link }: Standby, { faults, now }: Settled) => ({
  siteId,
  linkUp: hears(lineOf({ from, to: siteId, link, storage: [] }, faults, now), now),
});
type Standby = NonNullable<WorldCopy['standby']>[number];

/** VMs that a point of the copy does not hold entirely: those that have joined the primary, and whose first copy is under way. */
function lacksOf(copies: Settled['copies'], copy: WorldCopy, newest: Point | undefined): { lacks?: string[] } {
  const held = new Set(newest ? heldAt(copy.volumes, newest.sequence).map((v) => `${v.vmId}/${v.name}`) : []);
  const all = rootOf(copies, copy)?.volumes ?? [];
  const lacks = [...new Set(all.filter((v) => !held.has(`${v.vmId}/${v.name}`)).map((v) => v.vmId))];
  return lacks.length > 0 ? { lacks } : {};
}

const lacksAt = (copy: WorldCopy, feed: Feed, { copies, lines, now }: Settled): { lacks?: string[] } => {
  const line = lines.get(copy.siteId);
  const points = line ? pointsOf({ sequence: copy.sequence, feed }, line, now) : [];
  return points.length > 0 ? lacksOf(copies, copy, points.at(-1)) : {};
};

/** As far as this site can tell: while it hears nothing, it cannot know whether it still takes part in each write. */
function copyStatus(copy: WorldCopy, feed: Feed, { lines, now }: Settled): CopyStatus {
  const line = lines.get(copy.siteId);
  const linkUp = line !== undefined && hears(line, now);
  const since = line && silentSince(line, now);
  const points = line ? pointsOf({ sequence: copy.sequence, feed }, line, now) : [];
  return {
    from: feed.from,
    mode: feed.mode,
    state: feed.state === 'synced' && !linkUp ? 'behind' : feed.state,
    linkUp,
    ...(since === undefined ? {} : { silentSince: since }),
    points,
  };
}
