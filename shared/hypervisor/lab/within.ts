import { type Refusal, Refused } from '../refusal.ts';

/** A refusal that knows which part of the question is at fault, such as `vms.3`. */
export class RefusedAt extends Refused {
  readonly at: string;

  constructor(refusal: Refusal, at: string) {
    super(refusal);
    this.at = at;
  }
}

/** Does what belongs to a part of the question, so that a refusal names this part; the innermost name holds. */
export function within<T>(at: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refused && !(error instanceof RefusedAt)) throw new RefusedAt(error.refusal, at);
    throw error;
  }
}

/** @throws RefusedAt for the first of the refusals, if there is one. */
export function refuseFirst(at: string, refusals: readonly (Refusal | undefined)[]): void {
  const first = refusals.find((refusal) => refusal !== undefined);
  if (first) throw new RefusedAt(first, at);
}
