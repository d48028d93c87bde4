import { Transaction } from '../../store/transaction.ts';
import type { Site } from '../agent/common.ts';
import type { Fault } from '../records.ts';
import { advance, type Ground, inStep } from './advance.ts';
import { applyWrites } from './apply.ts';
import { CopyChanged, copiesOf, lineTo, newestPrimary, rootOf } from './copies.ts';
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
  for (const copy of nearestFirst(copies)) {
    const line = await lineTo(world, copies, copy, faults, now);
    const root = rootOf(copies, copy);
    if (!line || !root || !copy.feed) continue;
    settled.lines.set(copy.siteId, line);
    const writes = await writesAfter(world.store, groupId, root.branches, copy.sequence);
    const source = copies.get(copy.feed.from) as WorldCopy;
    const available = source === root ? Number.POSITIVE_INFINITY : heldBy(source);
    const entries = writes.filter((e) => e.sequence <= available);
    settled.available.set(copy.siteId, available);
    // What a former primary has beyond the point of its successor is not sent on, nor anything under an epoch that the copy
    // was not told of: it could hold more than the new history has.
    const still = copy.epoch !== root.epoch || newestPrimary(copies) !== root;
    const moved = still
      ? copy
      : await move({ world, clock }, { ...copy, feed: copy.feed }, root, { line, now, entries, available });
    copies.set(copy.siteId, moved);
    settled.waiting.set(
      copy.siteId,
      writes.filter((e) => e.sequence > moved.sequence),
    );
  }
  await trim(world, copies);
  return settled;
}

async function move(
  { world }: Site,
  copy: WorldCopy & { feed: Feed },
  root: WorldCopy,
  ground: Ground & { entries: JournalEntry[] },
): Promise<WorldCopy> {
  const { feed, holds } = advance(copy, ground);
  const direct = feed.from === root.siteId;
  const synced = direct && root.role === 'primary' && inStep(feed, root.sequence, ground.line, ground.now);
  const changed = JSON.stringify(feed) !== JSON.stringify(copy.feed) || holds !== copy.sequence || synced;
  if (!changed) return copy;
  const arrived = ground.entries.filter((e) => e.sequence <= holds);
  if (arrived.length > 0) await applyWrites(world, copy, arrived);
  const after = { ...feed, ...(synced ? { state: 'synced' as const } : {}) };
  const at = arrived.at(-1)?.at ?? copy.at;
  const tx = new Transaction().update(
    copyKey(copy),
    {
      set: { feed: after, sequence: holds, at },
      add: { revision: 1 },
      condition: '#revision = :revision',
      names: { '#revision': 'revision' },
      values: { ':revision': copy.revision },
      onFail: () => new CopyChanged(),
    },
    'world',
  );
  // From now on each write waits for this copy: none may slip in between.
  if (synced)
    tx.check(
      copyKey(root),
      '#sequence = :head AND #role = :primary',
      () => new CopyChanged(),
      { ':head': root.sequence, ':primary': 'primary' },
      'world',
      { '#sequence': 'sequence', '#role': 'role' },
    );
  await world.store.commit(tx);
  return { ...copy, feed: after, sequence: holds, at, revision: copy.revision + 1 };
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
  // A little is kept, so that a copy which others are made of meanwhile finds what it needs.
  const upTo = Math.min(...fed.map((c) => c?.sequence ?? 0)) - KEPT_WRITES;
  if (upTo > 0) await trimJournal(world.store, primary.groupId, primary.branches, upTo);
}

/** Writes that stay in the journal although all copies hold them. Declared. */
const KEPT_WRITES = 64;
