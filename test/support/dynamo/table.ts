import { byBytes, Invalid, type Row, Unfit } from './values.ts';

export interface IndexOf {
  hash: string;
  range: string;
  keysOnly: boolean;
}

/** Rows of one partition in the order of their sort key. Finding a place is a search by halves. */
class Shelf {
  private readonly order: string[] = [];
  private readonly rows = new Map<string, Row>();

  get size(): number {
    return this.order.length;
  }
  get(key: string): Row | undefined {
    return this.rows.get(key);
  }
  put(key: string, row: Row): void {
    if (!this.rows.has(key)) this.order.splice(this.placeOf(key), 0, key);
    this.rows.set(key, row);
  }
  delete(key: string): void {
    if (this.rows.delete(key)) this.order.splice(this.placeOf(key), 1);
  }
  /** From the first, or the last, key beyond `after`. */
  *from(after: string | undefined, backwards: boolean): Generator<Row> {
    const beyond = (key: string) => (this.order[this.placeOf(key)] === key ? this.placeOf(key) + 1 : this.placeOf(key));
    if (backwards) {
      for (let i = (after === undefined ? this.order.length : this.placeOf(after)) - 1; i >= 0; i--)
        yield this.rows.get(this.order[i] as string) as Row;
    } else {
      for (let i = after === undefined ? 0 : beyond(after); i < this.order.length; i++)
        yield this.rows.get(this.order[i] as string) as Row;
    }
  }
  private placeOf(key: string): number {
    let [low, high] = [0, this.order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (byBytes(this.order[middle] as string, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const LONGEST_PK = 2048;
const LONGEST_SK = 1024;

/** One table with its indexes. Rows are never changed in place: whoever was given one keeps what he saw. */
export class MemoryTable {
  private readonly partitions = new Map<string, Shelf>();
  private readonly indexes: Map<string, IndexOf & { partitions: Map<string, Shelf> }>;

  constructor(indexes: Record<string, IndexOf>) {
    this.indexes = new Map(Object.entries(indexes).map(([name, of]) => [name, { ...of, partitions: new Map() }]));
  }

  keyOf(row: Row): { pk: string; sk: string } {
    const [pk, sk] = [row.pk?.S, row.sk?.S];
    if (pk === undefined || sk === undefined) throw new Invalid('the key needs the strings pk and sk');
    if (pk === '' || sk === '') throw new Invalid('a key cannot be empty');
    if (Buffer.byteLength(pk) > LONGEST_PK || Buffer.byteLength(sk) > LONGEST_SK)
      throw new Invalid('a key is longer than it may be');
    return { pk, sk };
  }

  get(key: { pk: string; sk: string }): Row | undefined {
    return this.partitions.get(key.pk)?.get(key.sk);
  }

  /** @throws Unfit where an attribute that an index needs is of no use to it. */
  mustFitIndexes(row: Row): void {
    for (const [name, { hash, range }] of this.indexes)
      for (const attribute of [hash, range]) {
        const value = row[attribute];
        if (value !== undefined && (value.S === undefined || value.S === ''))
          throw new Unfit(`${attribute} must be a string with something in it: it is a key of the index ${name}`);
      }
  }

  put(row: Row): void {
    const key = this.keyOf(row);
    const before = this.get(key);
    shelf(this.partitions, key.pk).put(key.sk, row);
    for (const index of this.indexes.values()) {
      const [was, is] = [before && entryOf(index, before), entryOf(index, row)];
      if (was && (was.hash !== is?.hash || was.order !== is.order)) shelf(index.partitions, was.hash).delete(was.order);
      if (is) shelf(index.partitions, is.hash).put(is.order, row);
    }
  }

  delete(key: { pk: string; sk: string }): void {
    const before = this.get(key);
    if (!before) return;
    shelf(this.partitions, key.pk).delete(key.sk);
    if (shelf(this.partitions, key.pk).size === 0) this.partitions.delete(key.pk);
    for (const index of this.indexes.values()) {
      const was = entryOf(index, before);
      if (was) shelf(index.partitions, was.hash).delete(was.order);
    }
  }

  index(name: string): IndexOf {
    const index = this.indexes.get(name);
    if (!index) throw new Invalid(`the table has no index ${name}`);
    return index;
  }

  /** Rows of a partition of the table, or of an index, in order, behind `after`. */
  *query(hash: string, options: { index?: string; after?: Row; backwards?: boolean }): Generator<Row> {
    const index = options.index === undefined ? undefined : this.indexes.get(options.index);
    const rows = (index?.partitions ?? this.partitions).get(hash);
    if (!rows) return;
    const after = options.after && (index ? entryOf(index, options.after)?.order : this.keyOf(options.after).sk);
    yield* rows.from(after, options.backwards ?? false);
  }

  /** Every row behind `after`, partition by partition. */
  *all(after?: Row): Generator<Row> {
    const last = after && this.keyOf(after);
    for (const pk of [...this.partitions.keys()].sort(byBytes)) {
      const by = last ? byBytes(pk, last.pk) : 1;
      if (by >= 0) yield* this.partitions.get(pk)?.from(by === 0 ? last?.sk : undefined, false) ?? [];
    }
  }
}

function shelf(partitions: Map<string, Shelf>, of: string): Shelf {
  let found = partitions.get(of);
  if (!found) {
    found = new Shelf();
    partitions.set(of, found);
  }
  return found;
}

/** Where a row stands in an index; nowhere when it lacks a key of it. Equal keys are told apart by those of the table. */
function entryOf(index: IndexOf, row: Row): { hash: string; order: string } | undefined {
  const [hash, range] = [row[index.hash]?.S, row[index.range]?.S];
  if (hash === undefined || range === undefined) return undefined;
  return { hash, order: [range, row.pk?.S, row.sk?.S].join('\0') };
}
