import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { pause } from '../kernel/clock.ts';
import { busy } from '../kernel/errors.ts';
import type { Random } from '../kernel/random.ts';
import { type Item, type Key, PENDING_INDEX, type Tables } from './tables.ts';
import { type Action, buildUpdate, type TableName, type Transaction, type UpdateSpec } from './transaction.ts';

export interface QueryOptions {
  index?: string;
  prefix?: string;
  limit?: number;
  after?: Key & Item;
  newestFirst?: boolean;
  consistent?: boolean;
  filter?: { expression: string; names?: Record<string, string>; values?: Record<string, unknown> };
  /** Name of the hash key of the index, when it is not `pk`. */
  hashName?: string;
  projection?: string[];
}
export interface Page<T> {
  items: T[];
  next?: Key & Item;
}

/** What a request cost, as DynamoDB itself says it. */
export interface Cost {
  request: 'read' | 'write';
  units: number;
  /** Of these, what the index costs that only the embedded form has. */
  embedded?: number;
  /** Several tables of one transaction share it. */
  id: number;
}

/** Longest keys that DynamoDB takes, bytes. An empty one it refuses too. */
const LONGEST_PK = 2048;
const LONGEST_SK = 1024;
const fits = (part: string, longest: number) => part !== '' && Buffer.byteLength(part) <= longest;
/** Ids come from callers, so any text may be asked for: what no table could hold is missing, and not a bug. */
const holdable = (key: Key): boolean => fits(key.pk, LONGEST_PK) && fits(key.sk, LONGEST_SK);

/** What its owner wants to be told of. */
export interface StoreHooks {
  onCost?: (cost: Cost) => void;
  onWritten?: (tables: Set<TableName>) => void;
  /** Told the leading key of every request on a table before it is sent; throws to forbid it. */
  guard?: (table: TableName, pk: string) => void;
}

/** Attempts of a transaction that meets another one on the same item, before the caller is told to try again. */
const CONFLICT_ATTEMPTS = 12;
/** First pause after a conflict, ms of machine time; doubles, with full jitter, up to LONGEST_BACKOFF_MS. */
const FIRST_BACKOFF_MS = 4;
const LONGEST_BACKOFF_MS = 200;

/** The one door to DynamoDB. Knows no entity: repositories and workflows speak through it. */
export class Store {
  private readonly doc: DynamoDBDocumentClient;
  private readonly tables: Tables;
  private readonly random: Random;
  private readonly onCost: (cost: Cost) => void;
  private readonly onWritten: (tables: Set<TableName>) => void;
  private readonly guard: (table: TableName, pk: string) => void;
  private requests = 0;

  constructor(client: DynamoDBClient, tables: Tables, random: Random, hooks: StoreHooks = {}) {
    this.doc = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
    this.tables = tables;
    this.random = random;
    this.onCost = hooks.onCost ?? (() => {});
    this.onWritten = hooks.onWritten ?? (() => {});
    this.guard = hooks.guard ?? (() => {});
  }

