import { DomainError, PROBLEMS } from '../../shared/kernel/errors.ts';
import type { Log } from '../../shared/kernel/log.ts';

export interface Problem {
  status: number;
  body: Record<string, unknown>;
  headers: Record<string, string>;
}

/** Any error as application/problem+json (RFC 9457). What is no DomainError is a bug: logged whole, told to nobody. */
export function problemOf(error: unknown, requestId: string, instance: string, log: Log): Problem {
  if (!(error instanceof DomainError))
    log.error('a bug', {
      requestId,
      instance,
      error: error instanceof Error ? { name: error.name, message: error.message, stack: error.stack } : String(error),
    });
  const refusal =
    error instanceof DomainError
      ? error
      : new DomainError('internal-error', 'Something went wrong here; it was logged under the request id.');
  const retry = refusal.figures.retryAfterSeconds;
  return {
    status: refusal.status,
    body: {
      type: `https://strata.dev/problems/${refusal.code}`,
      title: PROBLEMS[refusal.code].title,
      status: refusal.status,
      detail: refusal.message,
      instance,
      code: refusal.code,
      requestId,
      ...(refusal.flaws.length > 0 ? { errors: refusal.flaws } : {}),
      ...refusal.figures,
    },
    headers: {
      'content-type': 'application/problem+json',
      ...(typeof retry === 'number' ? { 'retry-after': String(retry) } : {}),
      ...(refusal.code === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {}),
    },
  };
}
