import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DomainError } from '../../shared/kernel/errors.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { CONFLICT, cancelled, dynamo, FAILED, NONE, store } from './edge.ts';

beforeEach(() => dynamo.reset());

const KEY = { pk: 'P', sk: 'S' };
const said = (word: string) => (found: unknown) => Object.assign(new Error(word), { found });
const two = () =>
  new Transaction().put(KEY, { a: 1 }, { ifAbsent: said('first') }).update(KEY, {
    add: { b: -1 },
    condition: '#b >= :n',
    names: { '#b': 'b' },
    values: { ':n': 1 },
    onFail: said('second'),
  });
const sent = () => dynamo.commandCalls(TransactWriteCommand).map((c) => c.args[0].input);

describe('a commit', () => {
  it('is one request, and asks to be shown what stood in the way of each condition', async () => {
    dynamo.on(TransactWriteCommand).resolves({});
    await store().commit(two().delete(KEY, { table: 'events' }).check(KEY, 'a = :a', said('third'), { ':a': 1 }));
    expect(sent()).toHaveLength(1);
    expect(sent()[0]?.TransactItems).toEqual([
      {
        Put: {
          TableName: 'Control',
          Item: { ...KEY, a: 1 },
          ConditionExpression: 'attribute_not_exists(pk)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
      {
        Update: {
          TableName: 'Control',
          Key: KEY,
          UpdateExpression: 'SET #b = #b + :a0',
          ConditionExpression: '#b >= :n',
          ExpressionAttributeNames: { '#b': 'b' },
          ExpressionAttributeValues: { ':n': 1, ':a0': -1 },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
      { Delete: { TableName: 'Events', Key: KEY } },
      {
        ConditionCheck: {
          TableName: 'Control',
          Key: KEY,
          ConditionExpression: 'a = :a',
          ExpressionAttributeValues: { ':a': 1 },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
    ]);
  });

  it('tells what it cost and which tables it has written', async () => {
    dynamo.on(TransactWriteCommand).resolves({ ConsumedCapacity: [{ CapacityUnits: 4 }, { CapacityUnits: 2 }] });
    const [onCost, onWritten] = [vi.fn(), vi.fn()];
    await store({ onCost, onWritten }).commit(two().delete(KEY, { table: 'events' }));
    expect(onCost.mock.calls.map(([c]) => [c.request, c.units])).toEqual([
      ['write', 4],
      ['write', 2],
    ]);
    expect(onWritten).toHaveBeenCalledExactlyOnceWith(new Set(['control', 'events']));
  });

  it.each([
    ['the first action', [FAILED, NONE], 'first'],
    ['the second action', [NONE, FAILED], 'second'],
    ['both actions', [FAILED, FAILED], 'first'],
    ['one action while another meets a conflict', [CONFLICT, FAILED], 'second'],
  ])('whose condition fails at %s is refused as that action says, and not repeated', async (_which, reasons, word) => {
    dynamo.on(TransactWriteCommand).rejects(cancelled(...reasons));
    await expect(store().commit(two())).rejects.toThrow(word);
    expect(sent()).toHaveLength(1);
  });

  it('shows the refused action what stood there', async () => {
    dynamo.on(TransactWriteCommand).rejects(cancelled(NONE, { ...FAILED, Item: { ...KEY, b: 0, name: 'x' } }));
    await expect(store().commit(two())).rejects.toMatchObject({ found: { ...KEY, b: 0, name: 'x' } });
  });

  it('shows nothing when nothing stood there', async () => {
    dynamo.on(TransactWriteCommand).rejects(cancelled(NONE, FAILED));
    await expect(store().commit(two())).rejects.toMatchObject({ found: undefined });
  });

  it.each([
    ['a conflict', CONFLICT],
    ['throttling', { Code: 'ThrottlingError' }],
  ])('that meets %s is repeated until it succeeds', async (_what, reason) => {
    dynamo
      .on(TransactWriteCommand)
      .rejectsOnce(cancelled(reason, NONE))
      .rejectsOnce(cancelled(NONE, reason))
      .resolves({});
    await store().commit(two());
    expect(sent()).toHaveLength(3);
    expect(new Set(sent().map((input) => JSON.stringify(input))).size).toBe(1);
  });

  it('that meets nothing but conflicts gives up after 12 attempts and says when to come again', async () => {
    dynamo.on(TransactWriteCommand).rejects(cancelled(CONFLICT, NONE));
    await expect(store().commit(two())).rejects.toMatchObject({ code: 'busy', figures: { retryAfterSeconds: 1 } });
    expect(sent()).toHaveLength(12);
  });

  it.each([
    ['a cancellation for another reason', cancelled({ Code: 'ValidationError' }, NONE)],
    ['an error that is no cancellation', new Error('no such table')],
  ])('passes on %s as it is', async (_what, error) => {
    dynamo.on(TransactWriteCommand).rejects(error);
    await expect(store().commit(two())).rejects.toBe(error);
    expect(sent()).toHaveLength(1);
  });

  it('to a table that the function was not given is a bug, and sends nothing', async () => {
    const narrow = store({}, { control: 'Control', events: 'Events' });
    await expect(narrow.commit(new Transaction().delete(KEY, { table: 'world' }))).rejects.toThrow(/world table/);
    expect(sent()).toEqual([]);
  });
});

describe('a single update', () => {
  const spec = { set: { a: 1 }, condition: '#v = :v', names: { '#v': 'version' }, values: { ':v': 3 } };
  const refusal = (item?: Record<string, unknown>) =>
    new ConditionalCheckFailedException({ message: 'no', $metadata: {}, ...(item ? { Item: marshall(item) } : {}) });

  it('gives the new item', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: { a: 1 } });
    expect(await store().update(KEY, spec)).toEqual({ a: 1 });
    expect(dynamo.commandCalls(UpdateCommand)[0]?.args[0].input).toMatchObject({
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
  });

  it('whose condition fails is refused as it says, with what stood there', async () => {
    dynamo.on(UpdateCommand).rejects(refusal({ version: 4 }));
    const onFail = vi.fn(() => new DomainError('precondition-failed', 'changed'));
    await expect(store().update(KEY, { ...spec, onFail })).rejects.toMatchObject({ code: 'precondition-failed' });
    expect(onFail).toHaveBeenCalledExactlyOnceWith({ version: 4 });
  });

  it('whose condition fails although nobody has foreseen it passes the error on', async () => {
    const error = refusal();
    dynamo.on(UpdateCommand).rejects(error);
    await expect(store().update(KEY, spec)).rejects.toBe(error);
  });
});
