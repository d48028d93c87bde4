import { MIGRATION_ROUNDS_CEILING } from '../parameters.ts';
import { adviceFor } from './advice.ts';
import type { CopyInput, CopyPlan, CopyRound } from './copy.ts';
import { requireFigure } from './figures.ts';
import { runRounds } from './rounds.ts';

/**
 * Algorithm 4: copies in rounds until what is left can be sent within the allowed pause, or the rounds are used up.
 * Refused with `rule` for figures out of range.
 */
export function planCopy(rule: string, input: CopyInput): CopyPlan {
  requireCopy(rule, input);
  const { rounds, remainderMiB, pauseMs, leastPauseMs, converged } = runRounds(input);
  const sum = (of: (round: CopyRound) => number) => rounds.reduce((total, round) => total + of(round), 0);
  const plan = {
    rounds,
    remainderMiB,
    bandwidthMiBps: input.bandwidthMiBps,
    lostCpuSeconds: sum((round) => (round.seconds * round.throttlePercent) / 100),
  };
  const copySeconds = sum((round) => round.seconds);
  const copiedMiB = sum((round) => round.sentMiB);
  if (converged) {
    const sentMiB = copiedMiB + remainderMiB * input.compressionRatio;
    return { ...plan, outcome: 'completed', downtimeMs: pauseMs, totalSeconds: copySeconds + pauseMs / 1000, sentMiB };
  }
  return {
    ...plan,
    outcome: 'not-converged',
    downtimeMs: 0,
    totalSeconds: copySeconds,
    sentMiB: copiedMiB,
    reason: whyNot(input, remainderMiB, pauseMs),
    advice: adviceFor(input, leastPauseMs),
  };
}

function whyNot(input: CopyInput, remainderMiB: number, pauseMs: number): string {
  const { maxRounds, bandwidthMiBps, allowedPauseMs, dirtyMiBps, compressionRatio } = input;
  const lambda = (dirtyMiBps * compressionRatio) / bandwidthMiBps;
  const pace = lambda < 1 ? 'the copy is faster, but not in so few rounds' : 'the copy never catches up';
  return (
    `After ${maxRounds} rounds ${round1(remainderMiB)} MiB are left: a pause of ${round1(pauseMs)} ms at ` +
    `${round1(bandwidthMiBps)} MiB/s, ${round1(allowedPauseMs)} ms are allowed. Writes of ${round1(dirtyMiBps)} MiB/s ` +
    `take ${round1(lambda * 100)} % of the bandwidth: ${pace}.`
  );
}
const round1 = (x: number) => Math.round(x * 10) / 10;

function requireCopy(rule: string, input: CopyInput): void {
  const notNegative = ['firstMiB', 'dirtyCapMiB', 'dirtyMiBps', 'allowedPauseMs', 'resumeMs'] as const;
  for (const name of notNegative) requireFigure(rule, name, input[name], { min: 0 });
  for (const name of ['bandwidthMiBps', 'compressionRatio'] as const)
    requireFigure(rule, name, input[name], { min: 0, above: true });
  requireFigure(rule, 'maxRounds', input.maxRounds, { min: 1, max: MIGRATION_ROUNDS_CEILING, whole: true });
}
