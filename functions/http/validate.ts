import type * as z from 'zod';
import type { ApiOperation } from '../../shared/contract/operation.ts';
import { DomainError, type Flaw, invalid } from '../../shared/kernel/errors.ts';
import { MAX_BODY_BYTES } from '../../shared/kernel/units.ts';

/** Parses a body. @throws `body-too-large`, `unsupported-media-type`, `malformed-json` with the place. */
export function parseJson(raw: string, contentType: string | undefined): unknown {
  if (Buffer.byteLength(raw) > MAX_BODY_BYTES) {
    throw new DomainError('body-too-large', `The body has more than ${MAX_BODY_BYTES} bytes.`, {
      figures: { limitBytes: MAX_BODY_BYTES },
    });
  }
  if (raw.trim() === '') return undefined;
  if (contentType && !/^application\/([a-z.-]+\+)?json\b/i.test(contentType)) {
    throw new DomainError('unsupported-media-type', `The body is ${contentType}; send application/json.`);
  }
  try {
    return JSON.parse(raw);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'not JSON';
    throw new DomainError('malformed-json', 'The body is not JSON.', {
      flaws: [{ location: 'body', message, fix: 'send one JSON object' }],
    });
  }
}

/** @throws `invalid-request` that lists every flaw. */
export function validateBody(operation: ApiOperation, body: unknown): unknown {
  if (!operation.body) {
    if (body !== undefined)
      throw invalid([{ location: 'body', message: 'this operation takes no body', fix: 'send none' }]);
    return undefined;
  }
  return check(operation.body, body, 'body');
}

/** @throws `invalid-request`; unknown parameters are flaws, not ignored. */
export function validateQuery(operation: ApiOperation, query: Record<string, string>): Record<string, unknown> {
  if (operation.query) return check(operation.query, query, 'query') as Record<string, unknown>;
  const unknown = Object.keys(query);
  if (unknown.length > 0)
    throw invalid(
      unknown.map((k) => ({
        location: `query.${k}`,
        message: 'is not a parameter of this operation',
        fix: 'leave it out',
      })),
    );
  return {};
}

function check(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const flaws = parsed.error.issues.flatMap((issue) => flawsOf(issue, where, at(value, issue.path)));
  // One value may break several rules of its kind; its sender mends it once.
  throw invalid(flaws.filter((f, i) => flaws.findIndex((g) => g.location === f.location) === i));
}

/** What was sent at that place. */
const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined | null)?.[key], value);

function flawsOf(issue: z.core.$ZodIssue, where: string, sent: unknown): Flaw[] {
  const path = [where, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((k) => ({
      location: `${path}.${k}`,
      message: 'is not a field of this request',
      fix: 'leave it out, or check its spelling',
    }));
  }
  if (issue.code === 'invalid_type') {
    const fix = `send ${/^[aeio]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
    return [{ location: path, message: sent === undefined ? 'is missing' : `is ${kindOf(sent)}`, fix }];
  }
  return [{ location: path, message: issue.message }];
}

const kindOf = (sent: unknown): string => {
  if (sent === null) return 'null';
  if (Array.isArray(sent)) return 'a list';
  return typeof sent === 'object' ? 'an object' : `a ${typeof sent}`;
};
