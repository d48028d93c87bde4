import type { GroupOrder, LegOrder } from '../../hypervisor/replication-port.ts';
import { Transaction, type UpdateSpec } from '../../store/transaction.ts';
import { Refusal, type Site } from '../agent/common.ts';
import { type Differences, differences, writeDifferences } from './base.ts';
import { apart, baseUnderWay, carried, continues, isSameFeed, settingsOf } from './carry.ts';
import { CopyChanged, lineTo, sameRevision, sameState } from './copies.ts';
import { underWay } from './joining.ts';
import { coalescedBytes, writesAfter } from './journal.ts';
import { sentBetween } from './line.ts';
import { leavingOf, markAll, mustBeBegun } from './marks.ts';
import { commonBeginning, copyKey, type Feed, type WorldCopy } from './records.ts';

type At = Site & { siteId: string };
/** The primary as it has begun the order, and the copy at the target as it was found. */
export interface Ends {
  primary: WorldCopy;
  there: WorldCopy | undefined;
}
type Volumes = WorldCopy['volumes'];

/** The leg to one target: carried on where it stands, or begun with a first copy of what is not there. */
export async function feed(site: At, order: GroupOrder, leg: LegOrder, { primary, there }: Ends): Promise<void> {
  const { world, clock } = site;
  const goesOn = there !== undefined && continues(there, primary);
  const refs = leg.volumes.map(({ id, vmId, name }, i) => ({
    id,
    vmId,
    name,
    joined: primary.volumes[i]?.joined ?? 0,
  }));
  // A first copy that was made of another history is none of this one.
  const common = goesOn ? commonBeginning(there.branches, primary.branches) : 0;
  const stays = goesOn && isSameFeed(there, primary, leg);
  const held = (v: Volumes[number]) => (v.from ?? 0) <= common && (stays || !v.joining);
  const kept: Volumes = refs.flatMap((r) => (goesOn && there.volumes.find((v) => same(v, r) && held(v))) || []);
  const fresh = refs.filter((r) => !kept.some((k) => k.id === r.id));
  await markAll(site, leg.siteId, leg.volumes, primary);
  const follows = { epoch: order.epoch, version: order.version, begun: order.version, branches: primary.branches };
  if (goesOn && fresh.length === 0 && !there.making) {
    const after = { ...follows, feed: carried(there, primary, leg, clock.now()), volumes: kept };
    if (JSON.stringify(after) === JSON.stringify(pick(there, after))) return;
    await change(world, primary, there, { set: { ...after, leaving: leavingOf(there, kept) } });
    return;
  }
  if (stays && !there.making && there.feed.state === 'synced' && kept.length > 0)
    return join(site, leg, { primary, there, follows, refs, kept, fresh });
  const base = await enterSecondary(site, primary, leg, {
    ...(there ? { before: there } : {}),
    ...follows,
    ...(goesOn ? { feed: apart(there, clock.now()), sequence: there.sequence, at: there.at } : {}),
    volumes: kept,
    leaving: leavingOf(there, refs),
  });
  const copied = await copyAll(site, primary, base, fresh);
  await beginFeed(site, leg, { primary, base: copied, goesOn, refs, kept });
}

const same = (a: Volumes[number], b: Volumes[number]): boolean => a.id === b.id && a.joined === b.joined;
const pick = <T extends object>(of: T, like: Partial<T>) =>
  Object.fromEntries(Object.keys(like).map((k) => [k, of[k as keyof T]]));

/** It takes part in writes before and after: what they change may be another by now. */
const staysInStep = ({ feed }: WorldCopy, { set }: UpdateSpec): boolean =>
  feed?.state === 'synced' && ((set?.feed as Feed | undefined) ?? feed).state === 'synced';

/** Changes a copy as it was read, as long as the order is the newest one. */
async function change(world: At['world'], primary: WorldCopy, copy: WorldCopy, spec: UpdateSpec): Promise<WorldCopy> {
  const tx = mustBeBegun(new Transaction(), primary).update(
    copyKey(copy),
    {
      ...spec,
      add: { revision: 1 },
      ...(staysInStep(copy, spec) ? sameRevision(copy) : sameState(copy)),
    },
    'world',
  );
  await world.store.commit(tx);
  return { ...copy, ...spec.set, revision: copy.revision + 1 };
}

/**
 * Volumes join a pair that is in step and stays so: their first copies are made beside it, and in an instant in which nobody
 * writes they begin to take part in each write. No point holds them before their first copies have crossed the link.
 */
async function join(
  site: At,
  leg: LegOrder,
  of: {
    primary: WorldCopy;
    there: WorldCopy & { feed: Feed };
    follows: Partial<WorldCopy>;
    refs: Volumes;
    kept: Volumes;
    fresh: Volumes;
  },
): Promise<void> {
  const { world, clock, siteId } = site;
  const { primary, there, follows, refs, kept, fresh } = of;
  const now = clock.now();
  const leaving = leavingOf(there, refs);
  const entered = await change(world, primary, there, { set: { ...follows, volumes: kept, leaving } });
  const copied = await copyAll(site, primary, entered, fresh);
  const head = (await world.store.get<WorldCopy>(copyKey(primary), { table: 'world' }))?.sequence;
  const again: Differences[] = [];
  for (const { vmId, name } of fresh) {
    const [from, to] = [await world.volume(siteId, vmId, name), await world.volume(leg.siteId, vmId, name)];
    if (from && to) again.push(await differences(world, from, to));
  }
  for (const d of again) await writeDifferences(world, copied, d);
  const lines = new Map([[primary.siteId, primary]]);
  const line = await lineTo(world, lines, there, await world.faults(), now);
  const left = line ? (underWay(there.feed, line, now)?.bytes ?? 0) : 0;
  const made = (copied.owed?.made ?? 0) + again.reduce((sum, d) => sum + d.bytes, 0);
  const feed: Feed = { ...carried(there, primary, leg, now), joining: { bytes: left + made, begunAt: now } };
  const volumes = refs.map(
    (r) => kept.find((k) => k.id === r.id) ?? { ...r, joining: true as const, since: primary.sequence },
  );
  const tx = mustBeBegun(new Transaction(), primary, head).update(
    copyKey(copied),
    { set: { feed, volumes }, remove: ['owed'], add: { revision: 1 }, ...sameRevision(copied) },
    'world',
  );
  await world.store.commit(tx);
}

