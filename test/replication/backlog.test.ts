import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import { type Phase, replicated, secondsToDrain } from '../../shared/replication/backlog.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const phase = (seconds: number, writeMBps: number, linkMBps: number): Phase => ({ seconds, writeMBps, linkMBps });

describe('I4 (derived): 80 MB/s written, 50 MB/s carried, for 600 s', () => {
  const burst = phase(600, 80, 50);

  it('leaves a backlog of 18 000 MB', () => {
    expect(replicated([burst], 600)).toMatchObject({ writtenMB: 48_000, sentMB: 30_000, backlogMB: 18_000 });
  });
  it.each([
    [20, 600],
    [0, 360],
  ])('at %d MB/s written after it, the backlog is empty after %d s, and not before', (write, seconds) => {
    expect(secondsToDrain(18_000, write, 50)).toBe(seconds);
    const phases = [burst, phase(1000, write, 50)];
    expect(replicated(phases, 600 + seconds)).toMatchObject({ backlogMB: 0, achievedRpoSeconds: 0 });
    expect(replicated(phases, 600 + seconds - 1).backlogMB).toBe(50 - write);
  });
  it('the achieved RPO is the age of the oldest write that is not replicated, 225 s: not backlog / link rate, 360 s', () => {
    // 30 000 MB have been sent; the write after them was committed at 30 000 / 80 = 375 s.
    expect(replicated([burst], 600).achievedRpoSeconds).toBe(225);
    // While it drains, later writes grow old too: at 900 s 45 000 MB are sent, committed at 562.5 s.
    expect(replicated([burst, phase(600, 20, 50)], 900).achievedRpoSeconds).toBe(337.5);
  });
});

it('a link that does not carry more than is written never drains; without a backlog there is nothing to drain', () => {
  expect(secondsToDrain(1, 50, 50)).toBe(Number.POSITIVE_INFINITY);
  expect(secondsToDrain(0, 50, 10)).toBe(0);
});

it('a link that is down: the RPO is the time since the first write that it did not carry, also after a long silence', () => {
  const phases = [phase(100, 10.1, 10.1), phase(7200, 0, 10.1), phase(60, 10.1, 0), phase(600, 0, 0)];
  expect(replicated(phases, 7300).achievedRpoSeconds).toBe(0);
  expect(replicated(phases, 7330).achievedRpoSeconds).toBeCloseTo(30, 6);
  expect(replicated(phases, 7960).achievedRpoSeconds).toBeCloseTo(660, 6);
});

const wholePhases = fc.array(
  fc.record({ seconds: fc.integer({ min: 1, max: 12 }), writeMBps: fc.nat(9), linkMBps: fc.nat(9) }),
  { minLength: 1, maxLength: 8 },
);

describe('the closed form', () => {
  it('equals a queue that is worked off second by second, MB by MB', () => {
    fc.assert(
      fc.property(wholePhases, (phases) => {
        const seconds = phases.flatMap((p) => Array.from({ length: p.seconds }, () => p));
        // With whole rates every MB has its own second, or part of it: k of n MB of a second are committed at k / n.
        const queue: number[] = [];
        let written = 0;
        seconds.forEach((p, now) => {
          for (let k = 0; k < p.writeMBps; k++) queue.push(now + k / p.writeMBps);
          written += p.writeMBps;
          queue.splice(0, p.linkMBps);
          const view = replicated(phases, now + 1);
          expect(view.backlogMB).toBe(queue.length);
          expect(view.writtenMB).toBe(written);
          expect(view.sentMB).toBe(written - queue.length);
          expect(view.achievedRpoSeconds).toBeCloseTo(queue.length === 0 ? 0 : now + 1 - (queue[0] as number), 9);
        });
      }),
      { numRuns },
    );
  });

  it('neither loses nor invents data, and grows old no faster than time, for any rates', () => {
    const any = fc.double({ min: 0, max: 1000, noNaN: true });
    const phases = fc.array(
      fc.record({ seconds: fc.double({ min: 0.1, max: 5000, noNaN: true }), writeMBps: any, linkMBps: any }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(phases, fc.double({ min: 0, max: 1, noNaN: true }), (list, part) => {
        const end = list.reduce((sum, p) => sum + p.seconds, 0);
        const t = end * part;
        const [mid, last] = [replicated(list, t), replicated(list, end)];
        const scale = 1 + last.writtenMB;
        expect(Math.abs(mid.writtenMB - mid.sentMB - mid.backlogMB) / scale).toBeLessThan(1e-9);
        expect(mid.backlogMB).toBeGreaterThanOrEqual(0);
        expect(mid.achievedRpoSeconds).toBeGreaterThanOrEqual(0);
        expect(mid.achievedRpoSeconds).toBeLessThanOrEqual(t);
        expect(last.sentMB).toBeGreaterThanOrEqual(mid.sentMB - 1e-9 * scale);
        expect(last.achievedRpoSeconds - mid.achievedRpoSeconds).toBeLessThanOrEqual(end - t + 1e-6);
      }),
      { numRuns },
    );
  });
});

it('rates below zero, and instants at which no rate is known, are refused', () => {
  expect(() => replicated([phase(1, -1, 0)], 0)).toThrow(Refused);
  expect(() => replicated([phase(1, 1, Number.NaN)], 0)).toThrow(Refused);
  expect(() => replicated([phase(1, 1, 1)], 2)).toThrow(Refused);
  expect(() => secondsToDrain(-1, 1, 2)).toThrow(Refused);
});
