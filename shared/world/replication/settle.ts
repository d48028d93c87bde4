import { Transaction } from '../../store/transaction.ts';
import type { Site } from '../agent/common.ts';
import type { Fault } from '../records.ts';
import type { World } from '../world.ts';
import { advance, type Ground, inStep } from './advance.ts';
import { bringTo } from './apply.ts';
import { CopyChanged, copiesOf, lineTo, newestPrimary, rootOf, sameState } from './copies.ts';
import { joined, joinedAt } from './joining.ts';
import { trimJournal, writesAfter } from './journal.ts';
import type { Line } from './line.ts';
import { copyKey, type Feed, type JournalEntry, type WorldCopy } from './records.ts';

/** Times that a group is looked at again, when guests write or another call works on it at the same instant. */
const ATTEMPTS = 16;

/** A group as it is now, with what has reached its copies by now in their volumes. */
export interface Settled {
  now: number;
  faults: Fault[];
  copies: Map<string, WorldCopy>;
  /** Of each secondary, the line by which it is fed, and the writes that its volumes do not hold. */
  lines: Map<string, Line>;
  waiting: Map<string, JournalEntry[]>;
  /** Of each secondary, the last write that its source has. */
  available: Map<string, number>;
}

/** Looks again when something changed in the middle. @throws CopyChanged when others were faster each time */
export async function retried<R>(work: () => Promise<R>): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CopyChanged) || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** @throws CopyChanged */
export async function settle({ world, clock }: Site, groupId: string): Promise<Settled> {
  const faults = await world.faults();
  const now = clock.now();
  const copies = await copiesOf(world, groupId);
  const settled: Settled = { now, faults, copies, lines: new Map(), waiting: new Map(), available: new Map() };
  for (const found of nearestFirst(copies)) {
    const line = await lineTo(world, copies, found, faults, now);
    const root = rootOf(copies, found);
    if (!line || !root || !found.feed) continue;
    settled.lines.set(found.siteId, line);
    // By its own history, which is the primary's as long as it follows it.
    const writes = await writesAfter(world.store, groupId, found.branches, found.sequence);
    const copy = await finished(world, { ...found, feed: found.feed }, writes);
    const source = copies.get(copy.feed.from) as WorldCopy;
    const available = source === root ? Number.POSITIVE_INFINITY : heldBy(source);
    const entries = writes.filter((e) => e.sequence <= available);
    settled.available.set(copy.siteId, available);
    // What a former primary has beyond the point of its successor is not sent on, nor anything under an epoch that the copy
    // was not told of: it could hold more than the new history has.
    const beyond = source === root ? {} : { beyond: { writes, line: settled.lines.get(source.siteId) } };
    const still = copy.making || copy.epoch !== root.epoch || newestPrimary(copies) !== root;
    const moved = still ? copy : await move(world, copy, root, { line, now, entries, available, ...beyond, writes });
    copies.set(copy.siteId, moved);
    settled.waiting.set(
      copy.siteId,
      writes.filter((e) => e.sequence > moved.sequence),
    );
  }
  await trim(world, copies);
  return settled;
}

type Fed = WorldCopy & { feed: Feed };

/** Whoever began to write into its volumes did not come to the end. */
async function finished(world: World, copy: Fed, writes: readonly JournalEntry[]): Promise<Fed> {
  if (copy.applying === undefined) return copy;
  const points = copy.feed.points.filter((p) => p.sequence >= (copy.applying as number));
  return commitMove(world, copy, { holds: copy.applying, feed: { ...copy.feed, points } }, writes);
}

async function move(
  world: World,
  copy: Fed,
  root: WorldCopy,
  ground: Ground & { writes: JournalEntry[] },
): Promise<WorldCopy> {
  if (copy.feed.joining && joinedAt(copy.feed, ground.line) <= ground.now) return joined(world, copy);
  const { feed, holds } = advance(copy, ground);
  const direct = feed.from === root.siteId;
  const synced = direct && root.role === 'primary' && inStep(feed, root.sequence, ground.line, ground.now);
  const changed = JSON.stringify(feed) !== JSON.stringify(copy.feed) || holds !== copy.sequence || synced;
  if (!changed) return copy;
  const joining = synced && feed.joining ? { joining: { ...feed.joining, begunAt: ground.now } } : {};
  const after = { ...feed, ...(synced ? { state: 'synced' as const } : {}), ...joining };
  // Points that it was sent by another source may be newer than what this one has.
  return commitMove(world, copy, { holds, feed: after }, ground.writes, synced ? root : undefined);
}

async function commitMove(
  world: World,
  copy: Fed,
  { holds, feed }: { holds: number; feed: Feed },
  entries: readonly JournalEntry[],
  synced?: WorldCopy,
): Promise<Fed> {
  const brought = await bringTo(world, copy, holds, entries);
  const at = entries.findLast((e) => e.sequence <= holds)?.at ?? copy.at;
  const tx = new Transaction().update(
    copyKey(copy),
    {
      set: { feed, sequence: holds, at },
      add: { revision: 1 },
      remove: ['applying'],
      ...sameState({ revision: brought.revision, sequence: copy.sequence }),
    },
    'world',
  );
  // From now on each write waits for this copy: none may slip in between.
  if (synced)
    tx.check(
      copyKey(synced),
      '#sequence = :head AND #role = :primary',
      () => new CopyChanged(),
      { ':head': synced.sequence, ':primary': 'primary' },
      'world',
      { '#sequence': 'sequence', '#role': 'role' },
    );
  await world.store.commit(tx);
  const { applying: _, ...rest } = brought;
  return { ...rest, feed, sequence: holds, at, revision: brought.revision + 1 };
}

const heldBy = (copy: WorldCopy): number => Math.max(copy.sequence, copy.feed?.points.at(-1)?.sequence ?? 0);

/** Those that are fed by the primary come before those that they feed. */
function nearestFirst(copies: ReadonlyMap<string, WorldCopy>): WorldCopy[] {
  const hops = (copy: WorldCopy): number => {
    let [n, at]: [number, WorldCopy | undefined] = [0, copy];
    for (; at?.role === 'secondary' && at.feed && n <= copies.size; n++) at = copies.get(at.feed.from);
    return n;
  };
  return [...copies.values()].filter((c) => c.role === 'secondary').sort((a, b) => hops(a) - hops(b));
}

/** What all copies hold in their volumes needs no journal any more. */
async function trim(world: Site['world'], copies: ReadonlyMap<string, WorldCopy>): Promise<void> {
  const primary = newestPrimary(copies);
  if (primary?.role !== 'primary') return;
  const fed = primary.legs.map((leg) => copies.get(leg.siteId));
  if (fed.length === 0 || fed.some((c) => c?.role !== 'secondary' || !c.feed || c.epoch !== primary.epoch)) return;
  // A copy that follows nobody at present can be promoted all the same, at points that are not in its volumes yet.
  const able = [...copies.values()].filter((c) => c.role === 'secondary' && c.feed);
  // A little is kept, so that a copy which others are made of meanwhile finds what it needs.
  const upTo = Math.min(...able.map((c) => c.sequence)) - KEPT_WRITES;
  if (upTo > 0) await trimJournal(world.store, primary.groupId, primary.branches, upTo);
}

/** Writes that stay in the journal although all copies hold them. Declared. */
const KEPT_WRITES = 64;
