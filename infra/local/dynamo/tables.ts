import {
  CreateTableCommand,
  type DynamoDBClient,
  type GlobalSecondaryIndex,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import { type IndexSpec, TABLES, type TableId } from '../../topology.ts';

/** Names of the tables of an embedded cloud; the journal of the workflows is its own. */
export const LOCAL_TABLES = { control: 'strata-control', events: 'strata-events', world: 'strata-world' } as const;
export const JOURNAL_TABLE = 'strata-journal';

/** Creates the tables of the topology that are not there yet. */
export async function createTables(db: DynamoDBClient): Promise<void> {
  for (const [id, spec] of Object.entries(TABLES) as [TableId, (typeof TABLES)[TableId]][]) {
    await create(db, LOCAL_TABLES[id], [...spec.indexes, ...spec.embeddedIndexes]);
  }
  await create(db, JOURNAL_TABLE, []);
}

async function create(db: DynamoDBClient, TableName: string, indexes: readonly IndexSpec[]): Promise<void> {
  const attributes = new Set(['pk', 'sk', ...indexes.flatMap((i) => [i.hash, i.range])]);
  const GlobalSecondaryIndexes = indexes.map(
    (i): GlobalSecondaryIndex => ({
      IndexName: i.name,
      KeySchema: [
        { AttributeName: i.hash, KeyType: 'HASH' },
        { AttributeName: i.range, KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: i.projection },
    }),
  );
  try {
    await db.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [...attributes].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        ...(GlobalSecondaryIndexes.length ? { GlobalSecondaryIndexes } : {}),
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}
