import type { ApiOperation } from '../../shared/contract/operation.ts';
import type { EventType } from '../../shared/events/event.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import { SYSTEM_TAG, tagOfTenant } from '../../shared/kernel/ids.ts';
import type { AuditEntry } from '../../shared/model/audit.ts';
import type { Operation } from '../../shared/model/operation.ts';
import { asTenant, type Context, SYSTEM } from '../../shared/store/context.ts';
import { accept, emit } from '../../shared/store/outbox.ts';
import type { Item, Key } from '../../shared/store/tables.ts';
import type { Transaction } from '../../shared/store/transaction.ts';
import type { Answer } from './answer.ts';
import type { Caller } from './caller.ts';
import type { FaceDeps } from './deps.ts';
import { type IdempotencyKey, remember } from './idempotency.ts';
import { decodeToken, encodeToken, pageLimit } from './paging.ts';

/** What a change is told to the world as: work that begins, or a fact. */
export type Told =
  | { operation: Operation }
  | { event: { type: EventType; subject: string; data?: Record<string, unknown>; tenantId?: string } };

/** One authorised, validated request. Handlers see nothing of HTTP beyond it. */
export class Call<B = unknown> {
  readonly operationId: string;
  readonly operation: ApiOperation;
  readonly caller: Caller;
  readonly requestId: string;
  readonly params: Record<string, string>;
  readonly query: Record<string, unknown>;
  readonly body: B;
  readonly deps: FaceDeps;
  private readonly ifMatch: string | undefined;
  private readonly key: IdempotencyKey | undefined;

  constructor(fields: {
    operationId: string;
    operation: ApiOperation;
    caller: Caller;
    requestId: string;
    params: Record<string, string>;
    query: Record<string, unknown>;
    body: B;
    deps: FaceDeps;
    ifMatch?: string | undefined;
    key?: IdempotencyKey | undefined;
  }) {
    this.operationId = fields.operationId;
    this.operation = fields.operation;
    this.caller = fields.caller;
    this.requestId = fields.requestId;
    this.params = fields.params;
    this.query = fields.query;
    this.body = fields.body;
    this.deps = fields.deps;
    this.ifMatch = fields.ifMatch;
    this.key = fields.key;
  }

  get now(): number {
    return this.deps.clock.now();
  }

  /** The tenant that calls. @throws `forbidden` on a face without one. */
  get tenantId(): string {
    if (!this.caller.tenantId) throw new DomainError('forbidden', 'The token names no tenant.');
    return this.caller.tenantId;
  }

  /** For whom repositories are built: on the tenants' face the caller's tenant, elsewhere the system. */
  get context(): Context {
    return this.operation.face === 'tenant' ? asTenant(this.tenantId) : SYSTEM;
  }

  get dryRun(): boolean {
    return this.query.dryRun === 'true';
  }

  param(name: string): string {
    return this.params[name] as string;
  }

  /** Makes an id that carries the tag of the owner: the calling tenant, or the one given. */
  newId(kind: Parameters<FaceDeps['ids']['make']>[0], tenantId: string | undefined = this.caller.tenantId): string {
    return this.deps.ids.make(kind, tenantId ? tagOfTenant(tenantId) : SYSTEM_TAG);
  }

  /** Whether the caller insists on a version. */
  get isConditional(): boolean {
    return this.ifMatch !== undefined && this.ifMatch !== '*';
  }

  /** @throws `precondition-failed` when If-Match names another version than the one there. */
  checkVersion(thing: { id: string; version: number }): void {
    if (this.ifMatch === undefined || this.ifMatch === '*' || this.ifMatch === etag(thing.version)) return;
    throw new DomainError(
      'precondition-failed',
      `${thing.id} has changed: it is at ${etag(thing.version)}, If-Match named ${this.ifMatch}.`,
      {
        figures: { current: etag(thing.version) },
      },
    );
  }

  /** Paging of this list for partition `pk`: options for the repository, and the answer's body from a page. */
  paging(pk: string, filter: Record<string, unknown> = {}) {
    const list = [
      this.operationId,
      this.caller.tenantId ?? '',
      JSON.stringify(this.params),
      JSON.stringify(filter),
    ].join('|');
    const after = decodeToken(this.query.pageToken, list, pk);
    const where = Object.fromEntries(Object.entries(filter).filter(([, v]) => v !== undefined)) as Record<
      string,
      string
    >;
    return {
      list,
      options: { limit: pageLimit(this.query.limit), ...(after ? { after } : {}), where },
      answer: <T>(page: { items: T[]; next?: Key & Item }, view: (item: T) => unknown): Answer => {
        const token = encodeToken(page.next, list);
        return { status: 200, body: { items: page.items.map(view), ...(token ? { nextPageToken: token } : {}) } };
      },
    };
  }

  /**
   * Carries out the change, tells of it and remembers the answer, all in one transaction. A dry run stops just before.
   * @throws whatever the transaction's actions say of their conditions.
   */
  async commit(tx: Transaction, answer: Answer, told: Told): Promise<Answer> {
    if (this.dryRun) return { status: 200, body: { dryRun: true, wouldAnswer: answer.body ?? null } };
    const target = 'operation' in told ? told.operation.target : told.event.subject;
    const audit = this.auditEntry(answer.status, target);
    if ('operation' in told) accept(tx, told.operation, audit);
    else {
      const { type, subject, data = {} } = told.event;
      const tenantId = told.event.tenantId ?? this.caller.tenantId;
      const id = this.newId('event', tenantId);
      emit(tx, { id, type, at: this.now, subject, data, audit, ...(tenantId ? { tenantId } : {}) });
    }
    if (this.key) remember(tx, this.key, answer, this.now);
    await this.deps.store.commit(tx);
    return answer;
  }

  auditEntry(status: number, target?: string, code?: string): AuditEntry {
    return {
      id: this.newId('audit'),
      at: this.now,
      actor: this.caller.actor,
      roles: this.caller.roles,
      operationId: this.operationId,
      requestId: this.requestId,
      status,
      result: status < 400 ? 'done' : 'refused',
      ...(target ? { target } : {}),
      ...(this.caller.source ? { source: this.caller.source } : {}),
      ...(this.caller.tenantId ? { tenantId: this.caller.tenantId } : {}),
      ...(code ? { code } : {}),
    };
  }
}

export const etag = (version: number): string => `"${version}"`;

/** A resource with its ETag. */
export const resource = (status: number, body: { version: number }): Answer => ({
  status,
  body,
  headers: { etag: etag(body.version) },
});

export type Handler = (call: Call<never>) => Promise<Answer>;
