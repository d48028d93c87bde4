import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import type { TestCloud } from '../../support/cloud.ts';
import type { Command } from './story.ts';

type Handler = (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;
type Mood = Extract<Command, { kind: 'trouble' }>['what'];

/** What befalls the control plane itself: its probe and its dispatcher fail, and records come late, twice or out of order. */
export class Trouble {
  private readonly test: TestCloud;
  private readonly dispatch: Handler;
  private readonly probe: () => Promise<never>;
  /** Every record that was ever handed over, oldest first. */
  private readonly past: DynamoDBStreamEvent['Records'] = [];
  private since: number | undefined;
  private down = 0;
  private mood: 'up' | 'down' | 'duplicates' | 'reorders' = 'up';

  constructor(test: TestCloud) {
    this.test = test;
    const { feed, probe } = test.cloud as unknown as { feed: { handler: Handler }; probe: { run(): Promise<never> } };
    this.dispatch = feed.handler;
    this.probe = probe.run.bind(probe);
    feed.handler = (event) => this.hand(event);
  }

  private async hand(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
    if (this.mood === 'down')
      return { batchItemFailures: event.Records.map((r) => ({ itemIdentifier: r.dynamodb?.SequenceNumber ?? '' })) };
    this.past.push(...event.Records);
    const Records = this.mood === 'reorders' ? event.Records.toReversed() : event.Records;
    const answer = await this.dispatch({ Records });
    if (this.mood === 'duplicates') await this.dispatch({ Records: Records.toReversed() });
    return answer;
  }

  /** For how long the dispatcher has been down in all, ms. */
  downFor(now: number): number {
    return this.down + (this.since === undefined ? 0 : now - this.since);
  }

  async become(what: Mood): Promise<void> {
    const { cloud, clock } = this.test;
    if (what === 'dispatcher down') this.since ??= clock.now();
    else if (what.startsWith('dispatcher')) {
      this.down = this.downFor(clock.now());
      this.since = undefined;
    }
    if (what === 'probe down') Object.assign(cloud.probe, { run: async () => [] });
    else if (what === 'probe up') Object.assign(cloud.probe, { run: this.probe });
    else this.mood = what.slice('dispatcher '.length) as typeof this.mood;
    // What piled up is handed over.
    if (what.startsWith('dispatcher')) cloud.feed.kick();
    await this.test.rest();
  }

  /** Hands records over once more, as a stream may. */
  async replay(last: number, reordered: boolean): Promise<number> {
    const some = this.past.slice(-last);
    await this.dispatch({ Records: reordered ? some.reverse() : some });
    await this.test.rest();
    return some.length;
  }
}
