import { BatchGetCommand, GetCommand, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { filledPage } from '../../shared/store/tenant-data.ts';
import { dynamo, store } from './edge.ts';

beforeEach(() => dynamo.reset());

const key = (n: number) => ({ pk: 'P', sk: String(n).padStart(4, '0') });
const keysUpTo = (count: number) => Array.from({ length: count }, (_, i) => key(i));
const queries = () => dynamo.commandCalls(QueryCommand).map((c) => c.args[0].input);

describe('reading many items', () => {
  it('asks for at most 100 at a time, and for each one once', async () => {
    dynamo.on(BatchGetCommand).callsFake((input) => ({ Responses: { Control: input.RequestItems.Control.Keys } }));
    const found = await store().getMany([...keysUpTo(250), ...keysUpTo(250)]);
    expect(found).toHaveLength(250);
    expect(
      dynamo.commandCalls(BatchGetCommand).map((c) => c.args[0].input.RequestItems?.Control?.Keys?.length),
    ).toEqual([100, 100, 50]);
  });

  it('asks again for what was left unprocessed, until nothing is', async () => {
    dynamo.on(BatchGetCommand).callsFake((input) => {
      const [first, ...rest] = input.RequestItems.Control.Keys;
      return {
        Responses: { Control: [first] },
        ...(rest.length ? { UnprocessedKeys: { Control: { Keys: rest } } } : {}),
      };
    });
    expect(await store().getMany(keysUpTo(3))).toEqual(keysUpTo(3));
    expect(dynamo.commandCalls(BatchGetCommand)).toHaveLength(3);
  });

  it('sends keys only, though it may be given whole index entries', async () => {
    dynamo.on(BatchGetCommand).resolves({});
    await store().getMany([{ ...key(1), runsOn: 'h1' } as never], 'events');
    expect(dynamo.commandCalls(BatchGetCommand)[0]?.args[0].input.RequestItems).toEqual({
      Events: { Keys: [key(1)], ConsistentRead: true },
    });
  });

  it('asks nothing when nothing is wanted', async () => {
    expect(await store().getMany([])).toEqual([]);
    expect(dynamo.calls()).toHaveLength(0);
  });
});

describe('a key that no table could hold', () => {
  it.each([
    ['an empty sort key', { pk: 'P', sk: '' }],
    ['an empty partition key', { pk: '', sk: 'S' }],
    ['a sort key beyond 1 KiB', { pk: 'P', sk: 'x'.repeat(1025) }],
    ['a sort key beyond 1 KiB in UTF-8', { pk: 'P', sk: 'ü'.repeat(513) }],
    ['a partition key beyond 2 KiB', { pk: 'x'.repeat(2049), sk: 'S' }],
  ])('(%s) holds nothing, and is not asked for', async (_what, impossible) => {
    dynamo.on(BatchGetCommand).resolves({});
    expect(await store().get(impossible)).toBeUndefined();
    expect(await store().getMany([impossible])).toEqual([]);
    expect(dynamo.calls()).toHaveLength(0);
  });

  it('but for its sort key is a partition without items', async () => {
    expect(await store().query('')).toEqual({ items: [] });
    expect(await store().queryAll('x'.repeat(2049))).toEqual([]);
    expect(dynamo.calls()).toHaveLength(0);
  });

  it('is not confused with the longest that can be', async () => {
    dynamo.on(GetCommand).resolves({ Item: { a: 1 } });
    expect(await store().get({ pk: 'x'.repeat(2048), sk: 'x'.repeat(1024) })).toEqual({ a: 1 });
  });
});

describe('a query', () => {
  it.each([
    ['of a partition', {}, { KeyConditionExpression: '#pk = :pk', ConsistentRead: false, ScanIndexForward: true }],
    ['by prefix', { prefix: 'PROC#' }, { KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)' }],
    ['newest first', { newestFirst: true }, { ScanIndexForward: false }],
    ['of the last word', { consistent: true }, { ConsistentRead: true }],
    ['of some attributes', { projection: ['name'] }, { ProjectionExpression: '#name' }],
    [
      'with a filter',
      { filter: { expression: '#f = :f', names: { '#f': 'state' }, values: { ':f': 'on' } } },
      { FilterExpression: '#f = :f', ExpressionAttributeNames: { '#pk': 'pk', '#f': 'state' } },
    ],
  ])('%s is asked in names and values, never in bare words', async (_what, options, expected) => {
    dynamo.on(QueryCommand).resolves({ Items: [] });
    await store().query('P', 'control', options);
    expect(queries()[0]).toMatchObject({ TableName: 'Control', ...expected });
  });

  it('of an index does not ask for consistency, which an index cannot give', async () => {
    dynamo.on(QueryCommand).resolves({ Items: [] });
    await store().query('h1', 'control', { index: 'by-host', hashName: 'runsOn', consistent: true });
    expect(queries()[0]).toMatchObject({ IndexName: 'by-host', ExpressionAttributeNames: { '#pk': 'runsOn' } });
    expect(queries()[0]).not.toHaveProperty('ConsistentRead');
  });

  it('of everything goes on from page to page to the end', async () => {
    dynamo
      .on(QueryCommand)
      .resolvesOnce({ Items: [key(1)], LastEvaluatedKey: key(1) })
      .resolvesOnce({ Items: [], LastEvaluatedKey: key(2) })
      .resolves({ Items: [key(3)] });
    expect(await store().queryAll('P')).toEqual([key(1), key(3)]);
    expect(queries().map((q) => q.ExclusiveStartKey)).toEqual([undefined, key(1), key(2)]);
  });
});

it('a sweep of a table goes through all of its pages', async () => {
  dynamo
    .on(ScanCommand)
    .resolvesOnce({ Items: [key(1)], LastEvaluatedKey: key(1) })
    .resolves({ Items: [key(2)] });
  const seen = [];
  for await (const item of store().scan('control')) seen.push(item);
  expect(seen).toEqual([key(1), key(2)]);
});

describe('a filtered page', () => {
  /** Ten items, of which every third fits; DynamoDB's limit counts what it looks at. */
  function table(size = 10) {
    dynamo.on(QueryCommand).callsFake((input) => {
      const from = input.ExclusiveStartKey ? Number(input.ExclusiveStartKey.sk) + 1 : 0;
      const looked = keysUpTo(size).slice(from, from + input.Limit);
      const last = looked.at(-1);
      const more = last && Number(last.sk) < size - 1;
      return { Items: looked.filter((k) => Number(k.sk) % 3 === 0), ...(more ? { LastEvaluatedKey: last } : {}) };
    });
  }

  it('is filled up to its limit, and says from where to go on', async () => {
    table();
    const page = await filledPage<ReturnType<typeof key>>(store(), 'P', 'control', {
      limit: 2,
      where: { state: 'on' },
    });
    expect(page).toEqual({ items: [key(0), key(3)], next: key(3) });
  });

  it('is the last one only when the list ends', async () => {
    table();
    const page = await filledPage(store(), 'P', 'control', { limit: 10, where: { state: 'on' } });
    expect(page).toEqual({ items: [key(0), key(3), key(6), key(9)] });
  });

  it.each([1, 2, 3, 4, 7])('of %d shows each item once and in order, however often one goes on', async (limit) => {
    table();
    const seen: unknown[] = [];
    let after: ReturnType<typeof key> | undefined;
    do {
      const page = await filledPage(store(), 'P', 'control', { limit, ...(after ? { after } : {}) });
      seen.push(...page.items);
      after = page.next as typeof after;
    } while (after);
    expect(seen).toEqual([key(0), key(3), key(6), key(9)]);
  });

  it('filters by equality on names that may be reserved words', async () => {
    dynamo.on(QueryCommand).resolves({ Items: [] });
    await filledPage(store(), 'P', 'control', { where: { state: 'on', name: 'x' } });
    expect(queries()[0]).toMatchObject({
      FilterExpression: '#f0 = :f0 AND #f1 = :f1',
      ExpressionAttributeNames: { '#f0': 'state', '#f1': 'name' },
      ExpressionAttributeValues: { ':f0': 'on', ':f1': 'x' },
    });
  });
});
