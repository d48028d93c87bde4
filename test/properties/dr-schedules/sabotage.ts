import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Change } from '../../support/dynamo/change.ts';
import type { MemoryDynamo } from '../../support/dynamo/memory.ts';

type Written = Pick<Change, 'key' | 'row' | 'before'>;

/** A product that is broken on purpose: what it writes stands otherwise, or is not there. */
export interface Sabotage {
  name: string;
  /** What the search has to say of it. */
  found: RegExp;
  /** What is written instead; undefined: nothing. */
  instead(change: Written): Change['row'];
}

export const SABOTAGES: readonly (() => Sabotage)[] = [
  () => ({
    name: 'a clean-up leaves an address',
    found: /addresses are claimed/,
    instead: lost((change) => change.row === null && change.key.pk.includes('IP#test:')),
  }),
  () => ({
    name: 'a clean-up leaves a volume',
    found: /INV-10: after .* is left over of/,
    instead: lost((change) => change.row === null && change.before?.kind?.S === 'volume'),
  }),
  () => ({
    name: 'the copies of a test are on the network of production, with other addresses',
    found: /INV-5: .* in shared is used by .* without a claim/,
    instead: rewritten('testOf', (vm) => ({
      nics: (vm.nics as object[]).map((nic) => ({ ...nic, spaceId: 'shared' })),
    })),
  }),
  () => ({
    name: 'a test lets the copy fall behind its schedule',
    found: /INV-10: after .* points of .* were due at/,
    instead: lateAfterAClone(),
  }),
  () => ({
    name: 'a point is promoted that has not arrived whole',
    found: /INV-8: the .* says that it is at .* and lacks|INV-9/,
    instead: lost(sentBlocks((n) => n % 5 === 0)),
  }),
  () => ({
    name: 'a failover tells of less than was lost',
    found: /INV-8: pg_.* reported exactly 0 writes/,
    instead: rewritten('action', (execution) => ({
      groups: (execution.groups as { lost?: { count: number } }[]).map((g) =>
        g.lost ? { ...g, lost: { ...g.lost, count: 0, bytes: 0, known: 'exact' } } : g,
      ),
    })),
  }),
];

const lost =
  (loses: (change: Written) => boolean): Sabotage['instead'] =>
  (change) =>
    loses(change) ? undefined : change.row;

/** Rows with that attribute are written with others. */
function rewritten(attribute: string, with_: (was: Record<string, unknown>) => object): Sabotage['instead'] {
  return ({ row }) => {
    if (!row?.[attribute]) return row;
    const was = unmarshall(row);
    return marshall({ ...was, ...with_(was) }, { removeUndefinedValues: true });
  };
}

/** Blocks that are sent to a copy: who wrote them has them first. */
function sentBlocks(which: (n: number) => boolean): (change: Written) => boolean {
  const written = new Set<string>();
  let n = 0;
  return ({ key, row }) => {
    if (!row || !key.pk.startsWith('VOL#')) return false;
    const { data } = unmarshall(row) as { data?: Uint8Array };
    const text = Buffer.from(data ?? []).toString();
    if (!written.has(text)) return !written.add(text);
    return which(++n);
  };
}

/** Once a volume was filled for a test, the copies' next points are due a while later. */
function lateAfterAClone(): Sabotage['instead'] {
  const moved = new Set<string>();
  let cloned = false;
  return ({ key, row }) => {
    if (row?.clonedAt) cloned = true;
    if (!cloned || !row || row.kind?.S !== 'copy' || !row.feed || moved.has(key.pk)) return row;
    moved.add(key.pk);
    const was = unmarshall(row) as { feed: { nextCutAt: number } };
    return marshall(
      { ...was, feed: { ...was.feed, nextCutAt: was.feed.nextCutAt + 1_234 } },
      { removeUndefinedValues: true },
    );
  };
}

/** From now on the database writes what the sabotage makes of it. */
export function sabotage(db: MemoryDynamo, { instead }: Sabotage): void {
  const carry = db.carry.bind(db);
  db.carry = (change) => carry({ ...change, row: instead(change) });
}
