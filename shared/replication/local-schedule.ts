import { Refused } from '../hypervisor/refusal.ts';
import { type Zone, zoneOf } from '../kernel/local-time.ts';

/** A run every day at a time of the wall clock, such as 02:30 in Europe/Berlin. */
export interface DailySchedule {
  hour: number;
  minute: number;
  /** IANA name of the time zone. */
  zone: string;
}

/**
 * The first run after an instant, ms. One run for each day: in the hour that daylight saving skips it is one hour later
 * (I10), and in the hour that comes twice it is in the first of the two.
 * @throws `Refused` DR-5 when the time of day or the zone does not exist
 */
export function nextRun(schedule: DailySchedule, after: number): number {
  const zone = mustBe(schedule);
  const today = zone.at(after);
  for (let days = 0; ; days++) {
    const run = zone.instant({ ...today, day: today.day + days, hour: schedule.hour, minute: schedule.minute });
    if (run > after) return run;
  }
}

function mustBe(schedule: DailySchedule): Zone {
  const { hour, minute, zone } = schedule;
  const refuse = (reason: string, fix: string) =>
    new Refused({ rule: 'DR-5', reason, fix, figures: { hour, minute, zone } });
  const within = (value: number, below: number) => Number.isInteger(value) && value >= 0 && value < below;
  if (!within(hour, 24) || !within(minute, 60))
    throw refuse(`there is no ${hour}:${minute} on a clock`, 'choose 0:00 to 23:59');
  const found = zoneOf(zone);
  if (!found) throw refuse(`there is no time zone '${zone}'`, 'give an IANA name such as Europe/Berlin');
  return found;
}
