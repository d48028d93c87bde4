import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planPreCopy } from '../../../shared/hypervisor/migration/precopy.ts';
import { progressAt } from '../../../shared/hypervisor/migration/progress.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);

describe('the progress of a migration (MIG-2)', () => {
  const h2 = planPreCopy({ memoryMiB: 4096, dirtyMiBps: 64, resumeMs: 10 });

  it.each([
    [-1, { round: 1, sentMiB: 0, phase: 'copying', percent: 0 }],
    [0, { round: 1, sentMiB: 0, phase: 'copying', percent: 0 }],
    [31.9, { round: 1, phase: 'copying' }],
    [32, { round: 2, sentMiB: 4096, phase: 'copying' }],
    [63.4, { round: 7, phase: 'copying' }],
    [63.5, { round: 7, sentMiB: 8128, phase: 'paused' }],
    [63.755, { round: 7, sentMiB: 8160, phase: 'paused' }],
    [63.76, { round: 7, sentMiB: 8160, phase: 'done', percent: 100 }],
    [1e9, { round: 7, sentMiB: 8160, phase: 'done', percent: 100 }],
  ])('H2 after %d s is %o', (seconds, expected) => {
    expect(progressAt(h2, seconds)).toMatchObject(expected);
  });

  it('of a migration that does not converge never is a pause', () => {
    const plan = planPreCopy({ memoryMiB: 4096, dirtyMiBps: 200, maxRounds: 3 });
    const phases = Array.from({ length: 200 }, (_, s) => progressAt(plan, s).phase);
    expect(new Set(phases)).toEqual(new Set(['copying', 'done']));
  });

  it('never goes back, and the pause is as long as the downtime', () => {
    const migration = fc.record({
      memoryMiB: fc.integer({ min: 1, max: 65_536 }),
      dirtyMiBps: fc.integer({ min: 0, max: 300 }),
      resumeMs: fc.integer({ min: 0, max: 100 }),
      part: fc.array(fc.double({ min: 0, max: 1.1, noNaN: true }), { minLength: 2, maxLength: 20 }),
    });
    fc.assert(
      fc.property(migration, ({ part, ...input }) => {
        const plan = planPreCopy(input);
        const order = ['copying', 'paused', 'done'];
        const seen = [...part].sort((a, b) => a - b).map((p) => progressAt(plan, p * plan.totalSeconds));
        for (const [i, now] of seen.entries()) {
          const before = seen[i - 1];
          expect(now.sentMiB).toBeLessThanOrEqual(plan.sentMiB);
          if (!before) continue;
          expect(now.sentMiB).toBeGreaterThanOrEqual(before.sentMiB);
          expect(now.percent).toBeGreaterThanOrEqual(before.percent);
          expect(now.round).toBeGreaterThanOrEqual(before.round);
          expect(order.indexOf(now.phase)).toBeGreaterThanOrEqual(order.indexOf(before.phase));
        }
        if (plan.downtimeMs < 0.001) return;
        const pauseBegins = plan.totalSeconds - plan.downtimeMs / 1000;
        expect(progressAt(plan, pauseBegins + 1e-6 * (plan.downtimeMs / 1000)).phase).not.toBe('done');
        expect(progressAt(plan, pauseBegins + (plan.downtimeMs / 1000) * 0.5).phase).toBe('paused');
        if (plan.rounds.length > 0) expect(progressAt(plan, pauseBegins * (1 - 1e-6)).phase).toBe('copying');
      }),
      { numRuns },
    );
  });
});
