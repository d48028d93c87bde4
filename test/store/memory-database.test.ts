import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { it } from 'vitest';
import { LOCAL_TABLES } from '../../infra/local/dynamo/tables.ts';
import { ask, clear, everything, same } from './two-databases.ts';

const RUNS = Math.min(Number(process.env.STRATA_RANDOM_RUNS ?? 40), 300);
const SEED = Number(process.env.STRATA_SEED ?? 7);

// ---- random commands: few keys and attributes, so that they meet each other often ----

const small = fc.integer({ min: -3, max: 6 });
const word = fc.constantFrom('online', 'fenced', 'a', 'ab', 'ü', '');
const value: fc.Arbitrary<unknown> = fc.oneof(
  small,
  word,
  fc.constantFrom(0.1, 0.25, 1e21, 123456789012),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.oneof(small, word), { maxLength: 3 }),
  fc.record({ a: small, b: word }, { requiredKeys: [] }),
);
const attribute = fc.constantFrom('n', 'version', 'state', 'claim', 'list', 'map');
const key = fc.record({
  pk: fc.constantFrom('P', 'Q'),
  sk: fc.constantFrom('1', '2', '3', '10', 'x#1', 'x#2', 'ü', '😀'),
});
/** Attributes that the indexes are made of, most often such as they should be. */
const indexed = fc.record(
  {
    runsOn: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('h1', 'h2') }, { weight: 1, arbitrary: value }),
    pending: fc.constant('p'),
    kind: fc.constantFrom('host', 'process'),
  },
  { requiredKeys: [] },
);
const item = fc
  .tuple(indexed, fc.dictionary(attribute, value, { maxKeys: 5 }), small, fc.record({ a: small, b: small }))
  .map(([index, more, n, map]) => ({ n, map, ...more, ...index }));
const table = fc.constantFrom(...Object.values(LOCAL_TABLES));

/** Conditions as the project writes them, with names and values that go with each. */
const CONDITIONS = [
  'attribute_exists(pk)',
  'attribute_not_exists(pk)',
  'attribute_not_exists(pk) OR version <= :n',
  '#version = :n AND attribute_not_exists(#claim)',
  '#state = :s AND attribute_not_exists(#claim) AND #map.#a >= :n',
  'attribute_exists(pk) AND NOT #state IN (:s, :t)',
  'size(#list) = :n',
  '(attribute_not_exists(#claim) OR #claim = :s)',
  'attribute_not_exists(#map) OR #map.#a < :n',
  '#map.#a = #map.#b',
  '#n <> :n OR #n > :n AND #version < :n',
  'NOT #n = :v',
  '#n = :v',
  '#n >= :v',
  'begins_with(#state, :s)',
  'contains(#state, :s)',
  'contains(#list, :s)',
  'attribute_exists(#map.#a.#b)',
  'NOT (#n = :n OR #state = :s)',
  '#state in (:s) and #n <= :n',
];
const UPDATES = [
  'SET #n = #n + :n',
  'SET #map.#a = #map.#a - :n, #state = :s',
  'SET #n = :v REMOVE #claim, #list',
  'SET #map.#b = :v',
  'SET #claim = :s, #n = #version + :n',
  'SET #version = :n, #n = #version',
  'REMOVE runsOn',
  'SET runsOn = :s, #list = :v',
  'SET #n = #n + :f',
  'SET #n = if_not_exists(#n, :z) + :n',
  'SET #map.#a = if_not_exists(#map.#a, :z) + :n, #state = :s',
];
const NAMES = ['n', 'version', 'state', 'claim', 'list', 'map', 'a', 'b', 'pk'];
const condition = fc.option(fc.constantFrom(...CONDITIONS), { nil: undefined });
const values = fc.record({
  ':n': small,
  ':s': word,
  ':t': word,
  ':v': value,
  ':z': fc.constant(0),
  ':f': fc.constantFrom(0.1, 0.2, -1.75),
});

/** The names and values that these expressions speak of. */
function placeholders(expressions: (string | undefined)[], all: Record<string, unknown>) {
  const text = expressions.filter(Boolean).join(' ');
  const used = (p: string) => new RegExp(`${p}\\b`).test(text);
  const names = NAMES.filter((n) => used(`#${n}`));
  const found = Object.entries(all).filter(([v]) => used(v));
  return {
    ...(names.length ? { ExpressionAttributeNames: Object.fromEntries(names.map((n) => [`#${n}`, n])) } : {}),
    ...(found.length ? { ExpressionAttributeValues: Object.fromEntries(found) } : {}),
  };
}

