import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Condition, Operand, Path, Update } from './expression.ts';
import { byBytes, copyRow, equal, Invalid, order, type Row, sum, Unfit } from './values.ts';

/** What the placeholders of one request stand for. Remembers which were used: DynamoDB refuses what is left over. */
export class Placeholders {
  private readonly names: Record<string, string>;
  private readonly values: Row;
  private readonly used = new Set<string>();

  constructor(names: Record<string, string> = {}, values: Row = {}) {
    this.names = names;
    this.values = values;
  }

  name(step: string): string {
    if (!step.startsWith('#')) return step;
    const name = this.names[step];
    if (name === undefined) throw new Invalid(`the name ${step} is not defined`);
    this.used.add(step);
    return name;
  }

  value(placeholder: string): AttributeValue {
    const value = this.values[placeholder];
    if (value === undefined) throw new Invalid(`the value ${placeholder} is not defined`);
    this.used.add(placeholder);
    return value;
  }

  path(path: Path): string[] {
    return path.map((step) => this.name(step));
  }

  /** Looks every placeholder up, whether or not its turn would come. */
  learn(expression: Condition | Update): void {
    walk(expression, this);
  }

  mustBeUsed(): void {
    const left = [...Object.keys(this.names), ...Object.keys(this.values)].filter((p) => !this.used.has(p));
    if (left.length > 0) throw new Invalid(`not used in any expression: ${left.join(', ')}`);
  }
}

function walk(part: unknown, p: Placeholders): void {
  if (typeof part === 'string') {
    if (part.startsWith('#')) p.name(part);
    else if (part.startsWith(':')) p.value(part);
  } else if (typeof part === 'object' && part !== null) for (const inner of Object.values(part)) walk(inner, p);
}

function at(row: Row, path: readonly string[]): AttributeValue | undefined {
  let found: AttributeValue | undefined = { M: row };
  for (const step of path) found = found?.M?.[step];
  return found;
}

function operand(o: Operand, row: Row, p: Placeholders): AttributeValue | undefined {
  if ('value' in o) return p.value(o.value);
  if ('path' in o) return at(row, p.path(o.path));
  if ('ifAbsent' in o) return at(row, p.path(o.ifAbsent.path)) ?? p.value(o.ifAbsent.value);
  const sized = at(row, p.path(o.size));
  const size =
    sized?.L?.length ??
    sized?.B?.length ??
    (sized?.M && Object.keys(sized.M).length) ??
    (sized?.S === undefined ? undefined : Buffer.byteLength(sized.S));
  return size === undefined ? undefined : { N: String(size) };
}

/** A comparison with what is not there is false; so are all but = and <> between values of different types. */
export function holds(c: Condition, row: Row, p: Placeholders): boolean {
  switch (c.op) {
    case 'and':
      return c.parts.every((part) => holds(part, row, p));
    case 'or':
      return c.parts.some((part) => holds(part, row, p));
    case 'not':
      return !holds(c.part, row, p);
    case 'exists':
      return (at(row, p.path(c.path)) !== undefined) === c.wanted;
    case 'in': {
      const left = operand(c.left, row, p);
      return left !== undefined && c.among.some((o) => equal(left, operand(o, row, p) ?? { M: {} }));
    }
    case 'begins': {
      const [left, right] = [operand(c.left, row, p), operand(c.right, row, p)];
      return left?.S !== undefined && right?.S !== undefined && left.S.startsWith(right.S);
    }
    case 'contains': {
      const [left, right] = [operand(c.left, row, p), operand(c.right, row, p)];
      if (left?.S !== undefined) return right?.S !== undefined && left.S.includes(right.S);
      return right !== undefined && (left?.L ?? []).some((item) => equal(item, right));
    }
    case 'compare':
      return compares(c.sign, operand(c.left, row, p), operand(c.right, row, p));
  }
}

function compares(sign: string, left: AttributeValue | undefined, right: AttributeValue | undefined): boolean {
  // What is not there differs from everything.
  if (left === undefined || right === undefined) return sign === '<>';
  if (sign === '=') return equal(left, right);
  if (sign === '<>') return !equal(left, right);
  const by = order(left, right);
  if (by === undefined) return false;
  return sign === '<' ? by < 0 : sign === '<=' ? by <= 0 : sign === '>' ? by > 0 : by >= 0;
}

/** The item after the update; the one before is left alone. Every operand is of the item before. */
export function updated(update: Update, row: Row, p: Placeholders): Row {
  const sets = update.set.map(({ path, terms, sign }) => {
    const values = terms.map((t) => {
      const value = operand(t, row, p);
      if (value === undefined) throw new Unfit('an operand of the update is not in the item');
      return value;
    });
    if (!sign) return { path: p.path(path), value: values[0] as AttributeValue };
    const [a, b] = values.map((v) => v.N) as [string | undefined, string | undefined];
    if (a === undefined || b === undefined) throw new Unfit('an operand of the update is not a number');
    return { path: p.path(path), value: { N: sum(a, b, sign === '+' ? 1 : -1) } };
  });
  const after = copyRow(row);
  for (const { path, value } of sets) {
    const last = path.at(-1) as string;
    parentOf(after, path)[last] = copyRow({ value }).value as AttributeValue;
  }
  for (const path of update.remove.map((r) => p.path(r))) delete parentOf(after, path)[path.at(-1) as string];
  return after;
}

function parentOf(row: Row, path: readonly string[]): Row {
  const parent = at(row, path.slice(0, -1))?.M;
  if (!parent) throw new Unfit(`the item has no map for the path ${path.join('.')}`);
  return parent;
}

/** @throws Invalid where two paths of the update are one, or one leads through the other. */
export function mustNotOverlap(update: Update, p: Placeholders): void {
  const paths = [...update.set.map((s) => p.path(s.path)), ...update.remove.map((r) => p.path(r))];
  const texts = paths.map((path) => path.join('\0')).sort(byBytes);
  for (const [i, text] of texts.entries()) {
    const next = texts[i + 1];
    if (next !== undefined && (next === text || next.startsWith(`${text}\0`)))
      throw new Invalid('two paths of the update overlap');
  }
}
