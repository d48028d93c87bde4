import type { CopyInput, CopyRound } from './copy.ts';
import { nextThrottle, UNTHROTTLED } from './throttle.ts';

export interface RoundsRun {
  rounds: CopyRound[];
  remainderMiB: number;
  /** The pause that the remainder would take. */
  pauseMs: number;
  /** The shortest pause that there was a chance of, before the first round or after any. */
  leastPauseMs: number;
  converged: boolean;
}

/** The rounds of algorithm 4, for figures that are in range: V(0) = all, V(i+1) = min(cap, D x t(i)). */
export function runRounds(input: CopyInput): RoundsRun {
  const { dirtyCapMiB, dirtyMiBps, bandwidthMiBps, compressionRatio, resumeMs, allowedPauseMs, maxRounds } = input;
  const pauseOf = (mib: number) => ((mib * compressionRatio) / bandwidthMiBps) * 1000 + resumeMs;
  const rounds: CopyRound[] = [];
  let remainderMiB = input.firstMiB;
  let leastPauseMs = pauseOf(remainderMiB);
  let throttle = UNTHROTTLED;
  while (pauseOf(remainderMiB) > allowedPauseMs && rounds.length < maxRounds) {
    const sentMiB = remainderMiB * compressionRatio;
    const seconds = sentMiB / bandwidthMiBps;
    const dirtyRateMiBps = dirtyMiBps * (1 - throttle.percent / 100);
    rounds.push({ sentMiB, seconds, dirtyRateMiBps, throttlePercent: throttle.percent });
    remainderMiB = Math.min(dirtyCapMiB, dirtyRateMiBps * seconds);
    leastPauseMs = Math.min(leastPauseMs, pauseOf(remainderMiB));
    if (input.autoConverge) throttle = nextThrottle(throttle, input.autoConverge, sentMiB, remainderMiB);
  }
  const pauseMs = pauseOf(remainderMiB);
  return { rounds, remainderMiB, pauseMs, leastPauseMs, converged: pauseMs <= allowedPauseMs };
}