/** The target is a secondary from now on, and what an older order still copies to it comes too late. */
async function enterSecondary(
  { world, clock }: At,
  primary: WorldCopy,
  leg: LegOrder,
  { before, ...of }: Partial<WorldCopy> & { before?: WorldCopy; volumes: Volumes },
): Promise<WorldCopy> {
  const copy: WorldCopy = {
    kind: 'copy',
    groupId: primary.groupId,
    siteId: leg.siteId,
    role: 'secondary',
    epoch: primary.epoch,
    version: primary.begun,
    begun: primary.begun,
    sequence: primary.sequence,
    at: clock.now(),
    branches: primary.branches,
    legs: [],
    ...of,
    making: true,
    owed: before ? await owedTo(world, primary, before, clock.now()) : { left: 0, made: 0 },
    revision: (before?.revision ?? 0) + 1,
  };
  const tx = mustBeBegun(new Transaction(), primary).put(copyKey(copy), copy, {
    table: 'world',
    condition: before ? 'revision = :revision AND #sequence = :before' : 'attribute_not_exists(pk)',
    ...(before
      ? { names: { '#sequence': 'sequence' }, values: { ':revision': before.revision, ':before': before.sequence } }
      : {}),
    onFail: () => new CopyChanged(),
  });
  await world.store.commit(tx);
  return copy;
}

/** Bytes of a first copy that stand in the target's volumes, and have not crossed the link. */
async function owedTo(world: At['world'], primary: WorldCopy, there: WorldCopy, now: number) {
  if (there.owed) return there.owed;
  const { feed } = there;
  if (!feed?.sending || !baseUnderWay(feed)) return { left: 0, made: 0 };
  const line = await lineTo(world, new Map([[primary.siteId, primary]]), there, await world.faults(), now);
  const sent = line && feed.state !== 'suspended' ? sentBetween(line, feed.sending.begunAt, now) : 0;
  return { left: Math.max(0, Math.floor(feed.sending.bytes - sent)), made: 0 };
}

/** First copies: what they will take on the link is written down before anything is. */
async function copyAll({ world, siteId }: At, primary: WorldCopy, base: WorldCopy, fresh: Volumes): Promise<WorldCopy> {
  const all: Differences[] = [];
  for (const { vmId, name } of fresh) {
    const [from, to] = [await world.volume(siteId, vmId, name), await world.volume(base.siteId, vmId, name)];
    if (!from || !to) throw new Refusal(`there is no volume ${name} of ${vmId} at ${from ? base.siteId : siteId}`);
    all.push(await differences(world, from, to));
  }
  // Of what an attempt before has written nothing differs any more, but all of it has to be sent.
  const made = Math.max(
    base.owed?.made ?? 0,
    all.reduce((sum, d) => sum + d.bytes, 0),
  );
  const owed = { left: base.owed?.left ?? 0, made };
  const copy = await change(world, primary, base, { set: { owed } });
  for (const d of all) await writeDifferences(world, copy, d);
  return copy;
}

/**
 * What is sent from now on. The first copy was made while guests wrote, so it is of use only with all writes up to the one
 * that was the last when it was complete.
 */
async function beginFeed(
  { world, clock, siteId }: At,
  leg: LegOrder,
  of: { primary: WorldCopy; base: WorldCopy; goesOn: boolean; refs: Volumes; kept: Volumes },
): Promise<void> {
  const { primary, base, goesOn, refs, kept } = of;
  const now = clock.now();
  const there = await world.store.get<WorldCopy>(copyKey({ groupId: base.groupId, siteId }), { table: 'world' });
  const head = there?.sequence ?? primary.sequence;
  const carriedOn = goesOn && base.feed ? carried({ ...base, feed: base.feed }, primary, leg, now) : undefined;
  const held = carriedOn?.points.at(-1)?.sequence ?? base.sequence;
  const since = (await writesAfter(world.store, base.groupId, primary.branches, held)).filter(
    (e) => e.sequence <= head,
  );
  const bytes = (base.owed?.left ?? 0) + (base.owed?.made ?? 0) + coalescedBytes(since);
  const settings = settingsOf(leg);
  const feed: Feed = {
    state: 'initial',
    startedAt: now,
    points: [],
    sentBytes: 0,
    nextCutAt: now + settings.periodMs,
    cuts: [],
    asked: [],
    free: { sequence: base.sequence, at: now },
    ...carriedOn,
    ...settings,
    usableFrom: head,
    sending: { sequence: Math.max(head, held), stateAt: now, bytes, begunAt: now },
  };
  const volumes = refs.map((r) => kept.find((k) => k.id === r.id) ?? { ...r, from: head, since: primary.sequence });
  await change(world, primary, base, { set: { feed, volumes }, remove: ['making', 'owed'] });
}
