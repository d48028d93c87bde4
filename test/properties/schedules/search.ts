import fc from 'fast-check';
import { expect, it } from 'vitest';
import { play } from './play.ts';
import { inWords, schedule } from './schedule.ts';

/** Random schedules per run. The continuous integration asks for many more than a quick test run. */
const SCHEDULES = Number(process.env.STRATA_SCHEDULES ?? 10);
const SEED = Number(process.env.STRATA_SEED ?? 7);
/** Machine time for one schedule at the very most, ms. Reaching it is a failure. */
const PATIENCE_MS = 120_000;

/** Machine time that is spent on making a schedule that failed smaller, ms. */
const SHRINK_MS = 90_000;

/** One part of the search: its schedules begin at a seed of their own, so that parts can be played side by side. */
export function searchSchedules(part: number, parts: number): void {
  const runs = Math.ceil(SCHEDULES / parts);
  const seed = SEED + part;
  it(
    `${runs} random fault schedules (seed ${seed}): at every instant no VM runs twice, no fenced host runs anything, ledgers add up and nothing is forgotten`,
    async () => {
      const [begun, cpu] = [performance.now(), process.cpuUsage()];
      let [schedules, instants, checks] = [0, 0, 0];
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
        const busy = process.cpuUsage(cpu).user / 1_000_000;
        console.log(
          `fault schedules, seed ${seed}: ${schedules} played, ${instants} instants, ${checks} things checked, ${seconds.toFixed(1)} s (${busy.toFixed(1)} s of one core)`,
        );
      }
    },
    SCHEDULES * PATIENCE_MS,
  );
}
