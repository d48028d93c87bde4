import { RefusedAt } from '../../shared/hypervisor/lab/within.ts';
import { type Refusal, Refused } from '../../shared/hypervisor/refusal.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import { flawAt } from './refusals.ts';

/** What the physics of a host forbid, as the one flaw of a request. `at` names the part of its body, such as `cpu.vcpus`. */
export function refusedRequest(refusal: Refusal, at?: string): DomainError {
  const flaw = flawAt(at ? `body.${at}` : 'body')(refusal);
  return new DomainError('invalid-request', flaw.message, {
    flaws: [flaw],
    figures: { rule: refusal.rule, ...refusal.figures },
  });
}

/** Asks the physics about what a request brought. @throws `invalid-request` where they refuse */
export function askPhysics<T>(question: () => T): T {
  try {
    return question();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw refusedRequest(error.refusal, error instanceof RefusedAt ? error.at : undefined);
  }
}
