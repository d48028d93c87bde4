import { describe, expect, it } from 'vitest';
import { SECOND } from '../../shared/kernel/clock.ts';
import { troubleOf } from '../../shared/world/agent/guests.ts';
import { guestServes, processState, seenState } from '../../shared/world/process.ts';
import { hostTimeline } from '../../shared/world/timeline.ts';
import { fault, machine, process, worldHost } from './facts.ts';

const s = (seconds: number) => seconds * SECOND;
const crash = (at: number) => fault('guest-crash', 'vm_1', s(at));
const hang = (at: number, until?: number) => fault('guest-hang', 'vm_1', s(at), until === undefined ? until : s(until));
const noDriver = { machine: machine({ guest: { os: 'linux', pvDriver: false } }) };

describe('a guest that hangs', () => {
  it.each([
    ['stands still while the fault lasts', [hang(60, 90)], 89, 'hung'],
    ['goes on by itself when it ends', [hang(60, 90)], 90, 'running'],
    ['boots first', [hang(20)], 29, 'starting'],
    ['is crashed if it crashes too, also after the hang', [hang(60, 90), crash(70)], 95, 'crashed'],
  ])('%s', (_what, faults, at, state) => {
    const line = hostTimeline(worldHost(), faults);
    expect(processState(process(), line, faults, s(at))).toBe(state);
    expect(guestServes(process(), line, faults, s(at))).toBe(state === 'running');
    expect(seenState(process(), line, faults, s(at))).toBe(state === 'hung' ? 'running' : state);
  });

  it('is cured by a new process, and comes along with one that moves', () => {
    const faults = [hang(60)];
    const line = hostTimeline(worldHost(), faults);
    const anew = process({ startedAt: s(70), readyAt: s(100) });
    expect(processState(anew, line, faults, s(100))).toBe('running');
    expect(processState({ ...anew, guestSince: 0 }, line, faults, s(100))).toBe('hung');
  });
});

describe('what a host tells of a guest', () => {
  const told = (faults: ReturnType<typeof fault>[], at: number, fields: object = {}) => {
    const found = troubleOf(process(fields), hostTimeline(worldHost(), faults), faults, s(at));
    return found && [found.state, found.since / SECOND];
  };
  it.each([
    ['nothing while it works', [], 60, {}, undefined],
    ['a crash at once', [crash(60)], 60, {}, ['crashed', 60]],
    ['a crash also without a driver: the VMM sees it', [crash(60)], 60, noDriver, ['crashed', 60]],
    ['a crash at boot, once it would serve', [crash(10)], 30, {}, ['crashed', 30]],
    ['nothing of one that boots', [crash(10)], 29, {}, undefined],
    ['no hang before it was silent for 30 s', [hang(60)], 89, {}, undefined],
    ['a hang from then on', [hang(60)], 90, {}, ['hung', 60]],
    ['a hang of several faults without a gap as one', [hang(60, 80), hang(80, 200)], 90, {}, ['hung', 60]],
    ['no hang that is over', [hang(60, 100)], 100, {}, undefined],
    ['no hang without a driver: it has no heartbeat', [hang(60)], 500, noDriver, undefined],
    ['silence after boot from the end of the boot on', [hang(10)], 59, {}, undefined],
    ['... and no longer', [hang(10)], 60, {}, ['hung', 30]],
    [
      'silence that came along, from where it began',
      [hang(60)],
      90,
      { startedAt: s(80), readyAt: s(81), guestSince: 0 },
      ['hung', 60],
    ],
    ['nothing of a process that was stopped', [crash(60)], 70, { stoppedAt: s(65) }, undefined],
    ['nothing of what an order to stop has left', [crash(60)], 70, { machine: undefined }, undefined],
  ])('%s', (_what, faults, at, fields, expected) => {
    expect(told(faults, at, fields)).toEqual(expected);
  });
});
