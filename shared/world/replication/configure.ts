import type { VolumeRef } from '../../hypervisor/port.ts';
import type { GroupOrder, GroupResult, LegOrder } from '../../hypervisor/replication-port.ts';
import { Transaction } from '../../store/transaction.ts';
import { each, Refusal, type Site } from '../agent/common.ts';
import { type WorldVolume, worldKeys } from '../records.ts';
import { copyBase } from './apply.ts';
import { CopyChanged, newestPrimary } from './copies.ts';
import { divergentOf } from './divergence.ts';
import { copyKey, type Feed, type WorldCopy } from './records.ts';
import { retried, type Settled, settle } from './settle.ts';

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
  const { world, siteId } = site;
  let settled = await settle(site, order.groupId);
  const before = settled.copies.get(siteId);
  if (before && before.role !== 'primary') throw new Refusal(`${siteId} is ${before.role} in this group`);
  if (before && before.epoch !== order.epoch) throw new Refusal(`its epoch is ${before.epoch}, not ${order.epoch}`);
  if (before && before.version >= order.version) return;
  for (const leg of order.legs) await mayBeOverwritten(site, settled, leg);
  const primary = await enterPrimary(site, order, settled);
  for (const gone of (before?.volumes ?? []).filter((v) => !order.volumes.some((o) => o.id === v.id)))
    await mark(site, siteId, gone, undefined);
  for (const leg of before?.legs ?? [])
    if (!order.legs.some((l) => l.siteId === leg.siteId)) await endLeg(site, settled.copies.get(leg.siteId));
  settled = { ...settled, copies: new Map(settled.copies).set(siteId, primary) };
  for (const leg of order.legs) await feed(site, order, leg, settled);
  await world.store.update(
    copyKey(primary),
    {
      set: { version: order.version },
      condition: '#version < :version AND #role = :primary',
      names: { '#role': 'role' },
      values: { ':version': order.version, ':primary': 'primary' },
      onFail: () => new CopyChanged(),
    },
    'world',
  );
}

/** DR-14: what a former primary alone has is never overwritten without a word. */
async function mayBeOverwritten(site: At, settled: Settled, leg: LegOrder): Promise<void> {
  const there = settled.copies.get(leg.siteId);
  if (there?.role === 'primary' && there.epoch >= (newestPrimary(settled.copies)?.epoch ?? 0))
    throw new Refusal(`${leg.siteId} is the primary of this group`);
  if (there?.role === 'primary') throw new Refusal(`${leg.siteId} was not demoted yet`);
  if (there?.role !== 'demoted' || there.discarded) return;
  const { count } = await divergentOf(site, there, settled.copies);
  if (count > 0) throw new Refusal(`${leg.siteId} has ${count} writes that nobody else has; discard them first`);
}

async function enterPrimary({ world, clock, siteId }: At, order: GroupOrder, { copies }: Settled): Promise<WorldCopy> {
  const before = copies.get(siteId);
  const head = before?.sequence ?? 0;
  const volumes = order.volumes.map((v) => ({
    ...v,
    since: before?.volumes.find((b) => b.id === v.id)?.since ?? head,
  }));
  const legs = order.legs.map(({ volumes: _, keepPoints: __, periodMs: ___, ...leg }) => leg);
  const copy: WorldCopy = before
    ? { ...before, volumes, legs, revision: before.revision + 1 }
    : {
        kind: 'copy',
        groupId: order.groupId,
        siteId,
        role: 'primary',
        epoch: order.epoch,
        version: order.version - 1,
        sequence: 0,
        at: clock.now(),
        volumes,
        branches: [{ epoch: order.epoch, from: 1 }],
        legs,
        revision: 1,
      };
  const tx = new Transaction();
  if (before)
    tx.update(
      copyKey(copy),
      {
        set: { volumes, legs },
        add: { revision: 1 },
        condition: '#revision = :revision',
        names: { '#revision': 'revision' },
        values: { ':revision': before.revision },
        onFail: () => new CopyChanged(),
      },
      'world',
    );
  else tx.put(copyKey(copy), copy, { table: 'world', ifAbsent: () => new CopyChanged() });
  await world.store.commit(tx);
  for (const volume of order.volumes) await mark({ world, clock, siteId }, siteId, volume, order.groupId);
  return copy;
}

