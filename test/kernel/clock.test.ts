import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DAY, ManualClock, MINUTE, RealClock, ScaledClock, SECOND } from '../../shared/kernel/clock.ts';

const START = Date.UTC(2026, 0, 1);
const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);

/** Notes when a promise has come to its end. */
function watch(promise: Promise<void>) {
  const seen = { done: false, reason: undefined as unknown };
  promise.then(
    () => (seen.done = true),
    (reason) => (seen.reason = reason),
  );
  return seen;
}

beforeEach(() => vi.useFakeTimers({ now: START }));
afterEach(() => vi.useRealTimers());

describe('the scaled clock', () => {
  it('runs so many cloud seconds in one real second', () => {
    const clock = new ScaledClock({ cloud: 0, real: START, speed: 20 });
    vi.advanceTimersByTime(3 * SECOND);
    expect(clock.now()).toBe(60 * SECOND);
  });

  it('goes on from where it is when the speed changes', () => {
    const clock = new ScaledClock({ cloud: 0, real: START, speed: 10 });
    vi.advanceTimersByTime(SECOND);
    clock.setSpeed(100);
    const atTheChange = clock.now();
    vi.advanceTimersByTime(SECOND);
    expect(atTheChange).toBe(10 * SECOND);
    expect(clock.now()).toBe(110 * SECOND);
  });

  it('tells the new anchor, from which another clock goes on after a restart', () => {
    const clock = new ScaledClock({ cloud: 0, real: START, speed: 10 });
    const onChange = vi.fn();
    clock.onChange = onChange;
    vi.advanceTimersByTime(SECOND);
    clock.setSpeed(5);
    clock.advance(MINUTE);
    vi.advanceTimersByTime(SECOND);
    const restarted = new ScaledClock(onChange.mock.calls.at(-1)?.[0]);
    expect(onChange).toHaveBeenCalledTimes(2);
    expect(restarted.now()).toBe(clock.now());
  });

  it('wakes at once whoever is due when time is advanced, and nobody else', async () => {
    const clock = new ScaledClock({ cloud: 0, real: START, speed: 1 });
    const due = watch(clock.sleepUntil(MINUTE));
    const later = watch(clock.sleepUntil(3 * MINUTE));
    clock.advance(2 * MINUTE);
    await vi.advanceTimersByTimeAsync(0);
    expect([due.done, later.done]).toEqual([true, false]);
  });

  it('wakes a sleeper earlier when it runs faster, and later when it runs slower', async () => {
    const clock = new ScaledClock({ cloud: 0, real: START, speed: 1 });
    const sleeper = watch(clock.sleepUntil(MINUTE));
    clock.setSpeed(60);
    await vi.advanceTimersByTimeAsync(SECOND / 2);
    clock.setSpeed(1);
    await vi.advanceTimersByTimeAsync(29 * SECOND);
    const before = sleeper.done;
    await vi.advanceTimersByTimeAsync(SECOND);
    expect([before, sleeper.done]).toEqual([false, true]);
  });

  it('forgets a sleeper that is aborted, and gives it the reason', async () => {
    const clock = new ScaledClock({ cloud: 0, real: START, speed: 1 });
    const stop = new AbortController();
    const sleeper = watch(clock.sleepUntil(MINUTE, stop.signal));
    stop.abort('enough');
    await vi.advanceTimersByTimeAsync(0);
    expect(sleeper).toEqual({ done: false, reason: 'enough' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('never goes backwards, whatever the machine, the speed and the operator do', () => {
    const move = fc.oneof(
      fc.record({ kind: fc.constant('machine'), by: fc.integer({ min: -100_000, max: 100_000 }) }),
      fc.record({ kind: fc.constant('speed'), by: fc.integer({ min: 1, max: 10_000 }) }),
      fc.record({ kind: fc.constant('advance'), by: fc.integer({ min: 0, max: 1_000_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        let machine = START;
        const clock = new ScaledClock({ cloud: START, real: START, speed: 1 }, () => machine);
        let last = clock.now();
        for (const { kind, by } of moves) {
          if (kind === 'machine') machine += by;
          else if (kind === 'speed') clock.setSpeed(by);
          else clock.advance(by);
          expect(clock.now()).toBeGreaterThanOrEqual(last);
          last = clock.now();
        }
      }),
      { numRuns },
    );
  });
});

describe('the manual clock', () => {
  it('wakes sleepers in the order of their times, not of their calls', async () => {
    const clock = new ManualClock(0);
    const woken: number[] = [];
    for (const at of [30, 10, 20]) clock.sleepUntil(at).then(() => woken.push(at));
    clock.advanceTo(25);
    await vi.advanceTimersByTimeAsync(0);
    expect(woken).toEqual([10, 20]);
    expect(clock.nextWake()).toBe(30);
  });

  it('does not let a sleep wait that is due already', async () => {
    const clock = new ManualClock(100);
    await clock.sleepUntil(100);
    expect(clock.nextWake()).toBeUndefined();
  });

  it('refuses to go back', () => {
    const clock = new ManualClock(100);
    expect(() => clock.advanceTo(99)).toThrow(/cannot go back/);
    expect(clock.now()).toBe(100);
  });

  it.each([
    ['while it sleeps', false],
    ['before it sleeps', true],
  ])('rejects a sleep that is aborted %s', async (_when, before) => {
    const clock = new ManualClock(0);
    const stop = new AbortController();
    if (before) stop.abort('enough');
    const sleeping = clock.sleepUntil(10, stop.signal);
    stop.abort('enough');
    await expect(sleeping).rejects.toBe('enough');
    expect(clock.nextWake()).toBeUndefined();
  });
});

it('the real clock sleeps longer than a timer of the machine can', async () => {
  const sleeper = watch(new RealClock().sleepUntil(START + 60 * DAY));
  await vi.advanceTimersByTimeAsync(60 * DAY - 1);
  const before = sleeper.done;
  await vi.advanceTimersByTimeAsync(1);
  expect([before, sleeper.done]).toEqual([false, true]);
});
