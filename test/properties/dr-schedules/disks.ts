import { extentOf } from '../../../shared/world/extents.ts';
import type { WorldBlock, WorldVolume } from '../../../shared/world/records.ts';
import { epochOf, type WorldCopy } from '../../../shared/world/replication/records.ts';
import { type Acknowledged, inOrder } from '../../support/numbered-guests.ts';

/** What stands on the disks of a copy at an instant: texts by the number of the write, and the VM that the disk is of. */
export type Standing = ReadonlyMap<number, { text: string; vmId: string }>;

/** Rows of the world as they stand. */
export interface Rows {
  ofKind<T>(kind: string): T[];
  at<T extends object>(pk: string): T[];
}

/**
 * The disks of all copies of protected groups against what guests were told, at every instant. Blocks are numbered, and
 * never written twice, so that bytes are compared, not counts.
 */
export class Disks {
  readonly copies: WorldCopy[];
  private readonly standing = new Map<string, Standing>();
  private readonly rows: Rows;
  private readonly texts: WeakMap<object, string>;
  private readonly volumes: Map<string, WorldVolume>;

  /** `texts` is kept over instants: blocks that did not change are read once. */
  constructor(rows: Rows, texts: WeakMap<object, string>) {
    this.rows = rows;
    this.texts = texts;
    this.copies = rows.ofKind<WorldCopy>('copy');
    this.volumes = new Map(rows.ofKind<WorldVolume>('volume').map((v) => [v.id, v]));
  }

  of(copy: WorldCopy): Standing {
    const key = `${copy.groupId} ${copy.siteId}`;
    let found = this.standing.get(key);
    if (!found) {
      found = new Map(copy.volumes.flatMap(({ id, vmId }) => this.blocksOf(id).map((b) => [b.n, { ...b, vmId }])));
      this.standing.set(key, found);
    }
    return found;
  }

  private blocksOf(id: string): { n: number; text: string }[] {
    const volume = this.volumes.get(id);
    if (!volume) return [];
    return this.rows.at<WorldBlock>(`VOL#${extentOf(volume)}`).map((row) => {
      let text = this.texts.get(row);
      if (text === undefined) {
        text = Buffer.from(row.data).toString();
        this.texts.set(row, text);
      }
      return { n: row.index, text };
    });
  }
}

export interface Judged {
  checked: number;
  violations: string[];
}

/** A copy that says what it holds: not one that is being made, or made anew. */
const says = ({ role, making, feed, promotion }: WorldCopy): boolean =>
  !making && (role !== 'secondary' || (feed !== undefined && feed.state !== 'initial') || promotion !== undefined);

/**
 * INV-8: each copy holds every write of its own history up to where it says it is, byte for byte, and nothing else: the
 * primary all that it was told is safe, a former one what it alone has until that is discarded, a twin in step all that
 * its primary has acknowledged (DR-4, DR-14).
 */
export function holdWhatTheySay(disks: Disks, told: ReadonlyMap<string, readonly Acknowledged[]>): Judged {
  const violations: string[] = [];
  let checked = 0;
  for (const copy of disks.copies) {
    if (!says(copy)) continue;
    const where = `the ${copy.role} of ${copy.groupId} at ${copy.siteId}`;
    const standing = disks.of(copy);
    const mine = told.get(copy.groupId) ?? [];
    const history = new Set<number>();
    const given = copy.discardedAfter ?? Number.POSITIVE_INFINITY;
    for (const w of mine) {
      const sequence = w.sequence ?? 0;
      if (epochOf(copy.branches, sequence) !== w.epoch || sequence > Math.max(copy.sequence, copy.applying ?? 0))
        continue;
      history.add(w.n);
      if (sequence > copy.sequence || (copy.role === 'demoted' && sequence > given)) continue;
      checked++;
      if (standing.get(w.n)?.text !== w.text)
        violations.push(
          `INV-8: ${where} says that it is at ${copy.sequence} and lacks ${w.n} of ${w.vmId} (${sequence})`,
        );
    }
    if (copy.discardedAfter === undefined)
      for (const [n, { vmId }] of standing)
        if (!history.has(n)) violations.push(`INV-8: ${where} has a block ${n} of ${vmId} that nobody wrote there`);
    if (copy.feed?.mode === 'sync' && copy.feed.state === 'synced') {
      const primary = disks.copies.find((c) => c.groupId === copy.groupId && c.siteId === copy.feed?.from);
      if (primary?.role === 'primary' && primary.sequence !== copy.sequence)
        violations.push(`INV-8: ${where} is in step and at ${copy.sequence}, its primary at ${primary.sequence}`);
    }
  }
  return { checked, violations };
}

/** INV-9: of what each primary has told its guests a copy holds a beginning, over all VMs, whatever it says of itself. */
export function holdABeginning(disks: Disks, told: ReadonlyMap<string, readonly Acknowledged[]>): Judged {
  const violations: string[] = [];
  let checked = 0;
  for (const copy of disks.copies) {
    // What is in the middle of being brought to a later point is at none: it is not promoted before it is there.
    const between = (copy.applying ?? 0) > copy.sequence;
    if (!says(copy) || between || copy.discardedAfter !== undefined) continue;
    const present = new Map([...disks.of(copy)].map(([n, { text }]) => [n, text]));
    violations.push(
      ...inOrder(told.get(copy.groupId) ?? [], present, `the ${copy.role} of ${copy.groupId} at ${copy.siteId}`),
    );
    checked++;
  }
  return { checked, violations };
}
