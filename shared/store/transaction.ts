import type { DomainError } from '../kernel/errors.ts';
import type { Item, Key } from './tables.ts';

/** Which table an action is for. */
export type TableName = 'control' | 'events' | 'world';

/** What to answer when an action's condition does not hold; told the item that stood there, if any. */
export type OnFail = (found: Item | undefined) => Error;

export interface Action {
  kind: 'put' | 'update' | 'delete' | 'check';
  table: TableName;
  key: Key;
  item?: Item;
  update?: string;
  condition?: string;
  names?: Record<string, string>;
  values?: Record<string, unknown>;
  onFail: OnFail;
}

export interface UpdateSpec {
  set?: Item;
  /** Relative changes: a ledger is never overwritten. */
  add?: Record<string, number>;
  /** Relative changes of attributes that count from 0 while they are not there. */
  count?: Record<string, number>;
  remove?: string[];
  /** Condition in DynamoDB's language; `:x` come from `values`, `#x` from `names`. */
  condition?: string;
  values?: Record<string, unknown>;
  names?: Record<string, string>;
  onFail?: OnFail;
}

const unexpected: OnFail = (found) => new Error(`a condition that must hold did not; found ${JSON.stringify(found)}`);

/** At most so many actions fit into one transaction (DynamoDB limit). */
export const MAX_ACTIONS = 100;

/**
 * Builds one TransactWriteItems: all of it happens or nothing. Every action says what its failure means, so that a
 * cancellation becomes a precise refusal.
 */
export class Transaction {
  readonly actions: Action[] = [];

  put(
    key: Key,
    item: object,
    options: {
      table?: TableName;
      ifAbsent?: OnFail;
      condition?: string;
      values?: Record<string, unknown>;
      names?: Record<string, string>;
      onFail?: OnFail;
    } = {},
  ): this {
    const condition = options.ifAbsent ? 'attribute_not_exists(pk)' : options.condition;
    this.actions.push({
      kind: 'put',
      table: options.table ?? 'control',
      key,
      item: { ...item, ...key },
      onFail: options.ifAbsent ?? options.onFail ?? unexpected,
      ...(condition ? { condition } : {}),
      ...(options.values ? { values: options.values } : {}),
      ...(options.names ? { names: options.names } : {}),
    });
    return this;
  }

  update(key: Key, spec: UpdateSpec, table: TableName = 'control'): this {
    const built = buildUpdate(spec);
    this.actions.push({
      kind: 'update',
      table,
      key,
      update: built.expression,
      names: built.names,
      values: built.values,
      onFail: spec.onFail ?? unexpected,
      ...(spec.condition ? { condition: spec.condition } : {}),
    });
    return this;
  }

  delete(
    key: Key,
    options: {
      condition?: string;
      values?: Record<string, unknown>;
      names?: Record<string, string>;
      onFail?: OnFail;
      table?: TableName;
    } = {},
  ): this {
    const { table = 'control', onFail = unexpected, ...rest } = options;
    this.actions.push({ kind: 'delete', table, key, onFail, ...rest });
    return this;
  }

  check(
    key: Key,
    condition: string,
    onFail: OnFail,
    values?: Record<string, unknown>,
    table: TableName = 'control',
    names?: Record<string, string>,
  ): this {
    this.actions.push({
      kind: 'check',
      table,
      key,
      condition,
      onFail,
      ...(values ? { values } : {}),
      ...(names ? { names } : {}),
    });
    return this;
  }
}

/** The update expression of a spec: names and values are placeholders, so no attribute can be a reserved word. */
export function buildUpdate(spec: UpdateSpec): {
  expression: string;
  names: Record<string, string>;
  values: Record<string, unknown>;
} {
  const names: Record<string, string> = { ...spec.names };
  const values: Record<string, unknown> = { ...spec.values };
  const sets: string[] = [];
  const path = (attribute: string) =>
    attribute
      .split('.')
      .map((part) => {
        names[`#${part}`] = part;
        return `#${part}`;
      })
      .join('.');
  let n = 0;
  for (const [attribute, value] of Object.entries(spec.set ?? {})) {
    if (value === undefined) continue;
    values[`:s${n}`] = value;
    sets.push(`${path(attribute)} = :s${n++}`);
  }
  for (const [attribute, delta] of Object.entries(spec.add ?? {})) {
    values[`:a${n}`] = delta;
    sets.push(`${path(attribute)} = ${path(attribute)} + :a${n++}`);
  }
  for (const [attribute, delta] of Object.entries(spec.count ?? {})) {
    values[`:a${n}`] = delta;
    values[':zero'] = 0;
    sets.push(`${path(attribute)} = if_not_exists(${path(attribute)}, :zero) + :a${n++}`);
  }
  const removes = (spec.remove ?? []).map(path);
  const expression = [sets.length ? `SET ${sets.join(', ')}` : '', removes.length ? `REMOVE ${removes.join(', ')}` : '']
    .filter(Boolean)
    .join(' ');
  return { expression, names, values };
}

/** A refusal, or anything else, that a failed condition stands for. */
export const refuseWith =
  (error: () => DomainError): OnFail =>
  () =>
    error();
