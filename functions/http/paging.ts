import { DomainError } from '../../shared/kernel/errors.ts';
import { hash32 } from '../../shared/kernel/random.ts';
import type { Item, Key } from '../../shared/store/tables.ts';

const DEFAULT_LIMIT = 100;
const LARGEST_LIMIT = 1000;
/** No sort key of a table is longer, bytes. */
const LONGEST_SK = 1024;

/** Items per page: 1 to 1000; larger wishes count as 1000. */
export const pageLimit = (limit: unknown): number =>
  Math.min(typeof limit === 'number' ? limit : DEFAULT_LIMIT, LARGEST_LIMIT);

/**
 * A page token holds the sort key to go on from and a mark of the list it belongs to. The partition is not in it: it
 * follows from the caller, so that a token opens nothing that its bearer may not list anyway.
 */
export function encodeToken(next: (Key & Item) | undefined, list: string): string | undefined {
  return next && Buffer.from(JSON.stringify([hash32(list), next.sk])).toString('base64url');
}

/** @throws `invalid-page-token` when it is not one, or belongs to another list, filter or tenant. */
export function decodeToken(token: unknown, list: string, pk: string): (Key & Item) | undefined {
  if (token === undefined) return undefined;
  try {
    const [mark, sk] = JSON.parse(Buffer.from(String(token), 'base64url').toString()) as [unknown, unknown];
    if (mark === hash32(list) && typeof sk === 'string' && sk !== '' && Buffer.byteLength(sk) <= LONGEST_SK)
      return { pk, sk };
  } catch {
    // Not a token of ours; told below.
  }
  throw new DomainError('invalid-page-token', 'The page token does not belong to this list.', {
    flaws: [
      {
        location: 'query.pageToken',
        message: 'does not belong to this list, filter or tenant',
        fix: 'begin again without it',
      },
    ],
  });
}

/** A page of a list that is held whole: small inventories. */
export function slicePage<T extends { id: string }>(
  all: readonly T[],
  limit: number,
  token: unknown,
  list: string,
): { items: T[]; nextPageToken?: string } {
  const after = decodeToken(token, list, '')?.sk;
  const sorted = [...all].sort((a, b) => (a.id < b.id ? -1 : 1));
  const rest = after === undefined ? sorted : sorted.filter((i) => i.id > after);
  const items = rest.slice(0, limit);
  const last = items[items.length - 1];
  return rest.length > limit && last
    ? { items, nextPageToken: encodeToken({ pk: '', sk: last.id }, list) as string }
    : { items };
}
