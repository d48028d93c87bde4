import fc from 'fast-check';
import { labRequest } from '../../../shared/contract/lab.ts';
import { runLab } from '../../../shared/hypervisor/lab/lab.ts';
import { Refused } from '../../../shared/hypervisor/refusal.ts';
import type { Question } from './questions.ts';

export const RUNS = { numRuns: Number(process.env.STRATA_RANDOM_RUNS ?? 100) };
type Answer = ReturnType<typeof runLab>;
export type AnswerOf<E extends Answer['experiment']> = Extract<Answer, { experiment: E }>;
export type QuestionOf<E extends Question['experiment']> = Extract<Question, { experiment: E }>;

export const ask = <Q extends Question>(question: Q) => runLab(labRequest.parse(question)) as AnswerOf<Q['experiment']>;

/** The answer, or undefined where the physics refuse. Anything else that is thrown fails the test. */
export function askOrRefuse<E extends Answer['experiment']>(question: Question & { experiment: E }) {
  try {
    return runLab(labRequest.parse(question)) as AnswerOf<E>;
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}
export const sum = (numbers: readonly number[]) => numbers.reduce((all, n) => all + n, 0);
export const named = <T extends object>(vms: readonly T[]) => vms.map((vm, i) => ({ id: `vm-${i}`, ...vm }));
export const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 12 });
