import fc from 'fast-check';
import { expect, it } from 'vitest';
import { play } from './play.ts';
import { inWords, schedule } from './schedule.ts';

/** Random schedules per run. The continuous integration asks for many more than a quick test run. */
const SCHEDULES = Number(process.env.STRATA_DR_SCHEDULES ?? 8);
const SEED = Number(process.env.STRATA_SEED ?? 11);
/** Machine time for one schedule at the very most, ms. Reaching it is a failure. */
const PATIENCE_MS = 120_000;
/** Machine time that is spent on making a schedule that failed smaller, ms. */
const SHRINK_MS = 90_000;

/** One part of the search: its schedules begin at a seed of their own, so that parts can be played side by side. */
export function searchRecoveries(part: number, parts: number): void {
  const runs = Math.ceil(SCHEDULES / parts);
  const seed = SEED + part;
  it(
    `${runs} random schedules of disasters and executions (seed ${seed}): never two writable primaries, no loss that is not told, no group out of order, and all of it comes to rest`,
    async () => {
      const begun = performance.now();
      let [schedules, instants, checks, writes, compared] = [0, 0, 0, 0, 0];
      const done: Record<string, number> = {};
      const looked: Record<string, number> = {};
      const add = (to: Record<string, number>, more: Record<string, number>) => {
        for (const [what, n] of Object.entries(more)) to[what] = (to[what] ?? 0) + n;
      };
      let failedAt: number | undefined;
      try {
        await fc.assert(
          fc.asyncProperty(schedule, async (one) => {
            // Making it smaller takes many tries; the smallest one found in time has to do.
            if (failedAt !== undefined && performance.now() - failedAt > SHRINK_MS) return;
            schedules++;
            try {
              const tally = await play(one);
              instants += tally.instants;
              checks += tally.checks;
              writes += tally.writes;
              compared += tally.compared;
              add(done, tally.done);
              add(looked, tally.looked);
            } catch (error) {
              if (failedAt === undefined) console.log(`not right, ${inWords(one)}\n${error}\nIt is made smaller now.`);
              failedAt ??= performance.now();
              throw error;
            }
          }),
          { numRuns: runs, seed, ...(process.env.STRATA_PATH ? { path: process.env.STRATA_PATH } : {}) },
        );
        expect(schedules).toBe(runs);
      } finally {
        const seconds = (performance.now() - begun) / 1000;
        console.log(
          `recoveries, seed ${seed}: ${schedules} schedules, ${instants} instants, ${checks} things checked, besides ${JSON.stringify(looked)}, ${compared} tests compared with what was before, ${writes} writes, done: ${JSON.stringify(done)}, ${seconds.toFixed(1)} s`,
        );
      }
    },
    SCHEDULES * PATIENCE_MS,
  );
}
