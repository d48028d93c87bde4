import { Refused } from '../hypervisor/refusal.ts';
import { DAY, HOUR, MINUTE } from '../kernel/clock.ts';

/** DR-5: how old the newest usable copy is, how old it may be, and when the next replication must start. All ms. */

/** Expected RPO when nothing is said, ms. DR-5, I10: Huawei eReplication. */
export const RPO_DEFAULT_MS = 15 * MINUTE;
/** Least expected RPO, ms. DR-5, I10: Huawei eReplication. */
export const RPO_MIN_MS = 5 * MINUTE;
/** Largest figures of an expected RPO. DR-5, I10: Huawei eReplication. */
export const RPO_MAX = { days: 31, hours: 23, minutes: 59 } as const;

/** A state of the source and the instant from which it can be used at the target: algorithm 7, s and s + d. */
export interface Copy {
  stateAt: number;
  usableAt: number;
}
/** `from < t < to`; a violation that lasts at the end of the time looked at ends there. */
export interface Period {
  from: number;
  to: number;
}
export interface Outlook {
  state: 'met' | 'at risk' | 'violated';
  achievedMs: number;
  /** The last instant at which a replication of the expected duration may start. */
  latestStart: number;
  /** When the RPO is, or was, broken unless a newer copy is usable before; minus infinity while there is no copy. */
  brokenAt: number;
}

/**
 * An expected RPO in ms; 0 days, 0 hours and 15 minutes when nothing is said (I10).
 * @throws `Refused` DR-5 when a figure is out of its range or the whole is below 5 minutes
 */
export function expectedRpo(figures?: { days?: number; hours?: number; minutes?: number }): number {
  if (figures === undefined) return RPO_DEFAULT_MS;
  const { days = 0, hours = 0, minutes = 0 } = figures;
  const within = (value: number, most: number) => Number.isInteger(value) && value >= 0 && value <= most;
  const whole = days * DAY + hours * HOUR + minutes * MINUTE;
  if (
    !(within(days, RPO_MAX.days) && within(hours, RPO_MAX.hours) && within(minutes, RPO_MAX.minutes)) ||
    whole < RPO_MIN_MS
  )
    throw new Refused({
      rule: 'DR-5',
      reason: `an RPO of ${days} d ${hours} h ${minutes} min is out of range`,
      fix: 'choose 0 to 31 days, 0 to 23 hours and 0 to 59 minutes, 5 minutes in all at least',
      figures: { days, hours, minutes },
    });
  return whole;
}

/**
 * Age of the newest copy that is usable at t, ms; infinite while there is none.
 * @throws `Refused` DR-5 when a copy is usable before its state was there
 */
export function achievedRpo(copies: readonly Copy[], t: number): number {
  const newest = inOrder(copies).reduce(
    (state, c) => (c.usableAt <= t ? Math.max(state, c.stateAt) : state),
    Number.NEGATIVE_INFINITY,
  );
  return t - newest;
}

/** Algorithm 7: a replication must start by then, to be usable before the copy of this state is older than the RPO. */
export const latestStart = (stateAt: number, rpoMs: number, expectedDurationMs: number): number =>
  stateAt + rpoMs - expectedDurationMs;

/**
 * Every period between `from` and `to` in which the achieved RPO was above the expected one, in order (algorithm 7).
 * Without any copy it is violated.
 * @throws `Refused` DR-5 when a copy is usable before its state was there
 */
export function violations(copies: readonly Copy[], rpoMs: number, from: number, to: number): Period[] {
  const found: Period[] = [];
  let since = from;
  let brokenAt = Number.NEGATIVE_INFINITY;
  const upTo = (end: number) => {
    const begin = Math.max(since, brokenAt);
    const last = found[found.length - 1];
    // A copy that arrives too old to help does not end the violation.
    if (begin < end && last?.to === begin) last.to = end;
    else if (begin < end) found.push({ from: begin, to: end });
    since = end;
  };
  for (const copy of inOrder(copies)) {
    if (copy.usableAt >= to) break;
    if (copy.usableAt > since) upTo(copy.usableAt);
    brokenAt = Math.max(brokenAt, copy.stateAt + rpoMs);
  }
  upTo(to);
  return found;
}

/**
 * Whether the RPO is kept at t, and whether it still can be: at risk means that not even a replication that is under way,
 * or starts at once, is usable in time.
 * @throws `Refused` DR-5 when a copy is usable before its state was there, or the duration is not above zero
 */
export function outlook(
  copies: readonly Copy[],
  rpoMs: number,
  t: number,
  replication: { expectedDurationMs: number; startedAt?: number },
): Outlook {
  const { expectedDurationMs, startedAt = t } = replication;
  if (!(expectedDurationMs > 0))
    throw new Refused({
      rule: 'DR-5',
      reason: `a replication cannot take ${expectedDurationMs} ms`,
      fix: 'give an expected duration above zero',
      figures: { expectedDurationMs },
    });
  const achievedMs = achievedRpo(copies, t);
  const stateAt = t - achievedMs;
  const brokenAt = stateAt + rpoMs;
  const usableAt = Math.max(t, startedAt + expectedDurationMs);
  const state = achievedMs > rpoMs ? 'violated' : usableAt > brokenAt ? 'at risk' : 'met';
  return { state, achievedMs, latestStart: latestStart(stateAt, rpoMs, expectedDurationMs), brokenAt };
}

function inOrder(copies: readonly Copy[]): Copy[] {
  const early = copies.find((c) => !(c.usableAt >= c.stateAt));
  if (early)
    throw new Refused({
      rule: 'DR-5',
      reason: `a copy is usable at ${early.usableAt}, before its state of ${early.stateAt}`,
      fix: 'give copies that are usable at or after the time of their state',
      figures: { ...early },
    });
  return [...copies].sort((a, b) => a.usableAt - b.usableAt);
}
