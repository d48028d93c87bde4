import {
  type BatchGetItemCommandInput,
  ConditionalCheckFailedException,
  type ConsumedCapacity,
  type CreateTableCommandInput,
  type DeleteItemCommandInput,
  DynamoDBServiceException,
  type GetItemCommandInput,
  type PutItemCommandInput,
  ResourceInUseException,
  ResourceNotFoundException,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { readUnits, writeUnits } from './capacity.ts';
import { type Change, mustBeKnown, WRITE_FIELDS, type Write, type WriteKind } from './change.ts';
import { holds, mustNotOverlap, Placeholders, updated } from './evaluate.ts';
import { readCondition, readUpdate } from './expression.ts';
import { type PageInput, pageOf } from './page.ts';
import { MemoryTable } from './table.ts';
import { type TransactInput, transact } from './transact.ts';
import { copyRow, Invalid, type Row, sizeOfRow, Unfit } from './values.ts';

/** Bytes that an item may have (DynamoDB limit). */
const LARGEST_ITEM = 400 * 1024;
const MOST_KEYS = 100;

const SAID = { $metadata: {} };
const refused = (message: string) =>
  new DynamoDBServiceException({ name: 'ValidationException', $fault: 'client', message, ...SAID });

/** DynamoDB as far as this project speaks to it, in memory: each command happens at one instant, wholly or not at all. */
export class MemoryDynamo {
  private readonly tables = new Map<string, MemoryTable>();

  /** @throws what DynamoDB throws; any other error means that this fake does not know what it was asked. */
  carryOut(command: string, input: object): object {
    const act = this.commands[command];
    if (!act) throw new Error(`the database in memory does not know ${command}`);
    try {
      return { $metadata: {}, ...act(input as never) };
    } catch (error) {
      throw error instanceof Invalid ? refused(error.message) : error;
    }
  }

  /** The rows of a table as they stand. They are never changed in place, so that one seen again is the same. */
  rows(table: string): Iterable<Row> {
    return this.table(table).all();
  }

  table(name: string | undefined): MemoryTable {
    const table = this.tables.get(name ?? '');
    if (!table) throw new ResourceNotFoundException({ message: `Requested resource not found: ${name}`, ...SAID });
    return table;
  }

  private readonly commands: Record<string, (input: never) => object> = {
    CreateTableCommand: (input: CreateTableCommandInput) => this.create(input),
    GetItemCommand: (input: GetItemCommandInput) => {
      mustBeKnown(input, ['TableName', 'Key', 'ConsistentRead', 'ReturnConsumedCapacity']);
      const table = this.table(input.TableName);
      const row = table.get(table.keyOf(input.Key ?? {}));
      return { ...shown('Item', row), ...spent(input, row ? sizeOfRow(row) : 0) };
    },
    BatchGetItemCommand: (input: BatchGetItemCommandInput) => this.getMany(input),
    QueryCommand: (input: PageInput) => pageOf(this.table(input.TableName), input),
    ScanCommand: (input: PageInput) => pageOf(this.table(input.TableName), input),
    PutItemCommand: (input: PutItemCommandInput) => this.write('put', input),
    UpdateItemCommand: (input: UpdateItemCommandInput) => this.write('update', input),
    DeleteItemCommand: (input: DeleteItemCommandInput) => this.write('delete', input),
    TransactWriteItemsCommand: (input: TransactInput) => transact(this, input),
  };

  private create({ TableName = '', GlobalSecondaryIndexes = [] }: CreateTableCommandInput): object {
    if (this.tables.has(TableName))
      throw new ResourceInUseException({ message: `Table exists: ${TableName}`, ...SAID });
    const indexes = GlobalSecondaryIndexes.map(({ IndexName = '', KeySchema = [], Projection }) => {
      const [hash, range] = [KeySchema[0]?.AttributeName ?? '', KeySchema[1]?.AttributeName ?? ''];
      return [IndexName, { hash, range, keysOnly: Projection?.ProjectionType === 'KEYS_ONLY' }] as const;
    });
    this.tables.set(TableName, new MemoryTable(Object.fromEntries(indexes)));
    return {};
  }

  private getMany({ RequestItems = {} }: BatchGetItemCommandInput): object {
    const Responses: Record<string, Row[]> = {};
    let asked = 0;
    for (const [name, { Keys = [], ...rest }] of Object.entries(RequestItems)) {
      mustBeKnown(rest, ['ConsistentRead']);
      const table = this.table(name);
      const keys = Keys.map((key) => table.keyOf(key));
      asked += keys.length;
      if (keys.length === 0) throw new Invalid('no keys are asked for');
      if (asked > MOST_KEYS) throw new Invalid(`${asked} keys are asked for, ${MOST_KEYS} are the most`);
      if (new Set(keys.map((k) => `${k.pk}\n${k.sk}`)).size < keys.length)
        throw new Invalid('a key is asked for twice');
      Responses[name] = keys.flatMap((key) => {
        const row = table.get(key);
        return row ? [copyRow(row)] : [];
      });
    }
    return { Responses, UnprocessedKeys: {} };
  }

  private write(kind: WriteKind, asked: UpdateItemCommandInput | PutItemCommandInput | DeleteItemCommandInput): object {
    const { ReturnValues, ReturnConsumedCapacity, ...write } = asked;
    const change = this.think(kind, write);
    if (!change.ok) {
      const Item = write.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' ? change.before : undefined;
      const message = 'The conditional request failed';
      throw new ConditionalCheckFailedException({ message, ...shown('Item', Item), ...SAID });
    }
    this.carry(change);
    const after = ReturnValues === 'ALL_NEW' ? (change.row ?? undefined) : undefined;
    const ConsumedCapacity: ConsumedCapacity = { TableName: change.tableName, CapacityUnits: writeUnits(change, 1) };
    return { ...shown('Attributes', after), ...(ReturnConsumedCapacity ? { ConsumedCapacity } : {}) };
  }

  /** What a write would do, and whether it may. Nothing is changed yet. */
  think(kind: WriteKind, write: Write): Change {
    mustBeKnown(write, WRITE_FIELDS);
    const table = this.table(write.TableName);
    const key = table.keyOf((kind === 'put' ? write.Item : write.Key) ?? {});
    if (kind !== 'put' && Object.keys(write.Key ?? {}).length !== 2) throw new Invalid('a key has pk and sk, no more');
    const before = table.get(key);
    const placeholders = new Placeholders(write.ExpressionAttributeNames, write.ExpressionAttributeValues);
    const condition = write.ConditionExpression === undefined ? undefined : readCondition(write.ConditionExpression);
    const update = write.UpdateExpression === undefined ? undefined : readUpdate(write.UpdateExpression);
    if (condition) placeholders.learn(condition);
    if (update) {
      placeholders.learn(update);
      mustNotOverlap(update, placeholders);
    }
    placeholders.mustBeUsed();
    // What is wrong with an item that is put is wrong whatever the condition says.
    if (kind === 'put') mustFit(table, write.Item ?? {}, 'Item size has exceeded the maximum allowed size');
    const ok = condition === undefined || holds(condition, before ?? {}, placeholders);
    const change = { table, tableName: write.TableName as string, key, before, ok };
    if (!ok || kind === 'check') return { ...change, row: undefined };
    if (kind === 'delete') return { ...change, row: null };
    if (kind === 'put') return { ...change, row: copyRow(write.Item ?? {}) };
    const row = this.after(table, write, update, before, placeholders);
    mustFit(table, row, 'Item size to update has exceeded the maximum allowed size');
    return { ...change, row };
  }

  carry({ table, key, row }: Change): void {
    if (row) table.put(row);
    else if (row === null) table.delete(key);
  }

  private after(
    table: MemoryTable,
    write: Write,
    update: ReturnType<typeof readUpdate> | undefined,
    before: Row | undefined,
    placeholders: Placeholders,
  ): Row {
    const start = before ?? copyRow(write.Key ?? {});
    if (!update) return start;
    const row = updated(update, start, placeholders);
    const [was, is] = [table.keyOf(start), table.keyOf(row)];
    if (was.pk !== is.pk || was.sk !== is.sk) throw new Invalid('a key cannot be updated');
    return row;
  }
}

function mustFit(table: MemoryTable, row: Row, tooLarge: string): void {
  table.mustFitIndexes(row);
  if (sizeOfRow(row) > LARGEST_ITEM) throw new Unfit(tooLarge);
}

const shown = (name: string, row: Row | undefined): object => (row ? { [name]: copyRow(row) } : {});

const spent = (asked: GetItemCommandInput, bytes: number): { ConsumedCapacity?: ConsumedCapacity } =>
  asked.ReturnConsumedCapacity
    ? {
        ConsumedCapacity: {
          TableName: asked.TableName as string,
          CapacityUnits: readUnits(bytes, asked.ConsistentRead ?? false),
        },
      }
    : {};
