import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PreCopyInput, planPreCopy } from '../../../shared/hypervisor/migration/precopy.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const MANY_ROUNDS = 10_000;
const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
const near = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

/** Any migration without auto-converge. */
const anyMigration: fc.Arbitrary<PreCopyInput> = fc.record({
  memoryMiB: fc.integer({ min: 1, max: 1_048_576 }),
  dirtyMiBps: fc.double({ min: 0, max: 4000, noNaN: true }),
  bandwidthMiBps: fc.double({ min: 1, max: 4000, noNaN: true }),
  allowedDowntimeMs: fc.integer({ min: 0, max: 3000 }),
  maxRounds: fc.integer({ min: 1, max: 60 }),
});
const autoConverge = fc.constantFrom(undefined, {}, { initialPercent: 40, incrementPercent: 20, maxPercent: 80 });

describe('pre-copy (MIG-3, MIG-4): the worked examples', () => {
  it('H1 (Clark et al. 2005, algorithm 4): 8192 MiB at 100 of 1000 MiB/s take two rounds, 81.92 ms of downtime and 9.09312 s', () => {
    const plan = planPreCopy({ memoryMiB: 8192, dirtyMiBps: 100, bandwidthMiBps: 1000, allowedDowntimeMs: 300 });
    expect(plan.outcome).toBe('completed');
    expect(plan.rounds.map((r) => r.seconds)).toEqual([8.192, 0.8192]);
    expect(plan.remainderMiB).toBeCloseTo(81.92, 9);
    expect(plan.downtimeMs).toBeCloseTo(81.92, 9);
    expect(plan.totalSeconds).toBeCloseTo(9.09312, 9);
    expect(plan.sentMiB).toBeCloseTo(9093.12, 8);
  });

  it('H2 (defaults of QEMU migration): 4096 MiB at 64 of 128 MiB/s take seven rounds, 0.25 s of downtime and 63.75 s', () => {
    const plan = planPreCopy({ memoryMiB: 4096, dirtyMiBps: 64 });
    expect(plan).toMatchObject({
      outcome: 'completed',
      remainderMiB: 32,
      downtimeMs: 250,
      totalSeconds: 63.75,
      sentMiB: 8160,
      bandwidthMiBps: 128,
    });
    expect(plan.rounds.map((r) => r.seconds)).toEqual([32, 16, 8, 4, 2, 1, 0.5]);
  });
});

describe('pre-copy (MIG-3, MIG-4): what always holds', () => {
  it('takes the time of the closed form while lambda < 1, and then always ends within the downtime', () => {
    const converging = fc.record({
      memoryMiB: fc.integer({ min: 1, max: 1_048_576 }),
      lambda: fc.double({ min: 0.01, max: 0.95, noNaN: true }),
      bandwidthMiBps: fc.double({ min: 10, max: 4000, noNaN: true }),
      allowedDowntimeMs: fc.integer({ min: 1, max: 3000 }),
    });
    fc.assert(
      fc.property(converging, ({ lambda, ...input }) => {
        const plan = planPreCopy({ ...input, dirtyMiBps: lambda * input.bandwidthMiBps, maxRounds: MANY_ROUNDS });
        const whole = input.memoryMiB / input.bandwidthMiBps;
        const n = plan.rounds.length;
        expect(plan.outcome).toBe('completed');
        expect(near(plan.totalSeconds, (whole * (1 - lambda ** (n + 1))) / (1 - lambda))).toBe(true);
        expect(near(plan.downtimeMs, whole * lambda ** n * 1000)).toBe(true);
      }),
      { numRuns },
    );
  });

  it('completes only within the allowed downtime; else the VM is never paused and reason and advice are given', () => {
    fc.assert(
      fc.property(anyMigration, autoConverge, fc.integer({ min: 0, max: 100 }), (input, converge, resumeMs) => {
        const plan = planPreCopy({ ...input, resumeMs, ...(converge && { autoConverge: converge }) });
        if (plan.outcome === 'completed') {
          expect(plan.downtimeMs).toBeLessThanOrEqual(input.allowedDowntimeMs as number);
          expect(plan).not.toHaveProperty('reason');
        } else {
          expect(plan.rounds).toHaveLength(input.maxRounds as number);
          expect(plan).toMatchObject({ downtimeMs: 0, reason: expect.any(String), advice: expect.any(Object) });
        }
      }),
      { numRuns },
    );
  });

  it('sends all memory at least once, as far as it is not zeros and after compression; seconds and bytes add up', () => {
    const options = fc.record({
      compressionRatio: fc.double({ min: 0.1, max: 1.1, noNaN: true }),
      zeroShare: fc.double({ min: 0, max: 1, noNaN: true }),
      resumeMs: fc.integer({ min: 0, max: 50 }),
    });
    fc.assert(
      fc.property(anyMigration, options, (input, { zeroShare, ...rest }) => {
        const zeroPagesMiB = Math.floor(input.memoryMiB * zeroShare);
        const plan = planPreCopy({ ...input, ...rest, zeroPagesMiB });
        const content = (input.memoryMiB - zeroPagesMiB) * rest.compressionRatio;
        expect(plan.sentMiB).toBeGreaterThanOrEqual(content * (1 - 1e-12));
        const resumeSeconds = plan.outcome === 'completed' ? rest.resumeMs / 1000 : 0;
        expect(near(plan.sentMiB, (plan.totalSeconds - resumeSeconds) * plan.bandwidthMiBps)).toBe(true);
        expect(near(plan.totalSeconds, sum(plan.rounds.map((r) => r.seconds)) + plan.downtimeMs / 1000)).toBe(true);
      }),
      { numRuns },
    );
  });

  it('never has more left after a round than the guest can dirty', () => {
    fc.assert(
      fc.property(anyMigration, fc.double({ min: 0, max: 1, noNaN: true }), (input, share) => {
        const writableWorkingSetMiB = input.memoryMiB * share;
        const plan = planPreCopy({ ...input, writableWorkingSetMiB });
        for (const { sentMiB } of plan.rounds.slice(1)) expect(sentMiB).toBeLessThanOrEqual(writableWorkingSetMiB);
        if (plan.rounds.length > 0) expect(plan.remainderMiB).toBeLessThanOrEqual(writableWorkingSetMiB);
      }),
      { numRuns },
    );
  });
});