/** Says on a volume that its writes belong to a group, or no more. */
async function mark({ world }: At, siteId: string, { vmId, name, id }: VolumeRef, group: string | undefined) {
  await world.store.update(
    worldKeys.volume(siteId, vmId, name),
    {
      ...(group ? { set: { group } } : { remove: ['group'] }),
      condition: '#id = :id',
      names: { '#id': 'id' },
      values: { ':id': id },
      onFail: () => new Refusal(`there is no volume ${name} of ${vmId} at ${siteId}`),
    },
    'world',
  );
}

async function endLeg({ world }: At, copy: WorldCopy | undefined): Promise<void> {
  if (copy?.role !== 'secondary') return;
  await world.store.update(copyKey(copy), { remove: ['feed'], add: { revision: 1 } }, 'world');
}

/** The leg to one target: carried on where it stands, or begun with a first copy. */
async function feed(site: At, order: GroupOrder, leg: LegOrder, settled: Settled): Promise<void> {
  const { world } = site;
  const primary = settled.copies.get(site.siteId) as WorldCopy;
  const there = settled.copies.get(leg.siteId);
  const goesOn = there && continues(there, primary);
  const refs = leg.volumes.map(({ id, vmId, name }, i) => ({ id, vmId, name, since: primary.volumes[i]?.since ?? 0 }));
  const fresh = refs.filter((r) => !goesOn || !there.volumes.some((v) => v.id === r.id));
  for (const { id, vmId, name } of leg.volumes) await mark(site, leg.siteId, { id, vmId, name }, order.groupId);
  if (goesOn && fresh.length === 0 && sameLeg(there.feed as Feed, leg) && there.volumes.length === refs.length) {
    if (there.epoch !== order.epoch) await setEpoch(site, there, order.epoch, primary);
    return;
  }
  const base = await enterSecondary(site, order, leg, { there, goesOn: goesOn === true, refs, primary });
  let bytes = 0;
  for (const ref of fresh) {
    const from = await world.volume(site.siteId, ref.vmId, ref.name);
    const to = await world.volume(leg.siteId, ref.vmId, ref.name);
    if (!from || !to)
      throw new Refusal(`there is no volume ${ref.name} of ${ref.vmId} at ${from ? leg.siteId : site.siteId}`);
    bytes += await copyBase(world, base, from, to);
  }
  await beginFeed(site, leg, {
    base,
    before: goesOn ? there.feed : undefined,
    bytes,
    startedFrom: primary.sequence,
    fresh: fresh.length > 0,
  });
}

/** Whether a copy holds a beginning of what the primary holds, so that only the rest need be sent. */
const continues = (there: WorldCopy, primary: WorldCopy): boolean =>
  there.role === 'secondary' &&
  there.feed !== undefined &&
  there.feed.state !== 'initial' &&
  heldUpTo(there) <= (primary.branches.findLast((b) => b.epoch > there.epoch)?.from ?? Number.POSITIVE_INFINITY) - 1;
const heldUpTo = (copy: WorldCopy): number => Math.max(copy.sequence, copy.feed?.points.at(-1)?.sequence ?? 0);

const sameLeg = (feed: Feed, leg: LegOrder): boolean =>
  feed.from === leg.from &&
  feed.mode === leg.mode &&
  feed.periodMs === (leg.periodMs ?? 0) &&
  feed.keepPoints === leg.keepPoints &&
  JSON.stringify([feed.link, feed.windows]) === JSON.stringify([leg.link, leg.windows ?? []]);

const setEpoch = ({ world }: At, there: WorldCopy, epoch: number, primary: WorldCopy): Promise<unknown> =>
  world.store.update(copyKey(there), { set: { epoch, branches: primary.branches }, add: { revision: 1 } }, 'world');

