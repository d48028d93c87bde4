import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { DomainEvent } from '../../shared/events/event.ts';
import { iso } from '../../shared/kernel/clock.ts';
import type { Log } from '../../shared/kernel/log.ts';
import type { AuditEntry } from '../../shared/model/audit.ts';
import type { Operation, OperationKind } from '../../shared/model/operation.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';

/** Starts workflows. Starting the same name twice starts once. */
export type StartExecution = (kind: OperationKind, name: string, input: Record<string, unknown>) => Promise<void>;
/** Tells the event bus. */
export type Publish = (event: DomainEvent) => Promise<void>;

export interface DispatchDeps {
  store: Store;
  log: Log;
  startExecution: StartExecution;
  publish: Publish;
}

/**
 * Stream records -> executions, events and the audit trail. Everything it does can be repeated: executions start by the
 * operation's id, audit entries are put under their id, consumers of the bus dedupe on the event's id.
 */
export const dispatcher =
  (deps: DispatchDeps) =>
  async (batch: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const batchItemFailures: DynamoDBBatchResponse['batchItemFailures'] = [];
    for (const record of batch.Records) {
      try {
        await dispatch(record, deps);
      } catch (error) {
        deps.log.error('a record could not be dispatched', { eventID: record.eventID, error: String(error) });
        batchItemFailures.push({ itemIdentifier: record.dynamodb?.SequenceNumber ?? '' });
      }
    }
    return { batchItemFailures };
  };

async function dispatch(record: DynamoDBRecord, deps: DispatchDeps): Promise<void> {
  const image = record.dynamodb?.NewImage;
  if (record.eventName !== 'INSERT' || !image) return;
  const item = unmarshall(image as Parameters<typeof unmarshall>[0]) as (Operation | DomainEvent) & {
    record: string;
    audit?: AuditEntry;
  };
  if (item.audit) await deps.store.put(keys.audit(iso(item.audit.at).slice(0, 10), item.audit.id), item.audit);
  if (item.record === 'operation') {
    const { id, kind, input, audit } = item as Operation & { audit?: AuditEntry };
    await deps.startExecution(kind, id, {
      operationId: id,
      ...(audit ? { requestId: audit.requestId } : {}),
      ...input,
    });
  } else {
    await deps.publish(item as DomainEvent);
  }
}
