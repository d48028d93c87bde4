import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { HOUR } from '../../shared/kernel/clock.ts';
import { DomainError, invalid } from '../../shared/kernel/errors.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import { IDEMPOTENCY_HOURS } from '../../shared/store/tables.ts';
import type { Transaction } from '../../shared/store/transaction.ts';
import type { Answer } from './answer.ts';

const LONGEST_KEY = 255;

/** A key, scoped by tenant, principal and operation, and a print of the request that it came with. */
export interface IdempotencyKey {
  tenantId: string | null;
  hash: string;
  print: string;
}
interface Stored {
  print: string;
  answer: Uint8Array;
  expiresAt: number;
}

/** Somebody else has used the key while we worked: their answer is the answer. */
export class KeyRace extends Error {
  readonly stored: Stored;
  constructor(stored: Stored) {
    super('the idempotency key was used at the same time');
    this.stored = stored;
  }
}

const digest = (...parts: string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** @throws `invalid-request` when the key is empty or too long. */
export function idempotencyKey(
  header: string,
  scope: { tenantId?: string; actor: string; operationId: string },
  request: { path: string; query: string; body: string },
): IdempotencyKey {
  if (header.length === 0 || header.length > LONGEST_KEY) {
    throw invalid([
      { location: 'header.idempotency-key', message: `must have 1 to ${LONGEST_KEY} characters`, fix: 'use a UUID' },
    ]);
  }
  return {
    tenantId: scope.tenantId ?? null,
    hash: digest(scope.actor, scope.operationId, header).slice(0, 32),
    print: digest(request.path, request.query, request.body).slice(0, 22),
  };
}

/** The stored answer of a key that was used before, or undefined. @throws `key-reused`. */
export async function replay(store: Store, key: IdempotencyKey, now: number): Promise<Answer | undefined> {
  const stored = await store.get<Stored>(keys.idempotency(key.tenantId, key.hash));
  return stored && stored.expiresAt * 1000 > now ? answerOf(stored, key) : undefined;
}

/** @throws `key-reused` when the key came with another request. */
export function answerOf(stored: Stored, key: IdempotencyKey): Answer {
  if (stored.print !== key.print)
    throw new DomainError('key-reused', 'This idempotency key was used with another request; take a new one.');
  const answer = JSON.parse(inflateRawSync(stored.answer).toString()) as Answer;
  return { ...answer, headers: { ...answer.headers, 'idempotent-replayed': 'true' } };
}

/** Adds the record to the transaction that does the work: the answer is stored if and only if the work is done. */
export function remember(tx: Transaction, key: IdempotencyKey, answer: Answer, now: number): void {
  tx.put(
    keys.idempotency(key.tenantId, key.hash),
    {
      print: key.print,
      answer: deflateRawSync(JSON.stringify(answer)),
      expiresAt: Math.ceil((now + IDEMPOTENCY_HOURS * HOUR) / 1000),
    },
    {
      condition: 'attribute_not_exists(pk) OR expiresAt < :now',
      values: { ':now': Math.floor(now / 1000) },
      onFail: (found) => new KeyRace(found as unknown as Stored),
    },
  );
}
