import type { CopyPlan } from './copy.ts';

export interface CopyProgress {
  /** Rounds begun; the pause is no round. */
  round: number;
  /** On the link so far. */
  sentMiB: number;
  /** `done`: the plan is over, converged or not. The guest runs at the source while copying, nowhere while paused. */
  phase: 'copying' | 'paused' | 'done';
  /** Time gone by, of the whole plan. */
  percent: number;
}

/** How far a copy is `seconds` after its beginning (MIG-2, MIG-3): a closed function of time, so nothing has to tick. */
export function progressAt(plan: CopyPlan, seconds: number): CopyProgress {
  if (seconds >= plan.totalSeconds)
    return { round: plan.rounds.length, sentMiB: plan.sentMiB, phase: 'done', percent: 100 };
  const at = Math.max(0, seconds);
  const percent = (at / plan.totalSeconds) * 100;
  const sentMiB = Math.min(plan.sentMiB, at * plan.bandwidthMiBps);
  let roundEnd = 0;
  for (const [index, round] of plan.rounds.entries()) {
    roundEnd += round.seconds;
    if (at < roundEnd) return { round: index + 1, sentMiB, phase: 'copying', percent };
  }
  return { round: plan.rounds.length, sentMiB, phase: 'paused', percent };
}
