import type { RetentionPoint, RetentionPolicy } from '../../shared/backup/retention.ts';

/**
 * Retention by the words of algorithm 6, for comparison: other date functions (one formatter call for each question,
 * weeks counted day by day) and other bookkeeping (a fresh list of candidates for each rule, no early end).
 */
export function naiveKeep(points: readonly RetentionPoint[], policy: RetentionPolicy, zone: string): string[] {
  const labels: [keyof RetentionPolicy, (p: RetentionPoint) => string][] = [
    ['last', (p) => p.id],
    ['hourly', (p) => written(p.at, zone)],
    ['daily', (p) => written(p.at, zone).slice(0, 10)],
    ['weekly', (p) => mondayOf(written(p.at, zone).slice(0, 10))],
    ['monthly', (p) => written(p.at, zone).slice(0, 7)],
    ['yearly', (p) => written(p.at, zone).slice(0, 4)],
  ];
  if (labels.every(([rule]) => !policy[rule])) return points.map((p) => p.id);
  const keep: RetentionPoint[] = [];
  const remove = new Set<string>();
  for (const [rule, label] of labels) {
    const covered = keep.map(label);
    const candidates = points
      .filter((p) => !keep.includes(p) && !remove.has(p.id) && !covered.includes(label(p)))
      .sort((a, b) => (a.at === b.at ? a.id.localeCompare(b.id) : b.at - a.at));
    const chosen: RetentionPoint[] = [];
    let filled = false;
    for (const p of candidates) {
      const older = chosen.some((c) => label(c) === label(p));
      if (!older && chosen.length >= (policy[rule] ?? 0)) filled = true;
      if (filled) continue;
      if (older) remove.add(p.id);
      else chosen.push(p);
    }
    keep.push(...chosen);
  }
  return keep.map((p) => p.id);
}

/** 2026-10-25 02, as a wall clock in the zone would be written down. */
function written(at: number, zone: string): string {
  const date = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(at);
  const hour = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', hourCycle: 'h23' }).format(at);
  return `${date} ${hour}`;
}

/** The Monday of an ISO week names the week: walk back to it. */
function mondayOf(date: string): string {
  let day = Date.parse(`${date}T00:00:00Z`);
  while (new Date(day).getUTCDay() !== 1) day -= 24 * 60 * 60 * 1000;
  return new Date(day).toISOString().slice(0, 10);
}
