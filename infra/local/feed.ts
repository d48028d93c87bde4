import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { Log } from '../../shared/kernel/log.ts';
import type { Store } from '../../shared/store/store.ts';
import { type Item, type Key, PENDING_INDEX } from '../../shared/store/tables.ts';

/** Outbox items handed over at once. */
const BATCH = 25;
/** How often the feed looks without being told to, ms of machine time: for what a crash left behind. */
const LOOK_MS = 2_000;

/**
 * The change feed of the embedded form. It drains the outbox by an index instead of reading a stream: each stream-enabled
 * write of the embedded engine scans a log that only grows. At least once, crash-safe, and of flat cost: the handler
 * sees the very events that a stream would bring.
 */
export class OutboxFeed {
  private readonly store: Store;
  private readonly handler: (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;
  private readonly log: Log;
  private timer: NodeJS.Timeout | undefined;
  private draining: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(store: Store, handler: (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>, log: Log) {
    this.store = store;
    this.handler = handler;
    this.log = log;
  }

  start(looks: boolean): void {
    if (looks) this.timer = setInterval(() => this.kick(), LOOK_MS);
    this.kick();
  }

  /** Something was written to the outbox. */
  kick(): void {
    if (this.stopped) return;
    if (this.draining) {
      this.again = true;
      return;
    }
    this.draining = this.drain()
      .catch((error) => {
        if (!this.stopped) this.log.error('the outbox could not be drained', { error: String(error) });
      })
      .finally(() => {
        this.draining = undefined;
        if (this.again) {
          this.again = false;
          this.kick();
        }
      });
  }

  /** Resolves when nothing is pending. */
  async idle(): Promise<void> {
    while (this.draining) await this.draining;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.idle();
  }

  private async drain(): Promise<void> {
    for (;;) {
      const { items } = await this.store.query<Item & Key>('p', 'events', {
        index: PENDING_INDEX,
        hashName: 'pending',
        limit: BATCH,
      });
      if (items.length === 0 || this.stopped) return;
      const { batchItemFailures } = await this.handler({
        Records: items.map((item) => ({
          eventID: item.sk,
          eventName: 'INSERT',
          eventSource: 'aws:dynamodb',
          dynamodb: {
            SequenceNumber: item.sk,
            NewImage: JSON.parse(JSON.stringify(marshall(item, { removeUndefinedValues: true }))),
          },
        })),
      });
      const failed = new Set(batchItemFailures.map((f) => f.itemIdentifier));
      for (const { pk, sk } of items)
        if (!failed.has(sk)) await this.store.update({ pk, sk }, { remove: ['pending'] }, 'events');
      if (failed.size > 0) return;
    }
  }
}