const write = fc
  .record({
    kind: fc.constantFrom('Put', 'Update', 'Update', 'Delete', 'ConditionCheck'),
    table,
    key,
    item,
    condition,
    update: fc.constantFrom(...UPDATES),
    values,
    shows: fc.boolean(),
  })
  .map((w) => {
    const checked = w.kind === 'ConditionCheck' ? (w.condition ?? 'attribute_exists(pk)') : w.condition;
    const update = w.kind === 'Update' ? w.update : undefined;
    return {
      kind: w.kind,
      key: w.key,
      input: {
        TableName: w.table,
        ...(w.kind === 'Put' ? { Item: { ...w.item, ...w.key } } : { Key: w.key }),
        ...(update ? { UpdateExpression: update } : {}),
        ...(checked ? { ConditionExpression: checked } : {}),
        ...(checked && w.shows ? { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const } : {}),
        ...placeholders([checked, update], w.values),
      },
    };
  });
const COMMANDS = { Put: PutCommand, Update: UpdateCommand, Delete: DeleteCommand } as const;

const alone = write
  .filter((w) => w.kind !== 'ConditionCheck')
  .map(({ kind, input }) => {
    return ask(COMMANDS[kind as 'Update'], { ...input, ...(kind === 'Update' ? { ReturnValues: 'ALL_NEW' } : {}) });
  });
const transaction = fc
  .array(write, { minLength: 1, maxLength: 5 })
  .map((all) =>
    ask(TransactWriteCommand, { TransactItems: all.map(({ kind, input }) => ({ [kind]: input })) as never }),
  );
const get = fc
  .record({ table, key })
  .map((g) =>
    ask(GetCommand, { TableName: g.table, Key: g.key, ConsistentRead: true, ReturnConsumedCapacity: 'TOTAL' }),
  );
const getMany = fc
  .record({ table, keys: fc.array(key, { minLength: 1, maxLength: 6 }) })
  .map((g) => ask(BatchGetCommand, { RequestItems: { [g.table]: { Keys: g.keys, ConsistentRead: true } } }));
const query = fc
  .record({
    table,
    pk: fc.constantFrom('P', 'Q'),
    prefix: fc.option(fc.constantFrom('x#', '1'), { nil: undefined }),
    filter: condition,
    values,
    limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    backwards: fc.boolean(),
    projection: fc.option(fc.constant('sk'), { nil: undefined }),
  })
  .map((q) => {
    // A filter on keys is refused, in other words by each.
    const filter = q.filter && !/\bpk\b/.test(q.filter) ? q.filter : undefined;
    const of = placeholders([filter], q.values);
    return ask(QueryCommand, {
      TableName: q.table,
      KeyConditionExpression: q.prefix ? '#hash = :pk AND begins_with(#sort, :prefix)' : '#hash = :pk',
      ExpressionAttributeNames: {
        ...of.ExpressionAttributeNames,
        '#hash': 'pk',
        ...(q.prefix ? { '#sort': 'sk' } : {}),
        ...(q.projection ? { '#p': q.projection } : {}),
      },
      ExpressionAttributeValues: {
        ...of.ExpressionAttributeValues,
        ':pk': q.pk,
        ...(q.prefix ? { ':prefix': q.prefix } : {}),
      },
      ConsistentRead: true,
      ScanIndexForward: !q.backwards,
      ...(filter ? { FilterExpression: filter } : {}),
      ...(q.projection ? { ProjectionExpression: '#p' } : {}),
      ...(q.limit ? { Limit: q.limit } : {}),
    });
  });

const command = fc.oneof(
  { weight: 6, arbitrary: alone },
  { weight: 5, arbitrary: transaction },
  { weight: 1, arbitrary: get },
  { weight: 1, arbitrary: getMany },
  { weight: 3, arbitrary: query },
);

it(`the database in memory answers ${RUNS} random sequences of commands as the engine does, errors and what is left behind included (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 30 }), async (commands) => {
      await clear();
      for (const one of commands) await same(one);
      await everything();
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 300_000);
