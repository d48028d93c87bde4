import { describe, expect, it } from 'vitest';
import { SECOND } from '../../shared/kernel/clock.ts';
import { GUEST_BOOT_MS, GUEST_BOOT_SPREAD_MS } from '../../shared/world/constants.ts';
import { endOf, guestServes, processState, reachesStorage, readyTime } from '../../shared/world/process.ts';
import { hostTimeline } from '../../shared/world/timeline.ts';
import { fault, process, worldHost } from './facts.ts';

const s = (seconds: number) => seconds * SECOND;
const calm = hostTimeline(worldHost(), []);

describe('a process', () => {
  it.each([
    ['is starting until its guest has booted', process(), [], 29, 'starting'],
    ['runs from then on', process(), [], 30, 'running'],
    ['is dead once it was stopped', process({ stoppedAt: s(40) }), [], 40, 'dead'],
    ['lives until it is stopped', process({ stoppedAt: s(40) }), [], 39, 'running'],
    ['is dead once its host has lost power', process(), [fault('host-power-loss', 'h1', s(50), s(51))], 50, 'dead'],
    ['does not come back with the power', process(), [fault('host-power-loss', 'h1', s(50), s(51))], 900, 'dead'],
    [
      'survives what happened before it',
      process({ startedAt: s(100), readyAt: s(130) }),
      [fault('host-power-loss', 'h1', s(1), s(2))],
      130,
      'running',
    ],
    ['has crashed from its crash on', process(), [fault('guest-crash', 'vm_1', s(60))], 60, 'crashed'],
    ['is not touched by a crash of another guest', process(), [fault('guest-crash', 'vm_2', s(60))], 60, 'running'],
    [
      'forgets the crash of an earlier process',
      process({ startedAt: s(61), readyAt: s(91) }),
      [fault('guest-crash', 'vm_1', s(60))],
      91,
      'running',
    ],
    [
      'lives through a hang that is shorter than the watchdog',
      process(),
      [fault('host-hang', 'h1', s(60), s(90))],
      90,
      'running',
    ],
    ['dies of a hang when the watchdog resets the host', process(), [fault('host-hang', 'h1', s(60))], 120, 'dead'],
  ])('%s', (_what, it, faults, at, state) => {
    expect(processState(it, hostTimeline(worldHost(), faults), faults, s(at))).toBe(state);
  });

  it('ends at whichever came first, stop or kill', () => {
    const t = hostTimeline(worldHost(), [fault('host-power-loss', 'h1', s(50))]);
    expect(endOf(process({ stoppedAt: s(40) }), t, s(99))).toBe(s(40));
    expect(endOf(process({ stoppedAt: s(60) }), t, s(99))).toBe(s(50));
    expect(endOf(process(), t, s(49))).toBeUndefined();
  });
});

describe('a guest', () => {
  it.each([
    ['serves while it runs', [], 30, true],
    ['does not serve while it boots', [], 29, false],
    ['does not serve while its host hangs, though it lives', [fault('host-hang', 'h1', s(40), s(60))], 50, false],
    ['serves again after a short hang', [fault('host-hang', 'h1', s(40), s(60))], 60, true],
    ['does not serve once it has crashed', [fault('guest-crash', 'vm_1', s(40))], 40, false],
  ])('%s', (_what, faults, at, expected) => {
    expect(guestServes(process(), hostTimeline(worldHost(), faults), faults, s(at))).toBe(expected);
  });

  it('does not reach its storage while its host is cut off from it', () => {
    const t = hostTimeline(worldHost(), [fault('storage-partition', 'h1', s(10), s(20))]);
    expect([9, 10, 19, 20].map((at) => reachesStorage(t, s(at)))).toEqual([true, false, false, true]);
    expect(reachesStorage(calm, s(10))).toBe(true);
  });

  it('boots in a time that follows from its VM and epoch alone, within the spread', () => {
    const times = Array.from({ length: 50 }, (_, epoch) => readyTime('vm_1', epoch, s(7)));
    expect(times).toEqual(Array.from({ length: 50 }, (_, epoch) => readyTime('vm_1', epoch, s(7))));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(s(7) + GUEST_BOOT_MS);
    expect(Math.max(...times)).toBeLessThan(s(7) + GUEST_BOOT_MS + GUEST_BOOT_SPREAD_MS);
    expect(new Set(times).size).toBeGreaterThan(40);
  });
});
