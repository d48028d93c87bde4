import { DeleteCommand, DynamoDBDocumentClient, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { type DynamoEngine, startDynamo } from '../../infra/local/dynamo/process.ts';
import { createTables, LOCAL_TABLES } from '../../infra/local/dynamo/tables.ts';
import { memoryEngine } from '../support/dynamo/client.ts';

/** A command is used up by being sent, so it is made for each engine anew. */
export interface Asked {
  Command: new (input: never) => object;
  input: object;
}
export const ask = (Command: unknown, input: object): Asked => ({
  Command: Command as Asked['Command'],
  input,
  ...{ [fc.toStringMethod]: () => `${(Command as Asked['Command']).name} ${JSON.stringify(input)}` },
});
export type Send = (asked: Asked) => Promise<Record<string, unknown>>;
const engines: DynamoEngine[] = [];
/** The one in memory, then the engine. */
export let both: Send[] = [];

beforeAll(async () => {
  engines.push(memoryEngine(), await startDynamo(undefined));
  for (const { client } of engines) await createTables(client);
  both = engines.map(({ client }) => {
    const doc = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
    return ({ Command, input }) => doc.send(new Command(input as never) as never) as never;
  });
});
afterAll(() => Promise.all(engines.map((e) => e.stop())));

/** What came of a command, without the words that each engine has for it. */
export async function outcome(send: Send, asked: Asked): Promise<unknown> {
  try {
    const { $metadata: _, ...answer } = await send(asked);
    return JSON.parse(JSON.stringify(plain(answer)));
  } catch (error) {
    const { name, Item, CancellationReasons } = error as {
      name: string;
      Item?: never;
      CancellationReasons?: { Code?: string; Item?: never }[];
    };
    const reasons = CancellationReasons?.map((r) => [r.Code, r.Item ? unmarshall(r.Item) : null]);
    // An action that makes no sense is refused by one engine as such, by another as the reason to cancel.
    if (reasons?.some(([code]) => code === 'ValidationError')) return { error: 'ValidationException' };
    return { error: name, ...(Item ? { found: unmarshall(Item) } : {}), ...(reasons ? { reasons } : {}) };
  }
}

/** Answers whose order nobody promises are put in order. */
function plain(answer: Record<string, unknown>): Record<string, unknown> {
  // How many items were looked at is counted differently at the end of a page that is full; nothing asks for it.
  const { UnprocessedKeys: _, ScannedCount: __, Responses, ...rest } = answer;
  const sorted = (items: unknown) => [...(items as object[])].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const batches = Object.entries((Responses ?? {}) as object).map(([table, items]) => [table, sorted(items)] as const);
  const cost = [rest.ConsumedCapacity ?? []].flat().map((c) => (c as { CapacityUnits: number }).CapacityUnits);
  return { ...rest, ConsumedCapacity: cost, ...(Responses ? { Responses: Object.fromEntries(batches) } : {}) };
}
const keyOf = (item: object) => `${(item as { pk: string }).pk}/${(item as { sk: string }).sk}`;

export async function same(asked: Asked): Promise<Record<string, unknown>> {
  const [memory, engine] = await Promise.all(both.map((send) => outcome(send, asked)));
  expect(memory, JSON.stringify(asked.input).slice(0, 1000)).toEqual(engine);
  return memory as never;
}

const INDEXES = [
  ['strata-control', 'by-host', 'runsOn', ['h1', 'h2']],
  ['strata-events', 'pending', 'pending', ['p']],
  ['strata-world', 'by-kind', 'kind', ['host', 'process']],
] as const;

/** Nothing of a former sequence stands any more. */
export async function clear(): Promise<void> {
  for (const send of both)
    for (const TableName of Object.values(LOCAL_TABLES)) {
      const { Items } = await send(ask(ScanCommand, { TableName }));
      for (const { pk, sk } of Items as { pk: string; sk: string }[])
        await send(ask(DeleteCommand, { TableName, Key: { pk, sk } }));
    }
}

/** Everything that stands in the tables and the indexes, page by page. */
export async function everything(): Promise<void> {
  for (const TableName of Object.values(LOCAL_TABLES)) {
    const found = await Promise.all(both.map((send) => send(ask(ScanCommand, { TableName, ConsistentRead: true }))));
    const [memory, engine] = found.map((f) => (f.Items as object[]).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)));
    expect(memory).toEqual(engine);
  }
  for (const [TableName, IndexName, hash, all] of INDEXES) {
    for (const of of all) {
      const input = {
        TableName,
        IndexName,
        KeyConditionExpression: '#h = :h',
        ExpressionAttributeNames: { '#h': hash },
        ExpressionAttributeValues: { ':h': of },
      };
      const found = await Promise.all(both.map((send) => send(ask(QueryCommand, input))));
      const [memory, engine] = found.map((f) =>
        (f.Items as object[]).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
      );
      expect(memory, IndexName).toEqual(engine);
    }
  }
}