  async get<T>(key: Key, options: { table?: TableName; consistent?: boolean } = {}): Promise<T | undefined> {
    if (!holdable(key)) return undefined;
    this.guard(options.table ?? 'control', key.pk);
    const out = await this.doc.send(
      new GetCommand({
        TableName: this.name(options.table ?? 'control'),
        Key: key,
        ConsistentRead: options.consistent ?? true,
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );
    this.cost('read', out.ConsumedCapacity);
    return out.Item as T | undefined;
  }

  /** Up to any number of items, in no order; missing ones are left out. */
  async getMany<T>(all: Key[], table: TableName = 'control'): Promise<T[]> {
    const found: T[] = [];
    for (const { pk } of all) this.guard(table, pk);
    const unique = [...new Map(all.filter(holdable).map((k) => [`${k.pk}\n${k.sk}`, { pk: k.pk, sk: k.sk }])).values()];
    for (let i = 0; i < unique.length; i += 100) {
      let rest: Key[] | undefined = unique.slice(i, i + 100);
      while (rest && rest.length > 0) {
        const name = this.name(table);
        const out: { Responses?: Record<string, Item[]>; UnprocessedKeys?: Record<string, { Keys?: Item[] }> } =
          await this.doc.send(new BatchGetCommand({ RequestItems: { [name]: { Keys: rest, ConsistentRead: true } } }));
        found.push(...((out.Responses?.[name] ?? []) as T[]));
        rest = out.UnprocessedKeys?.[name]?.Keys as Key[] | undefined;
      }
    }
    return found;
  }

  async query<T>(pk: string, table: TableName = 'control', options: QueryOptions = {}): Promise<Page<T>> {
    if (!fits(pk, LONGEST_PK)) return { items: [] };
    this.guard(table, options.index ? `index ${options.index}` : pk);
    const names: Record<string, string> = { '#pk': options.hashName ?? 'pk', ...options.filter?.names };
    if (options.prefix) names['#sk'] = 'sk';
    const input: QueryCommandInput = {
      TableName: this.name(table),
      KeyConditionExpression: options.prefix ? '#pk = :pk AND begins_with(#sk, :prefix)' : '#pk = :pk',
      ExpressionAttributeValues: {
        ':pk': pk,
        ...(options.prefix ? { ':prefix': options.prefix } : {}),
        ...options.filter?.values,
      },
      ExpressionAttributeNames: names,
      ReturnConsumedCapacity: 'TOTAL',
      ScanIndexForward: !options.newestFirst,
      ...(options.index ? { IndexName: options.index } : { ConsistentRead: options.consistent ?? false }),
      ...(options.limit ? { Limit: options.limit } : {}),
      ...(options.after ? { ExclusiveStartKey: options.after } : {}),
      ...(options.filter ? { FilterExpression: options.filter.expression } : {}),
    };
    if (options.projection) {
      for (const p of options.projection) names[`#${p}`] = p;
      input.ProjectionExpression = options.projection.map((p) => `#${p}`).join(', ');
    }
    const out = await this.doc.send(new QueryCommand(input));
    this.cost('read', out.ConsumedCapacity);
    return {
      items: (out.Items ?? []) as T[],
      ...(out.LastEvaluatedKey ? { next: out.LastEvaluatedKey as Key & Item } : {}),
    };
  }

  /** Every page of a query. For partitions whose size is bounded by the estate, not by traffic. */
  async queryAll<T>(pk: string, table: TableName = 'control', options: QueryOptions = {}): Promise<T[]> {
    const items: T[] = [];
    let after: (Key & Item) | undefined;
    do {
      const page: Page<T> = await this.query<T>(pk, table, { ...options, ...(after ? { after } : {}) });
      items.push(...page.items);
      after = page.next;
    } while (after);
    return items;
  }

  /** Every item of a table. For audits and sweeps only. */
  async *scan<T>(table: TableName): AsyncGenerator<T> {
    let after: Item | undefined;
    do {
      const out = await this.doc.send(
        new ScanCommand({
          TableName: this.name(table),
          ConsistentRead: true,
          ...(after ? { ExclusiveStartKey: after } : {}),
        }),
      );
      for (const item of out.Items ?? []) yield item as T;
      after = out.LastEvaluatedKey;
    } while (after);
  }

  /** Puts without a condition: only for items whose content follows from their key. */
  async put(key: Key, item: object, table: TableName = 'control'): Promise<void> {
    this.guard(table, key.pk);
    const out = await this.doc.send(
      new PutCommand({ TableName: this.name(table), Item: { ...item, ...key }, ReturnConsumedCapacity: 'TOTAL' }),
    );
    this.cost('write', out.ConsumedCapacity);
    this.onWritten(new Set([table]));
  }

  /** One conditional update. Returns the new item. @throws what `onFail` says when the condition does not hold. */
  async update<T>(key: Key, spec: UpdateSpec, table: TableName = 'control'): Promise<T> {
    const built = buildUpdate(spec);
    this.guard(table, key.pk);
    try {
      const out = await this.doc.send(
        new UpdateCommand({
          TableName: this.name(table),
          Key: key,
          UpdateExpression: built.expression,
          ExpressionAttributeNames: built.names,
          ...(Object.keys(built.values).length ? { ExpressionAttributeValues: built.values } : {}),
          ...(spec.condition
            ? { ConditionExpression: spec.condition, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const }
            : {}),
          ReturnValues: 'ALL_NEW',
          ReturnConsumedCapacity: 'TOTAL',
        }),
      );
      this.cost('write', out.ConsumedCapacity);
      this.onWritten(new Set([table]));
      return out.Attributes as T;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException && spec.onFail)
        throw spec.onFail(error.Item && unmarshall(error.Item));
      throw error;
    }
  }

  /**
   * Carries out a transaction, waiting out conflicts with others.
   * @throws what the first failed action's `onFail` says; `busy` after too many conflicts.
   */
  async commit(tx: Transaction): Promise<void> {
    const actions = tx.actions;
    for (const a of actions) this.guard(a.table, a.key.pk);
    const input = {
      TransactItems: actions.map((a) => this.transactItem(a)),
      ReturnConsumedCapacity: 'INDEXES' as const,
    };
    for (let attempt = 0; ; attempt++) {
      try {
        const out = await this.doc.send(new TransactWriteCommand(input));
        const id = this.requests++;
        for (const c of out.ConsumedCapacity ?? []) {
          const embedded = c.GlobalSecondaryIndexes?.[PENDING_INDEX]?.CapacityUnits ?? 0;
          this.onCost({ request: 'write', units: c.CapacityUnits ?? 0, embedded, id });
        }
        this.onWritten(new Set(actions.map((a) => a.table)));
        return;
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const reasons = error.CancellationReasons ?? [];
        const failed = reasons.findIndex((r) => r.Code === 'ConditionalCheckFailed');
        if (failed >= 0) {
          const found = reasons[failed]?.Item;
          throw (actions[failed] as Action).onFail(found && unmarshall(found));
        }
        if (!reasons.some((r) => r.Code === 'TransactionConflict' || r.Code === 'ThrottlingError')) throw error;
        if (attempt + 1 >= CONFLICT_ATTEMPTS)
          throw busy('Others are changing the same things; nothing was changed here.');
        await pause(this.random.next() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt));
      }
    }
  }

  private transactItem(a: Action) {
    const common = {
      TableName: this.name(a.table),
      ...(a.condition
        ? { ConditionExpression: a.condition, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const }
        : {}),
      ...(a.names && Object.keys(a.names).length ? { ExpressionAttributeNames: a.names } : {}),
      ...(a.values && Object.keys(a.values).length ? { ExpressionAttributeValues: a.values } : {}),
    };
    switch (a.kind) {
      case 'put':
        return { Put: { ...common, Item: a.item as Item } };
      case 'update':
        return { Update: { ...common, Key: a.key, UpdateExpression: a.update as string } };
      case 'delete':
        return { Delete: { ...common, Key: a.key } };
      case 'check':
        return { ConditionCheck: { ...common, Key: a.key, ConditionExpression: a.condition as string } };
    }
  }

  private name(table: TableName): string {
    const name = this.tables[table];
    if (!name) throw new Error(`this function was not given the ${table} table`);
    return name;
  }

  private cost(request: Cost['request'], consumed: { CapacityUnits?: number | undefined } | undefined): void {
    if (consumed?.CapacityUnits !== undefined)
      this.onCost({ request, units: consumed.CapacityUnits, id: this.requests++ });
  }
}
