import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClockState, ScaledClock } from '../../shared/kernel/clock.ts';

/**
 * The clock of an embedded cloud. Its anchor is kept beside the data, so that after a restart cloud time goes on as if
 * the process had never been away: the data centres did not stop while their manager did.
 */
export function embeddedClock(folder: string | undefined, speed: number): ScaledClock {
  const file = folder && join(folder, 'clock.json');
  const now = Date.now();
  const kept = file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ClockState) : undefined;
  const state: ClockState = kept
    ? { cloud: kept.cloud + Math.max(0, now - kept.real) * kept.speed, real: now, speed }
    : { cloud: now, real: now, speed };
  const clock = new ScaledClock(state);
  const keep = (s: ClockState) => {
    if (!file) return;
    writeFileSync(`${file}.new`, JSON.stringify(s));
    renameSync(`${file}.new`, file);
  };
  clock.onChange = keep;
  keep(state);
  return clock;
}
