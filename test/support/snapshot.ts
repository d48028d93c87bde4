import { createHash } from 'node:crypto';
import type { Store } from '../../shared/store/store.ts';
import { extentOf } from '../../shared/world/extents.ts';
import type { WorldBlock, WorldVolume } from '../../shared/world/records.ts';
import type { WorldCopy } from '../../shared/world/replication/records.ts';
import { World } from '../../shared/world/world.ts';

/** What tells of the past and is allowed to grow: trails, events, operations, records of executions, leases. */
const PAST = /^SYS#(AUDIT|EV|OP|IDEM|ALARM|DRLEASE|INCIDENT|OPEN)|^T#\w+#(EV|OP|IDEM|EXEC|EXECPART|RECOVERY)\b/;
/** What says that something was done, and when; not what is there. */
const MARKS = new Set([
  'version',
  'operationId',
  'executionId',
  'executions',
  'testExecutionId',
  'testPrint',
  'testedAt',
  'lastDrillAt',
  'reason',
  'heartbeatAt',
  'lastSeenAt',
  'seenAt',
  'changedAt',
  'updatedAt',
]);

/** Everything that is there, by its place: entities, ledgers, quotas, addresses, names, volumes and their bytes, copies. */
export type Snapshot = Map<string, string>;

/** INV-10: a DR test with its clean-up leaves all of this as it was. */
export async function snapshot(store: Store): Promise<Snapshot> {
  const out: Snapshot = new Map();
  for await (const row of store.scan<{ pk: string; sk: string } & Record<string, unknown>>('control'))
    if (!PAST.test(row.pk)) out.set(`${row.pk} ${row.sk}`, said(row));
  const world = new World(store);
  for (const volume of await world.ofKind<WorldVolume>('volume')) {
    const blocks = await store.queryAll<WorldBlock>(`VOL#${extentOf(volume)}`, 'world', { consistent: true });
    const bytes = createHash('sha256');
    for (const { index, data, sequence } of blocks) bytes.update(`${index} ${sequence} `).update(data);
    const { id, vmId, name, siteId, datastoreId, sizeGiB, group, leaseEpoch, leaseHost, sequence } = volume;
    out.set(
      `volume ${id}`,
      said({
        vmId,
        name,
        siteId,
        datastoreId,
        sizeGiB,
        group,
        leaseEpoch,
        leaseHost,
        sequence,
        bytes: bytes.digest('hex'),
      }),
    );
  }
  for (const {
    groupId,
    siteId,
    role,
    epoch,
    version,
    sequence,
    volumes,
    branches,
    feed,
  } of await world.ofKind<WorldCopy>('copy'))
    out.set(
      `copy ${groupId} ${siteId}`,
      said({
        role,
        epoch,
        version,
        sequence,
        volumes,
        branches,
        feed: feed && { from: feed.from, mode: feed.mode, state: feed.state },
      }),
    );
  return out;
}

const said = (row: object): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(row)
        .filter(([name]) => !MARKS.has(name))
        .sort(([a], [b]) => a.localeCompare(b)),
    ),
  );

/** What differs, in words. */
export function differences(before: Snapshot, after: Snapshot): string[] {
  const out: string[] = [];
  for (const [place, was] of before) {
    const is = after.get(place);
    if (is !== was) out.push(is === undefined ? `${place} is gone` : `${place} was ${was} and is ${is}`);
  }
  for (const place of after.keys()) if (!before.has(place)) out.push(`${place} is new: ${after.get(place)}`);
  return out;
}
