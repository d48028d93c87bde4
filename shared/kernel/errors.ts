/**
 * Refusals of the domain. Each has a stable `code`, the HTTP status that the faces give it, and figures that explain
 * it. Everything else that is thrown is a bug and answers 500.
 */
export interface Flaw {
  /** Where: `body.cpu.vcpus`, `query.limit`, `estate:12:clusters[0].hosts`. */
  location: string;
  /** What is wrong. */
  message: string;
  /** How to mend it. */
  fix?: string;
}

export class DomainError extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly figures: Record<string, unknown>;
  readonly flaws: Flaw[];

  constructor(
    code: ProblemCode,
    detail: string,
    options: { figures?: Record<string, unknown>; flaws?: Flaw[]; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause });
    this.name = 'DomainError';
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.figures = options.figures ?? {};
    this.flaws = options.flaws ?? [];
  }
}

/** Every problem code, its HTTP status and its title (RFC 9457). */
export const PROBLEMS = {
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'invalid-page-token': { status: 400, title: 'The page token does not belong to this list' },
  unauthenticated: { status: 401, title: 'A valid bearer token is needed' },
  forbidden: { status: 403, title: 'The role does not allow this' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'The path does not take this method' },
  'name-taken': { status: 409, title: 'The name is taken' },
  'illegal-transition': { status: 409, title: 'The state does not allow this' },
  'operation-in-progress': { status: 409, title: 'Another operation holds this' },
  'in-use': { status: 409, title: 'Something still uses this' },
  'address-taken': { status: 409, title: 'The address is taken' },
  'address-exhausted': { status: 409, title: 'The range has no free address' },
  'ambiguous-name': { status: 409, title: 'The name fits several things' },
  'stale-epoch': { status: 409, title: 'A newer copy of the VM owns the volume' },
  'not-primary': { status: 409, title: 'Another site has the right to write' },
  'not-running': { status: 409, title: 'The VM does not run' },
  'storage-unreachable': { status: 409, title: 'The storage cannot be reached' },
  'not-tested': { status: 409, title: 'It was not tested with success as it is now' },
  'not-ready': { status: 409, title: 'Something stands in the way' },
  'quota-exceeded': { status: 409, title: 'The quota does not allow this' },
  'feature-unavailable': { status: 409, title: 'A property of the thing forbids this' },
  'clock-not-adjustable': { status: 409, title: 'The clock cannot be changed here' },
  'precondition-failed': { status: 412, title: 'The thing has changed since it was read' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json' },
  'key-reused': { status: 422, title: 'The idempotency key was used with another request' },
  busy: { status: 503, title: 'Too many changes at once, try again' },
  'site-unreachable': { status: 503, title: 'The site does not answer' },
  'no-capacity': { status: 507, title: 'No host can take this' },
  'failover-capacity': { status: 507, title: 'What is kept free for failures would not be kept' },
  'internal-error': { status: 500, title: 'This is a bug' },
} as const satisfies Record<string, { status: number; title: string }>;
export type ProblemCode = keyof typeof PROBLEMS;

/** A missing thing, and a thing of another tenant: the same words, so that nobody learns which it is (INV-12). */
export const notFound = (kind: string, id: string): DomainError =>
  new DomainError('not-found', `There is no ${kind} '${id}'.`);

export const invalid = (flaws: Flaw[]): DomainError =>
  new DomainError(
    'invalid-request',
    flaws.length === 1 ? (flaws[0] as Flaw).message : `${flaws.length} parts of the request are not valid.`,
    {
      flaws,
    },
  );

export const busy = (detail: string): DomainError =>
  new DomainError('busy', detail, { figures: { retryAfterSeconds: 1 } });
