import { DAY, MINUTE } from './clock.ts';

/** What a wall clock shows. Months count from 1. */
export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}

/** Wall clocks of one IANA time zone, such as Europe/Berlin, by the machine's own tables. */
export interface Zone {
  name: string;
  /** What the wall clock shows at an instant, ms. */
  at(instant: number): LocalTime;
  /**
   * The instant, ms, at which the wall clock shows this. A time that the clock skips in spring is moved on by as much
   * as is skipped (02:30 becomes 03:30); of a time that it shows twice in autumn it is the first one.
   */
  instant(local: LocalTime): number;
}

/** Milliseconds that a clock of UTC would show for these figures; days and months may run over. */
const asUtc = (t: LocalTime): number => Date.UTC(t.year, t.month - 1, t.day, t.hour, t.minute);

/** The time zone of this name, or undefined when the tables do not know it. */
export function zoneOf(name: string): Zone | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
  } catch {
    return undefined;
  }
  const at = (instant: number): LocalTime => {
    const figures = Object.fromEntries(format.formatToParts(instant).map((p) => [p.type, Number(p.value)]));
    const { year, month, day, hour, minute } = figures as unknown as LocalTime;
    return { year, month, day, hour, minute };
  };
  const ahead = (instant: number): number => asUtc(at(instant)) - Math.floor(instant / MINUTE) * MINUTE;
  const instant = (local: LocalTime): number => {
    const wanted = asUtc(local);
    // A day before and after, so that one change of the clocks lies between the two at most.
    const [before, after] = [ahead(wanted - DAY), ahead(wanted + DAY)];
    const shown = [wanted - before, wanted - after].filter((i) => asUtc(at(i)) === wanted);
    return shown.length > 0 ? Math.min(...shown) : wanted - before;
  };
  return { name, at, instant };
}
