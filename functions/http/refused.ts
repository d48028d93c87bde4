import { RefusedAt } from '../../shared/hypervisor/lab/within.ts';
import { type Refusal, Refused } from '../../shared/hypervisor/refusal.ts';
import { DomainError } from '../../shared/kernel/errors.ts';

/** What the physics of a host forbid, as a flaw of the request. `at` names the part of the body, such as `cpu.vcpus`. */
export const refusedRequest = ({ rule, reason, fix, figures }: Refusal, at?: string): DomainError =>
  new DomainError('invalid-request', `${reason} (${rule})`, {
    flaws: [{ location: at ? `body.${at}` : 'body', message: `${reason} (${rule})`, fix }],
    figures: { rule, ...figures },
  });

/** Asks the physics about what a request brought. @throws `invalid-request` where they refuse */
export function askPhysics<T>(question: () => T): T {
  try {
    return question();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw refusedRequest(error.refusal, error instanceof RefusedAt ? error.at : undefined);
  }
}