describe('pre-copy (MIG-3): more bandwidth and more writes', () => {
  it('more bandwidth never needs more rounds nor longer, and never loses a success', () => {
    fc.assert(
      fc.property(anyMigration, fc.double({ min: 1, max: 5, noNaN: true }), (input, factor) => {
        const slow = planPreCopy(input);
        const fast = planPreCopy({ ...input, bandwidthMiBps: (input.bandwidthMiBps as number) * factor });
        expect(fast.rounds.length).toBeLessThanOrEqual(slow.rounds.length);
        if (slow.outcome === 'not-converged') return;
        expect(fast.outcome).toBe('completed');
        expect(fast.totalSeconds).toBeLessThanOrEqual(slow.totalSeconds * (1 + 1e-12));
        if (fast.rounds.length === slow.rounds.length)
          expect(fast.downtimeMs).toBeLessThanOrEqual(slow.downtimeMs * (1 + 1e-12));
      }),
      { numRuns },
    );
  });

  it('more bandwidth can make the downtime longer, by stopping a round earlier: 282 ms at 299 MiB/s, 700 ms at 300', () => {
    const at = (bandwidthMiBps: number) =>
      planPreCopy({ memoryMiB: 210, dirtyMiBps: 120, bandwidthMiBps, allowedDowntimeMs: 700 });
    expect(at(299).rounds).toHaveLength(1);
    expect(at(300).rounds).toHaveLength(0);
    expect(at(299).downtimeMs).toBeCloseTo((210 / 299) * (120 / 299) * 1000, 9);
    expect(at(300).downtimeMs).toBeCloseTo(700, 9);
  });

  it('more writes never make the copying shorter, and never turn a failure into a success', () => {
    fc.assert(
      fc.property(anyMigration, fc.double({ min: 1, max: 5, noNaN: true }), (input, factor) => {
        const calm = planPreCopy(input);
        const busy = planPreCopy({ ...input, dirtyMiBps: input.dirtyMiBps * factor });
        const copying = (plan: typeof calm) => sum(plan.rounds.map((r) => r.seconds));
        expect(copying(busy)).toBeGreaterThanOrEqual(copying(calm) * (1 - 1e-12));
        if (busy.outcome === 'not-converged') return;
        expect(calm.outcome).toBe('completed');
        expect(busy.totalSeconds).toBeGreaterThanOrEqual(calm.totalSeconds * (1 - 1e-12));
      }),
      { numRuns },
    );
  });

  it('uses the slower of the link and all its streams together', () => {
    const at = (streams: number) =>
      planPreCopy({ memoryMiB: 4096, dirtyMiBps: 0, bandwidthMiBps: 1000, streams, streamMiBps: 300 }).bandwidthMiBps;
    expect([1, 2, 3, 4].map(at)).toEqual([300, 600, 900, 1000]);
  });
});

