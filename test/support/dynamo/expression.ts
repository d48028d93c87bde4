import { Invalid } from './values.ts';

/** A path's steps as they are written: `#name` is looked up, any other word stands for itself. */
export type Path = readonly string[];
export type Operand = { path: Path } | { value: string } | { size: Path } | { ifAbsent: { path: Path; value: string } };
export type Condition =
  | { op: 'and' | 'or'; parts: Condition[] }
  | { op: 'not'; part: Condition }
  | { op: 'compare'; sign: string; left: Operand; right: Operand }
  | { op: 'in'; left: Operand; among: Operand[] }
  | { op: 'exists'; path: Path; wanted: boolean }
  | { op: 'begins' | 'contains'; left: Operand; right: Operand };
export interface Update {
  set: { path: Path; terms: Operand[]; sign?: '+' | '-' }[];
  remove: Path[];
}

const TOKEN = /\s*(?:([#:]?[A-Za-z_][A-Za-z0-9_-]*|[#:][A-Za-z0-9_-]+)|(<>|<=|>=|[=<>(),.+-]))/y;
const SIGNS = new Set(['=', '<>', '<', '<=', '>', '>=']);

/**
 * Reads the part of DynamoDB's language that this project speaks. Anything else is an error: a fake that guesses would
 * prove nothing. Words are as in the language, in any case; `AND` binds closer than `OR`, `NOT` closer than both.
 */
class Reader {
  private readonly tokens: string[] = [];
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const from = TOKEN.lastIndex;
      const found = TOKEN.exec(text);
      if (!found) throw new Invalid(`cannot read '${text.slice(from)}' of the expression '${text}'`);
      this.tokens.push((found[1] ?? found[2]) as string);
    }
  }

  get done(): boolean {
    return this.at >= this.tokens.length;
  }

  fail(): never {
    throw new Invalid(`cannot read '${this.tokens.slice(this.at).join(' ')}' of the expression '${this.text}'`);
  }

  private peek(word: string): boolean {
    return this.tokens[this.at]?.toUpperCase() === word;
  }
  eat(word: string): boolean {
    if (!this.peek(word)) return false;
    this.at++;
    return true;
  }
  private must(word: string): void {
    if (!this.eat(word)) this.fail();
  }

  path(): Path {
    const steps: string[] = [];
    do {
      const step = this.tokens[this.at];
      if (step === undefined || !/^#?[A-Za-z0-9_]/.test(step)) this.fail();
      this.at++;
      steps.push(step);
    } while (this.eat('.'));
    return steps;
  }

  operand(): Operand {
    const token = this.tokens[this.at] ?? this.fail();
    if (token.startsWith(':')) {
      this.at++;
      return { value: token };
    }
    if (this.tokens[this.at + 1] === '(') {
      if (token !== 'size') this.fail();
      this.at += 2;
      const size = this.path();
      this.must(')');
      return { size };
    }
    return { path: this.path() };
  }

  list<T>(one: () => T): T[] {
    const all = [one()];
    while (this.eat(',')) all.push(one());
    return all;
  }

  or(): Condition {
    const parts = [this.and()];
    while (this.eat('OR')) parts.push(this.and());
    return parts.length > 1 ? { op: 'or', parts } : (parts[0] as Condition);
  }
  private and(): Condition {
    const parts = [this.not()];
    while (this.eat('AND')) parts.push(this.not());
    return parts.length > 1 ? { op: 'and', parts } : (parts[0] as Condition);
  }
  private not(): Condition {
    return this.eat('NOT') ? { op: 'not', part: this.not() } : this.single();
  }
  private single(): Condition {
    if (this.eat('(')) {
      const inner = this.or();
      this.must(')');
      return inner;
    }
    const word = this.tokens[this.at];
    if (this.tokens[this.at + 1] === '(' && word !== 'size') {
      this.at += 2;
      const found = this.call(word as string);
      this.must(')');
      return found;
    }
    const left = this.operand();
    if (this.eat('IN')) {
      this.must('(');
      const among = this.list(() => this.operand());
      this.must(')');
      return { op: 'in', left, among };
    }
    const sign = this.tokens[this.at];
    if (sign === undefined || !SIGNS.has(sign)) this.fail();
    this.at++;
    return { op: 'compare', sign, left, right: this.operand() };
  }
  private call(word: string): Condition {
    if (word === 'attribute_exists') return { op: 'exists', path: this.path(), wanted: true };
    if (word === 'attribute_not_exists') return { op: 'exists', path: this.path(), wanted: false };
    if (word !== 'begins_with' && word !== 'contains') this.fail();
    const left = this.operand();
    this.must(',');
    return { op: word === 'contains' ? 'contains' : 'begins', left, right: this.operand() };
  }

  update(): Update {
    const update: Update = { set: [], remove: [] };
    const clauses = new Set<string>();
    while (!this.done) {
      const word = (this.tokens[this.at] as string).toUpperCase();
      if (clauses.has(word)) this.fail();
      clauses.add(word);
      if (this.eat('SET')) update.set = this.list(() => this.assignment());
      else if (this.eat('REMOVE')) update.remove = this.list(() => this.path());
      else this.fail();
    }
    if (clauses.size === 0) throw new Invalid('the expression is empty');
    return update;
  }
  /** What a set may add to: an operand, or a number that stands where nothing is. */
  private term(): Operand {
    if (this.tokens[this.at] !== 'if_not_exists' || this.tokens[this.at + 1] !== '(') return this.operand();
    this.at += 2;
    const path = this.path();
    this.must(',');
    const value = this.tokens[this.at] ?? this.fail();
    if (!value.startsWith(':')) this.fail();
    this.at++;
    this.must(')');
    return { ifAbsent: { path, value } };
  }
  private assignment(): Update['set'][number] {
    const path = this.path();
    this.must('=');
    const first = this.term();
    for (const sign of ['+', '-'] as const) if (this.eat(sign)) return { path, terms: [first, this.operand()], sign };
    return { path, terms: [first] };
  }
}

const kept = <T>(read: (reader: Reader) => T): ((text: string) => T) => {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const reader = new Reader(text);
    const found = read(reader);
    if (!reader.done) reader.fail();
    known.set(text, found);
    return found;
  };
};

export const readCondition = kept((reader) => reader.or());
export const readUpdate = kept((reader) => reader.update());
/** A projection: attributes at the top of an item. */
export const readProjection = kept((reader) => reader.list(() => reader.path()));
