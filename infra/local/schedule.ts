import { type Clock, SECOND } from '../../shared/kernel/clock.ts';
import type { Log } from '../../shared/kernel/log.ts';

/** Runs work at a period of cloud time, never twice at once. What was missed while it ran, or time jumped, is not made up. */
export class Schedule {
  private readonly halt = new AbortController();
  private loop: Promise<void> | undefined;

  start(clock: Clock, everySeconds: number, work: () => Promise<unknown>, log: Log): void {
    this.loop = this.run(clock, everySeconds * SECOND, work, log);
  }

  async stop(): Promise<void> {
    this.halt.abort(new Error('stopping'));
    await this.loop;
  }

  private async run(clock: Clock, periodMs: number, work: () => Promise<unknown>, log: Log): Promise<void> {
    let next = clock.now();
    while (!this.halt.signal.aborted) {
      await work().catch((error) => {
        if (!this.halt.signal.aborted) log.error('a scheduled run failed', { error: String(error) });
      });
      next = Math.max(next + periodMs, clock.now() - periodMs);
      await clock.sleepUntil(next, this.halt.signal).catch(() => {});
    }
  }
}
