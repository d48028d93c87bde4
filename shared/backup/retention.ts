import { Refused } from '../hypervisor/refusal.ts';
import { DAY } from '../kernel/clock.ts';
import { type LocalTime, zoneOf } from '../kernel/local-time.ts';

/** BKP-9, algorithm 6: which restore points are kept. The rule is the Proxmox Backup Server's. */
export interface RetentionPolicy {
  /** The newest points. */
  last?: number;
  /** The newest point of so many hours, days, ISO weeks, months, years that no earlier rule covers. */
  hourly?: number;
  daily?: number;
  weekly?: number;
  monthly?: number;
  yearly?: number;
}
export type RetentionRule = keyof RetentionPolicy;

export interface RetentionPoint {
  id: string;
  /** When the point was made, ms. */
  at: number;
}
export interface Retained<P> {
  point: P;
  /** The rule that keeps it; undefined when it is removed. Without any rule every point is kept. */
  keep: RetentionRule | 'no rule' | undefined;
}

/** The order in which the rules are applied (BKP-9). */
const RULES: readonly RetentionRule[] = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'];

/**
 * What becomes of each point, the newest first. Periods are those of wall clocks in the zone: the hour that comes twice
 * in autumn is one period.
 * @throws `Refused` BKP-9 when a number is not whole or below zero, the zone is unknown, or two points share an id
 */
export function retain<P extends RetentionPoint>(
  points: readonly P[],
  policy: RetentionPolicy,
  zone: string,
): Retained<P>[] {
  const wall = mustBe(points, policy, zone);
  const sorted = [...points].sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1));
  const local = new Map(sorted.map((p) => [p.id, wall.at(p.at)]));
  const rules = RULES.filter((rule) => (policy[rule] ?? 0) > 0);
  const marks = new Map<string, Retained<P>['keep']>();
  for (const rule of rules) {
    const period = (p: P): string => periodOf(rule, p, local.get(p.id) as LocalTime);
    const covered = new Set(sorted.filter((p) => marks.get(p.id) !== undefined).map(period));
    const kept = new Set<string>();
    for (const point of sorted) {
      if (marks.has(point.id) || covered.has(period(point))) continue;
      if (kept.has(period(point))) {
        marks.set(point.id, undefined);
        continue;
      }
      // A rule ends at the first period that it has no number for; what is older is left to the next rule.
      if (kept.size === policy[rule]) break;
      kept.add(period(point));
      marks.set(point.id, rule);
    }
  }
  return sorted.map((point) => ({ point, keep: rules.length === 0 ? 'no rule' : marks.get(point.id) }));
}

function periodOf(rule: RetentionRule, point: RetentionPoint, t: LocalTime): string {
  switch (rule) {
    case 'last':
      return point.id;
    case 'hourly':
      return `${t.year}-${t.month}-${t.day} ${t.hour}`;
    case 'daily':
      return `${t.year}-${t.month}-${t.day}`;
    case 'weekly':
      return isoWeek(t);
    case 'monthly':
      return `${t.year}-${t.month}`;
    case 'yearly':
      return `${t.year}`;
  }
}

/** ISO 8601 week, such as 2020-W53: weeks begin on Monday and belong to the year of their Thursday. */
export function isoWeek(t: Pick<LocalTime, 'year' | 'month' | 'day'>): string {
  const day = Date.UTC(t.year, t.month - 1, t.day);
  const sinceMonday = (new Date(day).getUTCDay() + 6) % 7;
  const thursday = day + (3 - sinceMonday) * DAY;
  const year = new Date(thursday).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY));
  return `${year}-W${String(week).padStart(2, '0')}`;
}

function mustBe(points: readonly RetentionPoint[], policy: RetentionPolicy, zone: string) {
  const refuse = (reason: string, fix: string, figures: Record<string, number | string>) =>
    new Refused({ rule: 'BKP-9', reason, fix, figures });
  for (const rule of RULES) {
    const number = policy[rule] ?? 0;
    if (!(Number.isSafeInteger(number) && number >= 0))
      throw refuse(`${rule} is ${number}`, 'give a whole number of zero or more', { [rule]: number });
  }
  if (new Set(points.map((p) => p.id)).size < points.length)
    throw refuse('two restore points have the same id', 'give each point its own id', { points: points.length });
  const known = zoneOf(zone);
  if (!known) throw refuse(`there is no time zone '${zone}'`, 'give an IANA name such as Europe/Berlin', { zone });
  return known;
}
