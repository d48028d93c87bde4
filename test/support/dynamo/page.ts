import type { ConsumedCapacity, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { readUnits } from './capacity.ts';
import { mustBeKnown } from './change.ts';
import { holds, Placeholders } from './evaluate.ts';
import { type Condition, readCondition, readProjection } from './expression.ts';
import type { IndexOf, MemoryTable } from './table.ts';
import { copyRow, Invalid, type Row, sizeOfRow } from './values.ts';

/** Bytes that are looked at for one page (DynamoDB limit). */
const PAGE_BYTES = 1024 * 1024;

/** What is known here of a query, and of a scan, which is one without a key. */
export type PageInput = Pick<
  QueryCommandInput,
  | 'TableName'
  | 'IndexName'
  | 'KeyConditionExpression'
  | 'FilterExpression'
  | 'ProjectionExpression'
  | 'ExpressionAttributeNames'
  | 'ExpressionAttributeValues'
  | 'ExclusiveStartKey'
  | 'ScanIndexForward'
  | 'Limit'
  | 'ConsistentRead'
  | 'ReturnConsumedCapacity'
>;
const KNOWN = [
  'TableName',
  'IndexName',
  'KeyConditionExpression',
  'FilterExpression',
  'ProjectionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ExclusiveStartKey',
  'ScanIndexForward',
  'Limit',
  'ConsistentRead',
  'ReturnConsumedCapacity',
];

/** One page: the limit and the bytes count what is looked at, before the filter. */
export function pageOf(table: MemoryTable, input: PageInput): object {
  mustBeKnown(input, KNOWN);
  const { IndexName, Limit = Number.POSITIVE_INFINITY, ExclusiveStartKey: after } = input;
  const index = IndexName === undefined ? undefined : table.index(IndexName);
  if (index && input.ConsistentRead) throw new Invalid('an index cannot be read consistently');
  if (Limit < 1) throw new Invalid('a limit is at least 1');
  const placeholders = new Placeholders(input.ExpressionAttributeNames, input.ExpressionAttributeValues);
  const wanted = keysOf(input.KeyConditionExpression, placeholders, index);
  const filter = input.FilterExpression === undefined ? undefined : readCondition(input.FilterExpression);
  if (filter) placeholders.learn(filter);
  const shown =
    input.ProjectionExpression && readProjection(input.ProjectionExpression).map((p) => nameOf(p, placeholders));
  placeholders.mustBeUsed();

  const rows = wanted
    ? table.query(wanted.hash, {
        ...(IndexName === undefined ? {} : { index: IndexName }),
        ...(after ? { after } : {}),
        backwards: input.ScanIndexForward === false,
      })
    : table.all(after);
  const Items: Row[] = [];
  let [looked, bytes] = [0, 0];
  let last: Row | undefined;
  let more = false;
  for (const whole of rows) {
    if (wanted && !fits(whole[index?.range ?? 'sk']?.S ?? '', wanted)) continue;
    const row = index?.keysOnly ? keysIn(whole, index) : whole;
    const size = sizeOfRow(row);
    if (looked >= Limit || (looked > 0 && bytes + size > PAGE_BYTES)) {
      more = true;
      break;
    }
    looked++;
    bytes += size;
    last = whole;
    if (!filter || holds(filter, row, placeholders)) Items.push(copyRow(shown ? only(row, shown) : row));
  }
  // A page that is full does not know whether it was the last one.
  const full = more || looked >= Limit;
  const ConsumedCapacity: ConsumedCapacity = {
    TableName: input.TableName as string,
    CapacityUnits: readUnits(bytes, input.ConsistentRead ?? false),
  };
  return {
    Items,
    Count: Items.length,
    ScannedCount: looked,
    ...(full && last ? { LastEvaluatedKey: keysIn(last, index) } : {}),
    ...(input.ReturnConsumedCapacity ? { ConsumedCapacity } : {}),
  };
}

/** The partition and the beginning of the sort key that are asked for; undefined for a scan. */
function keysOf(
  expression: string | undefined,
  p: Placeholders,
  index: IndexOf | undefined,
): { hash: string; prefix: string; exact?: string } | undefined {
  if (expression === undefined) return undefined;
  const condition = readCondition(expression);
  p.learn(condition);
  const parts = condition.op === 'and' ? condition.parts : [condition];
  const of = (attribute: string, part: Condition | undefined, op: 'compare' | 'begins'): string | undefined => {
    if (part?.op !== op || (part.op === 'compare' && part.sign !== '=')) return undefined;
    if (!('path' in part.left) || !('value' in part.right)) return undefined;
    return nameOf(part.left.path, p) === attribute ? p.value(part.right.value).S : undefined;
  };
  const [hashName, rangeName] = [index?.hash ?? 'pk', index?.range ?? 'sk'];
  const hash = of(hashName, parts[0], 'compare');
  if (hash === undefined || parts.length > 2) throw new Invalid(`not a condition on keys: '${expression}'`);
  if (parts.length === 1) return { hash, prefix: '' };
  const exact = of(rangeName, parts[1], 'compare');
  const prefix = exact ?? of(rangeName, parts[1], 'begins');
  if (prefix === undefined) throw new Invalid(`not a condition on keys: '${expression}'`);
  return { hash, prefix, ...(exact === undefined ? {} : { exact }) };
}

const fits = (range: string, { prefix, exact }: { prefix: string; exact?: string }): boolean =>
  exact === undefined ? range.startsWith(prefix) : range === exact;

function nameOf(path: readonly string[], p: Placeholders): string {
  const [name, ...deeper] = p.path(path);
  if (name === undefined || deeper.length > 0)
    throw new Invalid('only attributes at the top of an item can be named here');
  return name;
}

const only = (row: Row, names: readonly string[]): Row =>
  Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name)));

const keysIn = (row: Row, index: IndexOf | undefined): Row =>
  copyRow(only(row, ['pk', 'sk', ...(index ? [index.hash, index.range] : [])]));
