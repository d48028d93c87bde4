import {
  type CancellationReason,
  type ConsumedCapacity,
  TransactionCanceledException,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import { writeUnits } from './capacity.ts';
import { type Change, mustBeKnown, type Write, type WriteKind } from './change.ts';
import type { MemoryTable } from './table.ts';
import { copyRow, Invalid, sizeOfRow, Unfit } from './values.ts';

export type TransactInput = TransactWriteItemsCommandInput;

/** What a transaction needs of the database. */
interface Database {
  table(name: string | undefined): MemoryTable;
  think(kind: WriteKind, write: Write): Change;
  carry(change: Change): void;
}

const MOST_ACTIONS = 100;
/** Bytes of all items of a transaction together (DynamoDB limit). */
const LARGEST_TRANSACTION = 4 * 1024 * 1024;
const KINDS = { Put: 'put', Update: 'update', Delete: 'delete', ConditionCheck: 'check' } as const;

/** All of it or nothing: every action is thought out on what stood there before, then all are carried out. */
export function transact(db: Database, input: TransactInput): object {
  mustBeKnown(input, ['TransactItems', 'ReturnConsumedCapacity']);
  const { TransactItems = [], ReturnConsumedCapacity } = input;
  if (TransactItems.length === 0) throw new Invalid('a transaction needs at least one action');
  if (TransactItems.length > MOST_ACTIONS)
    throw new Invalid(`a transaction has at most ${MOST_ACTIONS} actions, not ${TransactItems.length}`);
  const actions = TransactItems.map((item) => {
    const [[name, write], more] = Object.entries(item) as [[keyof typeof KINDS, Write], unknown];
    const kind = KINDS[name];
    if (!kind || more) throw new Error(`an action of a transaction that is not known here: ${Object.keys(item)}`);
    return { kind, write, shows: 'ReturnValuesOnConditionCheckFailure' in write };
  });
  mustBeOfDifferentItems(db, actions);

  const reasons: CancellationReason[] = [];
  const changes: Change[] = [];
  for (const { kind, write, shows } of actions) {
    const thought = think(db, kind, write);
    if ('ok' in thought) {
      changes.push(thought);
      const item = shows && thought.before ? { Item: copyRow(thought.before) } : {};
      reasons.push(
        thought.ok
          ? { Code: 'None' }
          : { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed', ...item },
      );
    } else reasons.push(thought);
  }
  if (reasons.some((r) => r.Code !== 'None')) {
    const codes = reasons.map((r) => r.Code).join(', ');
    const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
    throw new TransactionCanceledException({ message, CancellationReasons: reasons, $metadata: {} });
  }
  if (changes.reduce((n, { row }) => n + (row ? sizeOfRow(row) : 0), 0) > LARGEST_TRANSACTION)
    throw new Invalid('the items of the transaction are too large together');
  for (const change of changes) db.carry(change);
  return ReturnConsumedCapacity ? { ConsumedCapacity: consumed(changes) } : {};
}

/** What is wrong with one action alone cancels the transaction, and says where. */
function think(db: Database, kind: WriteKind, write: Write): Change | CancellationReason {
  try {
    return db.think(kind, write);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    return { Code: 'ValidationError', Message: error.message };
  }
}

function mustBeOfDifferentItems(db: Database, actions: readonly { kind: WriteKind; write: Write }[]): void {
  const seen = new Set<string>();
  for (const { kind, write } of actions) {
    const { pk, sk } = db.table(write.TableName).keyOf((kind === 'put' ? write.Item : write.Key) ?? {});
    const name = [write.TableName, pk, sk].join('\n');
    if (seen.has(name)) throw new Invalid('Transaction request cannot include multiple operations on one item');
    seen.add(name);
  }
}

function consumed(changes: readonly Change[]): ConsumedCapacity[] {
  const byTable = Map.groupBy(changes, (c) => c.tableName);
  return [...byTable].map(([TableName, of]) => ({
    TableName,
    CapacityUnits: of.reduce((n, change) => n + writeUnits(change, 2), 0),
  }));
}