/** The target is a secondary from now on, and what an older order still copies to it comes too late. */
async function enterSecondary(
  { world, clock }: At,
  order: GroupOrder,
  leg: LegOrder,
  of: { there: WorldCopy | undefined; goesOn: boolean; refs: WorldCopy['volumes']; primary: WorldCopy },
): Promise<WorldCopy> {
  const { there, refs, primary } = of;
  const copy: WorldCopy = {
    kind: 'copy',
    groupId: order.groupId,
    siteId: leg.siteId,
    role: 'secondary',
    epoch: order.epoch,
    version: order.version,
    sequence: of.goesOn ? (there as WorldCopy).sequence : primary.sequence,
    at: of.goesOn ? (there as WorldCopy).at : clock.now(),
    volumes: refs,
    branches: primary.branches,
    legs: [],
    ...(of.goesOn && there?.feed ? { feed: there.feed } : {}),
    revision: (there?.revision ?? 0) + 1,
  };
  await world.store.commit(
    new Transaction().put(copyKey(copy), copy, {
      table: 'world',
      condition: there ? 'revision = :revision' : 'attribute_not_exists(pk)',
      ...(there ? { values: { ':revision': there.revision } } : {}),
      onFail: () => new CopyChanged(),
    }),
  );
  return copy;
}

/**
 * What is sent from now on. The first copy was made while guests wrote, so it is of use only with all writes up to the one
 * that was the last when it was complete.
 */
async function beginFeed(
  { world, clock, siteId }: At,
  leg: LegOrder,
  of: { base: WorldCopy; before: Feed | undefined; bytes: number; startedFrom: number; fresh: boolean },
): Promise<void> {
  const { base, before, bytes, startedFrom } = of;
  const now = clock.now();
  const primary = await world.store.get<WorldCopy>(copyKey({ groupId: base.groupId, siteId }), { table: 'world' });
  const head = primary?.sequence ?? startedFrom;
  const settings = {
    from: leg.from,
    mode: leg.mode,
    link: leg.link,
    windows: leg.windows ?? [],
    keepPoints: leg.keepPoints,
    periodMs: leg.periodMs ?? 0,
  };
  const carried: Partial<Feed> = before
    ? { state: before.state === 'synced' ? 'behind' : before.state, points: before.points, sentBytes: before.sentBytes }
    : {};
  const first = !before || of.fresh;
  const held = before ? (before.points.at(-1)?.sequence ?? base.sequence) : startedFrom;
  const feed: Feed = {
    state: 'initial',
    startedAt: now,
    points: [],
    sentBytes: 0,
    ...carried,
    ...settings,
    usableFrom: first ? head : (before?.usableFrom ?? head),
    nextCutAt: now + settings.periodMs,
    cuts: [],
    asked: [],
    free: { sequence: Math.min(base.sequence, startedFrom), at: now },
    ...(first ? { sending: { sequence: Math.max(head, held), stateAt: now, bytes, begunAt: now } } : {}),
  };
  await world.store.commit(
    new Transaction().update(
      copyKey(base),
      {
        set: { feed },
        add: { revision: 1 },
        condition: '#revision = :revision',
        names: { '#revision': 'revision' },
        values: { ':revision': base.revision },
        onFail: () => new CopyChanged(),
      },
      'world',
    ),
  );
}

/** The volumes of a copy become ordinary ones again. */
export async function dropGroups(site: Site, siteId: string, groupIds: string[]): Promise<GroupResult[]> {
  const results: GroupResult[] = [];
  for (const groupId of groupIds) {
    const { copies } = await retried(() => settle(site, groupId));
    const copy = copies.get(siteId);
    if (copy) {
      for (const volume of copy.volumes) await unmark({ ...site, siteId }, siteId, volume);
      await site.world.store.commit(new Transaction().delete(copyKey(copy), { table: 'world' }));
    }
    results.push({ groupId, outcome: 'done' });
  }
  return results;
}

/** A volume that was deleted meanwhile needs no mark. */
async function unmark(site: At, siteId: string, volume: VolumeRef): Promise<void> {
  const there: WorldVolume | undefined = await site.world.volume(siteId, volume.vmId, volume.name);
  if (there?.id === volume.id) await mark(site, siteId, volume, undefined);
}