describe('pre-copy (MIG-4): a migration that does not converge', () => {
  const hopeless = { memoryMiB: 4096, dirtyMiBps: 200, bandwidthMiBps: 128, maxRounds: 5 };

  it('says what is left, and what bandwidth, dirty rate or downtime would do', () => {
    const plan = planPreCopy(hopeless);
    expect(plan).toMatchObject({ outcome: 'not-converged', remainderMiB: 4096, totalSeconds: 160, sentMiB: 20_480 });
    expect(plan.reason).toBe(
      'After 5 rounds 4096 MiB are left: a pause of 32000 ms at 128 MiB/s, 300 ms are allowed. ' +
        'Writes of 200 MiB/s take 156.3 % of the bandwidth: the copy never catches up.',
    );
    expect(plan.advice?.allowedPauseMs).toBe(32_000);
  });

  it('follows every piece of its advice with success; one step less would not have done', () => {
    fc.assert(
      fc.property(anyMigration, autoConverge, (given, converge) => {
        const input = { ...given, ...(converge && { autoConverge: converge }) };
        const { advice } = planPreCopy(input);
        if (!advice) return;
        const outcomeWith = (change: Partial<PreCopyInput>) => planPreCopy({ ...input, ...change }).outcome;
        expect(outcomeWith({ allowedDowntimeMs: advice.allowedPauseMs })).toBe('completed');
        expect(outcomeWith({ allowedDowntimeMs: advice.allowedPauseMs - 1 })).toBe('not-converged');
        const { bandwidthMiBps, dirtyMiBps } = advice;
        // The first round alone empties the memory of a guest that writes nothing.
        expect(dirtyMiBps).toBeDefined();
        expect(outcomeWith({ dirtyMiBps: dirtyMiBps as number })).toBe('completed');
        if ((input.allowedDowntimeMs as number) > 0) expect(bandwidthMiBps).toBeDefined();
        if (bandwidthMiBps !== undefined) expect(outcomeWith({ bandwidthMiBps })).toBe('completed');
        if (converge) return;
        expect(outcomeWith({ dirtyMiBps: (dirtyMiBps as number) + 1 })).toBe('not-converged');
        if (bandwidthMiBps !== undefined && bandwidthMiBps > 1)
          expect(outcomeWith({ bandwidthMiBps: bandwidthMiBps - 1 })).toBe('not-converged');
      }),
      { numRuns },
    );
  });

  it('has no bandwidth to advise when the resume alone takes longer than is allowed', () => {
    const plan = planPreCopy({ ...hopeless, allowedDowntimeMs: 100, resumeMs: 150 });
    expect(plan.advice).toEqual({ allowedPauseMs: 32_150 });
  });
});

describe('auto-converge (MIG-4, QEMU)', () => {
  const busy = { memoryMiB: 4096, dirtyMiBps: 200, bandwidthMiBps: 128, autoConverge: {} };

  it('takes 20 % after two rounds above half of what was sent, then 10 % more after every two, until the copy catches up', () => {
    const plan = planPreCopy(busy);
    const throttle = plan.rounds.map((r) => r.throttlePercent);
    expect(throttle.slice(0, 9)).toEqual([0, 0, 20, 20, 30, 30, 40, 40, 50]);
    expect(plan.outcome).toBe('completed');
    expect(planPreCopy({ ...busy, autoConverge: undefined }).outcome).toBe('not-converged');
    for (const r of plan.rounds) expect(r.dirtyRateMiBps).toBeCloseTo(200 * (1 - r.throttlePercent / 100), 9);
  });

  it('never goes above its most, and tells the CPU time that the guest lost', () => {
    const plan = planPreCopy({ ...busy, dirtyMiBps: 50_000, maxRounds: 40, autoConverge: { maxPercent: 45 } });
    expect(Math.max(...plan.rounds.map((r) => r.throttlePercent))).toBe(45);
    expect(plan.lostCpuSeconds).toBeCloseTo(sum(plan.rounds.map((r) => (r.seconds * r.throttlePercent) / 100)), 9);
    expect(plan.lostCpuSeconds).toBeGreaterThan(0);
  });

  it('leaves a guest alone that dirties at most half of what is sent: H2 as it was', () => {
    const given = { memoryMiB: 4096, dirtyMiBps: 64 };
    expect(planPreCopy({ ...given, autoConverge: {} })).toEqual(planPreCopy(given));
  });
});

describe('pre-copy refuses', () => {
  const good = { memoryMiB: 4096, dirtyMiBps: 64 };
  it.each<[string, Partial<PreCopyInput>]>([
    ['no memory', { memoryMiB: 0 }],
    ['negative writes', { dirtyMiBps: -1 }],
    ['no bandwidth', { bandwidthMiBps: 0 }],
    ['streams that carry nothing', { streamMiBps: 0 }],
    ['part of a stream', { streams: 1.5 }],
    ['no number', { bandwidthMiBps: Number.NaN }],
    ['no rounds', { maxRounds: 0 }],
    ['more rounds than can be planned', { maxRounds: 10_001 }],
    ['negative downtime', { allowedDowntimeMs: -1 }],
    ['more zeros than memory', { zeroPagesMiB: 4097 }],
    ['a working set larger than memory', { writableWorkingSetMiB: 4097 }],
    ['compression to nothing', { compressionRatio: 0 }],
  ])('%s (MIG-3)', (_what, bad) => {
    expect(() => planPreCopy({ ...good, ...bad })).toThrow(/MIG-3/);
  });

  it.each([{ initialPercent: 100 }, { maxPercent: 10, initialPercent: 20 }, { incrementPercent: -1 }])(
    'auto-converge of %o (MIG-4)',
    (autoConverge) => {
      expect(() => planPreCopy({ ...good, autoConverge })).toThrow(/MIG-4/);
    },
  );
});
