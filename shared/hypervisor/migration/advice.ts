import type { CopyAdvice, CopyInput } from './copy.ts';
import { runRounds } from './rounds.ts';

/** `leastPauseMs` as the failed run found it: a longer allowed pause changes nothing but where the rounds end. */
export function adviceFor(input: CopyInput, leastPauseMs: number): CopyAdvice {
  const works = (change: Partial<CopyInput>) => runRounds({ ...input, ...change }).converged;
  return {
    ...definedAs('bandwidthMiBps', bandwidthThatWorks(input, works)),
    ...definedAs('dirtyMiBps', dirtyRateThatWorks(input, works)),
    allowedPauseMs: Math.ceil(leastPauseMs),
  };
}

type Works = (change: Partial<CopyInput>) => boolean;

function bandwidthThatWorks(input: CopyInput, works: Works): number | undefined {
  // At this bandwidth all is sent in the pause, without a single round.
  const enough =
    Math.ceil((input.firstMiB * input.compressionRatio * 1000) / (input.allowedPauseMs - input.resumeMs)) + 1;
  if (!Number.isSafeInteger(enough) || enough <= 0 || !works({ bandwidthMiBps: enough })) return undefined;
  return bisect(enough, Math.floor(input.bandwidthMiBps), (bandwidthMiBps) => works({ bandwidthMiBps }));
}

function dirtyRateThatWorks(input: CopyInput, works: Works): number | undefined {
  if (!works({ dirtyMiBps: 0 })) return undefined;
  return bisect(0, Math.ceil(input.dirtyMiBps), (dirtyMiBps) => works({ dirtyMiBps }));
}

/** The whole number that works next to one that does not, between `good` and `bad`. */
function bisect(good: number, bad: number, works: (n: number) => boolean): number {
  let [yes, no] = [good, bad];
  while (Math.abs(yes - no) > 1) {
    const middle = Math.floor((yes + no) / 2);
    if (works(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}

const definedAs = <K extends string>(key: K, value: number | undefined) =>
  value === undefined ? {} : ({ [key]: value } as Record<K, number>);
