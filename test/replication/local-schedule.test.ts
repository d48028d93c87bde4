import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import { HOUR } from '../../shared/kernel/clock.ts';
import { zoneOf } from '../../shared/kernel/local-time.ts';
import { nextRun } from '../../shared/replication/local-schedule.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const berlin = (hour: number, minute: number) => ({ hour, minute, zone: 'Europe/Berlin' });
const runs = (schedule: Parameters<typeof nextRun>[0], after: string, count: number): string[] => {
  const zone = zoneOf(schedule.zone);
  let at = Date.parse(after);
  return Array.from({ length: count }, () => {
    at = nextRun(schedule, at);
    const l = zone?.at(at);
    return `${l?.day}. ${String(l?.hour).padStart(2, '0')}:${String(l?.minute).padStart(2, '0')} ${new Date(at).toISOString().slice(11, 16)}Z`;
  });
};

it('I10 (Huawei eReplication help): in the hour that daylight saving skips, 02:30 runs at 03:30, once, and at 02:30 again the day after', () => {
  expect(runs(berlin(2, 30), '2026-03-27T12:00:00Z', 3)).toEqual([
    '28. 02:30 01:30Z',
    '29. 03:30 01:30Z',
    '30. 02:30 00:30Z',
  ]);
});

it('in the hour that comes twice, a schedule runs once, in the first of the two', () => {
  expect(runs(berlin(2, 30), '2026-10-23T12:00:00Z', 3)).toEqual([
    '24. 02:30 00:30Z',
    '25. 02:30 00:30Z',
    '26. 02:30 01:30Z',
  ]);
});

it('the run of a skipped hour and another schedule of the hour after it are at the same time', () => {
  expect(runs(berlin(3, 30), '2026-03-28T12:00:00Z', 1)).toEqual(runs(berlin(2, 30), '2026-03-28T12:00:00Z', 1));
});

it('the run at the very instant that is asked about has been: the next one is after it', () => {
  const first = nextRun(berlin(0, 0), Date.parse('2026-05-01T00:00:00Z'));
  expect(nextRun(berlin(0, 0), first) - first).toBe(24 * HOUR);
  expect(nextRun(berlin(0, 0), first - 1)).toBe(first);
});

it('every day has its run, at its time of the clock or, where that is skipped, one hour later: 23 to 25 hours apart', () => {
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Shanghai', 'America/Santiago');
  fc.assert(
    fc.property(zones, fc.nat(23), fc.nat(59), fc.nat(15_000), (zone, hour, minute, day) => {
      const first = nextRun({ hour, minute, zone }, Date.UTC(1990, 0, day));
      const second = nextRun({ hour, minute, zone }, first);
      expect(Math.abs(second - first - 24 * HOUR)).toBeLessThanOrEqual(HOUR);
      const shown = zoneOf(zone)?.at(second);
      expect(shown?.minute).toBe(minute);
      expect([hour, (hour + 1) % 24]).toContain(shown?.hour);
    }),
    { numRuns },
  );
});

it('a time or a zone that does not exist is refused', () => {
  expect(() => nextRun(berlin(24, 0), 0)).toThrow(Refused);
  expect(() => nextRun(berlin(2.5, 0), 0)).toThrow(Refused);
  expect(() => nextRun({ hour: 1, minute: 0, zone: 'Mars/Olympus' }, 0)).toThrow(/Mars/);
});
