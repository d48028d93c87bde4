import { DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { randomFrom } from '../../shared/kernel/random.ts';
import { Store } from '../../shared/store/store.ts';
import type { Tables } from '../../shared/store/tables.ts';

/** Chance that always says 0: a pause after a conflict then takes no time. */
export const noChance = randomFrom(() => 0);

/** The edge of AWS, played: what the store sends arrives here. */
export const dynamo = mockClient(DynamoDBDocumentClient);

export const store = (
  hooks: ConstructorParameters<typeof Store>[3] = {},
  tables: Tables = { control: 'Control', events: 'Events', world: 'World' },
) => new Store(new DynamoDBClient({ region: 'eu-central-1' }), tables, noChance, hooks);

/** A cancelled transaction with a reason per action: its code, and the item that stood there. */
export const cancelled = (...reasons: { Code: string; Item?: Record<string, unknown> }[]) =>
  new TransactionCanceledException({
    message: 'Transaction cancelled',
    $metadata: {},
    CancellationReasons: reasons.map(({ Code, Item }) => ({
      Code,
      ...(Item ? { Item: marshall(Item, { removeUndefinedValues: true }) } : {}),
    })),
  });

export const NONE = { Code: 'None' };
export const FAILED = { Code: 'ConditionalCheckFailed' };
export const CONFLICT = { Code: 'TransactionConflict' };
