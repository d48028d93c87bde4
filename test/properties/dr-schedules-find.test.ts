import fc from 'fast-check';
import { expect, it } from 'vitest';
import { play } from './dr-schedules/play.ts';
import { SABOTAGES } from './dr-schedules/sabotage.ts';
import { schedule } from './dr-schedules/schedule.ts';

/** Schedules within which each fault of the product has to be found. */
const MOST = 10;
const PATIENCE_MS = 300_000;

it.each(SABOTAGES.map((make) => [make().name, make] as const))(
  `where %s, the search finds it within ${MOST} schedules, and says what it is`,
  async (name, make) => {
    let played = 0;
    for (const one of fc.sample(schedule, { seed: 11, numRuns: MOST })) {
      played++;
      const sabotage = make();
      try {
        await play(one, { sabotage });
      } catch (error) {
        console.log(`${name}: found in schedule ${played}`);
        expect((error as Error).message).toMatch(sabotage.found);
        return;
      }
    }
    expect.fail(`${played} schedules were played, and none found it`);
  },
  PATIENCE_MS,
);
