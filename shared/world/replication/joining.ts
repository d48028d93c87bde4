import { Transaction } from '../../store/transaction.ts';
import type { World } from '../world.ts';
import { sameState } from './copies.ts';
import { type Line, MESSAGE_BYTES, sentAt, sentBetween } from './line.ts';
import { copyKey, type Feed, type WorldCopy } from './records.ts';

type Fed = WorldCopy & { feed: Feed };

/** What is left to cross of first copies of volumes that join a pair; it rests while the pair is not in step. */
export function underWay({ joining, state }: Feed, line: Line, now: number): Feed['joining'] {
  if (!joining || state !== 'synced') return joining;
  const left = joining.bytes - sentBetween(line, joining.begunAt, now);
  return { bytes: Math.max(0, Math.ceil(left)), begunAt: now };
}

/** The same feed when the pair falls out of step. */
export function atRest(feed: Feed, line: Line | undefined, now: number): Feed {
  const joining = line ? underWay(feed, line, now) : feed.joining;
  return { ...feed, ...(joining ? { joining } : {}) };
}

/** When the first copies that are under way will be there, ms; infinite when they will not, as things are now. */
export const joinedAt = ({ joining, state }: Feed, line: Line): number =>
  joining && state === 'synced'
    ? Math.ceil(sentAt(line, joining.begunAt, joining.bytes + MESSAGE_BYTES) + line.latencyMs)
    : Number.POSITIVE_INFINITY;

/** What has joined is part of every point from now on. @throws CopyChanged when somebody wrote meanwhile */
export async function joined(world: World, copy: Fed): Promise<Fed> {
  const { joining: crossed, ...rest } = copy.feed;
  const feed = { ...rest, sentBytes: rest.sentBytes + (crossed?.bytes ?? 0) };
  const volumes = copy.volumes.map(({ joining, ...v }) => (joining ? { ...v, from: copy.sequence } : v));
  await world.store.commit(
    new Transaction().update(
      copyKey(copy),
      { set: { feed, volumes }, add: { revision: 1 }, ...sameState(copy) },
      'world',
    ),
  );
  return { ...copy, feed, volumes, revision: copy.revision + 1 };
}

/** Volumes of a copy that a point holds. */
export const heldAt = (volumes: WorldCopy['volumes'], sequence: number): WorldCopy['volumes'] =>
  volumes.filter((v) => !v.joining && (v.from ?? 0) <= sequence);
