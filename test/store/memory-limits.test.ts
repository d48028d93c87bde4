import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { LOCAL_TABLES } from '../../infra/local/dynamo/tables.ts';
import { ask, both, clear, everything, outcome, type Send, same } from './two-databases.ts';

describe('the database in memory', () => {
  const TableName = LOCAL_TABLES.control;
  const text = (kib: number) => 'x'.repeat(kib * 1024);
  const put = (sk: string, more: object = {}) => ({ TableName, Item: { pk: 'L', sk, ...more } });
  const set = (sk: string, value: unknown) => ({
    TableName,
    Key: { pk: 'L', sk },
    UpdateExpression: 'SET #a = :v',
    ExpressionAttributeNames: { '#a': 'a' },
    ExpressionAttributeValues: { ':v': value },
  });
  const many = (n: number) => Array.from({ length: n }, (_, i) => String(i));
  const transact = (...TransactItems: object[]) => ask(TransactWriteCommand, { TransactItems });

  it.each([
    ['an item of nearly 400 KB', [ask(PutCommand, put('1', { a: text(399) }))]],
    ['an item beyond 400 KB', [ask(PutCommand, put('1', { a: text(400) }))]],
    ['an item that an update makes too large', [ask(PutCommand, put('1')), ask(UpdateCommand, set('1', text(400)))]],
    ['an item beyond 400 KB in a transaction', [transact({ Put: put('1', { a: text(400) }) }, { Put: put('2') })]],
    ['an update beyond 400 KB in a transaction', [transact({ Put: put('2') }, { Update: set('1', text(400)) })]],
    ['100 actions at once', [transact(...many(100).map((n) => ({ Put: put(n) })))]],
    ['101 actions at once', [transact(...many(101).map((n) => ({ Put: put(n) })))]],
    ['two actions on one item', [transact({ Put: put('1') }, { Update: set('1', 1) })]],
    [
      'more than 4 MB at once',
      [
        transact(...many(14).map((n) => ({ Put: put(n, { a: text(300) }) }))),
        ask(GetCommand, { TableName, Key: { pk: 'L', sk: '3' } }),
      ],
    ],
    ['no action at all', [transact()]],
    [
      '101 keys at once',
      [ask(BatchGetCommand, { RequestItems: { [TableName]: { Keys: many(101).map((sk) => ({ pk: 'L', sk })) } } })],
    ],
    [
      'one key twice',
      [ask(BatchGetCommand, { RequestItems: { [TableName]: { Keys: ['1', '1'].map((sk) => ({ pk: 'L', sk })) } } })],
    ],
    ['an empty sort key', [ask(PutCommand, put(''))]],
    ['a key that is too long', [ask(PutCommand, put('x'.repeat(1025)))]],
    ['a table that is not there', [ask(GetCommand, { TableName: 'none', Key: { pk: 'L', sk: '1' } })]],
    [
      'a repeated deletion',
      [ask(PutCommand, put('1')), ...[1, 2].map(() => ask(DeleteCommand, { TableName, Key: { pk: 'L', sk: '1' } }))],
    ],
  ])('takes or refuses %s as the engine does', async (_what, commands) => {
    await clear();
    for (const one of commands) await same(one);
    await everything();
  });

  it('charges for small and large items, found or not, what the engine does', async () => {
    await clear();
    const ReturnConsumedCapacity = 'TOTAL';
    for (const [sk, kib] of [
      ['1', 0],
      ['2', 1],
      ['3', 9],
    ] as const) {
      await same(ask(PutCommand, { ...put(sk, { a: text(kib) }), ReturnConsumedCapacity }));
      for (const ConsistentRead of [true, false])
        await same(ask(GetCommand, { TableName, Key: { pk: 'L', sk }, ConsistentRead, ReturnConsumedCapacity }));
    }
    await same(
      ask(GetCommand, { TableName, Key: { pk: 'L', sk: 'none' }, ConsistentRead: true, ReturnConsumedCapacity }),
    );
    await same(ask(UpdateCommand, { ...set('3', 1), ReturnConsumedCapacity }));
    await same(
      ask(TransactWriteCommand, {
        TransactItems: [{ Put: put('1', { a: text(3) }) }, { Update: set('2', 1) }],
        ReturnConsumedCapacity: 'INDEXES',
      }),
    );
    await same(ask(QueryCommand, { ...of('pk', 'L'), ReturnConsumedCapacity }));
  });

  const of = (name: string, value: string) => ({
    TableName,
    KeyConditionExpression: '#h = :h',
    ExpressionAttributeNames: { '#h': name },
    ExpressionAttributeValues: { ':h': value },
  });

  it.each([
    ['of a partition, of 1 MB each', of('pk', 'L')],
    ['of a partition, backwards, two at a time', { ...of('pk', 'L'), ScanIndexForward: false, Limit: 2 }],
    ['of an index, three at a time', { ...of('runsOn', 'h1'), IndexName: 'by-host', Limit: 3 }],
  ])('goes through the pages %s, and ends where the engine ends', async (_what, input) => {
    await clear();
    for (const n of many(7))
      for (const send of both) await send(ask(PutCommand, put(n, { a: text(300), runsOn: 'h1' })));
    let after: unknown;
    let pages = 0;
    do {
      const page = await same(ask(QueryCommand, { ...input, ...(after ? { ExclusiveStartKey: after } : {}) }));
      after = page.LastEvaluatedKey;
      pages++;
    } while (after);
    expect(pages).toBeGreaterThan(1);
  });

  it.each([
    [
      'a value that no expression uses',
      { Put: { ...put('1'), ConditionExpression: 'attribute_exists(pk)', ExpressionAttributeValues: { ':spare': 1 } } },
    ],
    ['a name that is not defined', { Put: { ...put('1'), ConditionExpression: '#missing = pk' } }],
    ['two paths that are one', { Update: { ...set('1', 1), UpdateExpression: 'SET #a = :v, a = :v' } }],
    [
      'a change of the key',
      { Update: { ...set('1', 'x'), UpdateExpression: 'SET #a = :v', ExpressionAttributeNames: { '#a': 'sk' } } },
    ],
    [
      'a removal from a map that is not there',
      { Update: { TableName, Key: { pk: 'L', sk: '1' }, UpdateExpression: 'REMOVE a.b' } },
    ],
  ])('refuses in a transaction, as AWS does and the engine does not: %s', async (_what, action) => {
    await clear();
    const [memory] = both as [Send, Send];
    expect(await outcome(memory, transact(action, { Put: put('2') }))).toEqual({ error: 'ValidationException' });
    await everything();
  });

  it.each([
    ['a function of the language', ask(PutCommand, { ...put('1'), ConditionExpression: 'attribute_type(a, a)' })],
    ['a clause of the language', ask(UpdateCommand, { ...set('1', 1), UpdateExpression: 'ADD #a :v' })],
    ['a field of a request', ask(PutCommand, { ...put('1'), ReturnItemCollectionMetrics: 'SIZE' })],
    ['a set', ask(PutCommand, put('1', { a: new Set([1]) }))],
  ])('says so loudly when it does not know %s, and changes nothing', async (_what, asked) => {
    await clear();
    const [memory] = both as [Send, Send];
    await expect(memory(asked)).rejects.toThrow(/cannot read|not known here/);
    await everything();
  });

  it('shares nothing with those who wrote or read: not even bytes', async () => {
    const [memory] = both as [Send, Send];
    const bytes = new Uint8Array([1, 2, 3]);
    await memory(ask(PutCommand, put('1', { bytes })));
    bytes[0] = 9;
    const read = async () =>
      ((await memory(ask(GetCommand, { TableName, Key: { pk: 'L', sk: '1' } }))).Item as { bytes: Uint8Array }).bytes;
    (await read())[1] = 9;
    expect(await read()).toEqual(new Uint8Array([1, 2, 3]));
  });
});
