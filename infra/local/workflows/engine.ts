import { StateMachine } from 'aws-local-stepfunctions';
import { type Clock, SECOND } from '../../../shared/kernel/clock.ts';
import type { Log } from '../../../shared/kernel/log.ts';
import { OPERATION_KINDS, type OperationKind } from '../../../shared/model/operation.ts';
import { type Definition, embed, type Hooked, type Retrier, readDefinition } from './definition.ts';
import type { Entry, Journal } from './journal.ts';

/** What a state machine's tasks call: the function of its steps, with the task's payload. */
export type InvokeSteps = (kind: OperationKind, payload: unknown) => Promise<unknown>;

interface Params {
  Payload?: Record<string, unknown>;
  seconds?: number;
  timestamp?: string;
  journal: unknown;
}

/** Thrown into hooks when the process stops: what was journalled is taken up at the next start. */
class Stopping extends Error {}

/**
 * Runs the state machines of the topology in this process. Every task and wait is journalled as it is entered; a killed
 * process re-enters it with the same input, which every step allows.
 */
export class WorkflowEngine {
  private readonly machines = new Map<OperationKind, { definition: Definition; hooks: Map<string, Hooked> }>();
  private readonly live = new Map<string, Promise<void>>();
  private readonly halt = new AbortController();
  private readonly clock: Clock;
  private readonly journal: Journal;
  private readonly invoke: InvokeSteps;
  private readonly log: Log;
  /** Executions that wait for cloud time; the others are at work. */
  private asleep = 0;
  /** Transitions of each ended execution: states entered and retries, as AWS would charge them. */
  readonly transitions = new Map<string, number>();

  constructor(deps: { clock: Clock; journal: Journal; invoke: InvokeSteps; log: Log }) {
    this.clock = deps.clock;
    this.journal = deps.journal;
    this.invoke = deps.invoke;
    this.log = deps.log;
    for (const kind of OPERATION_KINDS) this.machines.set(kind, embed(readDefinition(kind)));
  }

  /** Starts an execution; a name that was used before is left alone. */
  async start(kind: OperationKind, name: string, input: unknown): Promise<void> {
    if (this.live.has(name)) return;
    const at = (this.machines.get(kind) as { definition: Definition }).definition.StartAt;
    const entry: Entry = { name, kind, at, state: input };
    if (await this.journal.begin(entry)) this.run(entry);
  }

  /** Takes up what a former process left. */
  async resume(): Promise<number> {
    const left = await this.journal.running();
    for (const entry of left) this.run(entry);
    return left.length;
  }

  /** Executions at work right now, not counting those that wait for cloud time. */
  get busy(): number {
    return this.live.size - this.asleep;
  }

  get size(): number {
    return this.live.size;
  }

  async stop(): Promise<void> {
    this.halt.abort(new Stopping());
    await Promise.allSettled(this.live.values());
  }

  private run(entry: Entry): void {
    if (this.live.has(entry.name)) return;
    const done = this.execute(entry)
      .catch((error) => {
        if (!this.halt.signal.aborted)
          this.log.warn('an execution failed', { name: entry.name, kind: entry.kind, error: String(error) });
      })
      .finally(() => this.live.delete(entry.name));
    this.live.set(entry.name, done);
  }

  private async execute(entry: Entry): Promise<void> {
    const { definition, hooks } = this.machines.get(entry.kind) as {
      definition: Definition;
      hooks: Map<string, Hooked>;
    };
    let due = entry.due;
    let retries = 0;
    const handlers = Object.fromEntries(
      [...hooks].map(([name, hook]) => [
        name,
        async (input: unknown) => {
          // A process that stops takes no way out of a step that it has broken off: it is entered again at the next start.
          this.halt.signal.throwIfAborted();
          // What stands in the journal must not be shared with what the steps are given.
          const params = JSON.parse(JSON.stringify(input)) as Params;
          if (hook.kind === 'wait') {
            due ??= params.timestamp ? Date.parse(params.timestamp) : this.clock.now() + (params.seconds ?? 0) * SECOND;
            await this.journal.enter({ ...entry, at: name, state: params.journal, due });
            await this.sleepUntil(due);
            due = undefined;
            return null;
          }
          await this.journal.enter({ name: entry.name, kind: entry.kind, at: name, state: params.journal });
          const payload = await this.withRetry(
            hook.retry,
            () => this.invoke(entry.kind, params.Payload),
            () => retries++,
          );
          return { Payload: payload, StatusCode: 200 };
        },
      ]),
    );
    const machine = new StateMachine({ ...definition, StartAt: entry.at } as never, {
      validationOptions: { noValidate: true },
    });
    const execution = machine.run(entry.state as never, {
      overrides: { taskResourceLocalHandlers: handlers as never },
      context: { Execution: { Name: entry.name, Input: entry.state as never } },
    });
    const counted = count(execution.eventLogs);
    try {
      await execution.result;
    } finally {
      if (!this.halt.signal.aborted) {
        await this.journal.end(entry.name);
        this.transitions.set(entry.name, (await counted) + retries);
      }
    }
  }

  private async sleepUntil(at: number): Promise<void> {
    this.halt.signal.throwIfAborted();
    this.asleep++;
    try {
      await this.clock.sleepUntil(at, this.halt.signal);
    } finally {
      this.asleep--;
    }
  }

  /** The Retry field, in cloud time: the first retrier that names the error decides. */
  private async withRetry<T>(retriers: readonly Retrier[], work: () => Promise<T>, onRetry: () => void): Promise<T> {
    const used = retriers.map(() => 0);
    for (;;) {
      this.halt.signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        this.halt.signal.throwIfAborted();
        const name = error instanceof Error ? error.name : 'Error';
        const index = retriers.findIndex((r) =>
          r.ErrorEquals.some((e) => e === name || e === 'States.ALL' || e === 'States.TaskFailed'),
        );
        const retrier = retriers[index];
        if (!retrier || (used[index] as number) >= (retrier.MaxAttempts ?? 3)) throw error;
        const seconds = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** (used[index] as number);
        used[index] = (used[index] as number) + 1;
        onRetry();
        await this.sleepUntil(
          // Cloud time is whole milliseconds, however often the rate has been applied.
          Math.ceil(this.clock.now() + Math.min(seconds, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY) * SECOND),
        );
      }
    }
  }
}

async function count(events: AsyncGenerator<{ type: string }>): Promise<number> {
  let entered = 0;
  for await (const event of events) if (event.type === 'StateEntered') entered++;
  return entered;
}
