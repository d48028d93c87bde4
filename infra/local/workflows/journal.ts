import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { OperationKind } from '../../../shared/model/operation.ts';
import { JOURNAL_TABLE } from '../dynamo/tables.ts';

/** Where an execution stands: the last state that it entered, with what. */
export interface Entry {
  name: string;
  kind: OperationKind;
  at: string;
  state: unknown;
  /** When a wait that was begun ends, ms of cloud time. */
  due?: number;
}

/** Running executions lie in one partition; ended ones leave a stone in another, so that their name stays taken. */
const RUNNING = 'RUNNING';
const ENDED = 'ENDED';

/** Remembers executions, so that a killed process takes them up where they were. */
export class Journal {
  private readonly doc: DynamoDBDocumentClient;

  constructor(db: DynamoDBClient) {
    this.doc = DynamoDBDocumentClient.from(db, { marshallOptions: { removeUndefinedValues: true } });
  }

  /** False when the name is taken: by a running execution or an ended one. */
  async begin(entry: Entry): Promise<boolean> {
    try {
      await this.doc.send(
        new PutCommand({
          TableName: JOURNAL_TABLE,
          Item: { pk: ENDED, sk: entry.name },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return this.lostBeginning(entry);
      throw error;
    }
    await this.enter(entry);
    return true;
  }

  async enter(entry: Entry): Promise<void> {
    await this.doc.send(new PutCommand({ TableName: JOURNAL_TABLE, Item: { ...entry, pk: RUNNING, sk: entry.name } }));
  }

  async end(name: string): Promise<void> {
    await this.doc.send(new PutCommand({ TableName: JOURNAL_TABLE, Item: { pk: ENDED, sk: name, done: true } }));
    await this.doc.send(new DeleteCommand({ TableName: JOURNAL_TABLE, Key: { pk: RUNNING, sk: name } }));
  }

  /** Every running execution, however many pages they fill. */
  async running(): Promise<Entry[]> {
    const entries: Entry[] = [];
    let after: Record<string, unknown> | undefined;
    do {
      const out = await this.doc.send(
        new QueryCommand({
          TableName: JOURNAL_TABLE,
          KeyConditionExpression: 'pk = :p',
          ExpressionAttributeValues: { ':p': RUNNING },
          ConsistentRead: true,
          ...(after ? { ExclusiveStartKey: after } : {}),
        }),
      );
      entries.push(...((out.Items ?? []) as Entry[]));
      after = out.LastEvaluatedKey;
    } while (after);
    return entries;
  }

  /** The process was killed between taking the name and entering the first state: the start is carried out now. */
  private async lostBeginning(entry: Entry): Promise<boolean> {
    const stone = await this.doc.send(
      new QueryCommand({
        TableName: JOURNAL_TABLE,
        KeyConditionExpression: 'pk = :p AND sk = :s',
        ExpressionAttributeValues: { ':p': ENDED, ':s': entry.name },
        ConsistentRead: true,
      }),
    );
    if (stone.Items?.[0]?.done) return false;
    const live = (await this.running()).some((e) => e.name === entry.name);
    if (live) return false;
    await this.enter(entry);
    return true;
  }
}
