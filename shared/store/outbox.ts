import type { DomainEvent } from '../events/event.ts';
import { type Clock, DAY } from '../kernel/clock.ts';
import { DomainError, notFound } from '../kernel/errors.ts';
import type { Ids } from '../kernel/ids.ts';
import type { AuditEntry } from '../model/audit.ts';
import { isFinal, type Operation, type OperationStep, operationMachine } from '../model/operation.ts';
import type { Context } from './context.ts';
import { keys, partOfId, tenantPart } from './keys.ts';
import type { Page, Store } from './store.ts';
import type { Item } from './tables.ts';
import { EVENT_RETENTION_DAYS } from './tables.ts';
import { filledPage, type ListOptions } from './tenant-data.ts';
import type { Transaction, UpdateSpec } from './transaction.ts';

const expiry = (at: number) => Math.ceil((at + EVENT_RETENTION_DAYS * DAY) / 1000);

/** Adds an event to a transaction: it happens if and only if the change happens. */
export function emit(tx: Transaction, event: DomainEvent): void {
  tx.put(
    keys.event(event.tenantId, event.id),
    { ...event, record: 'event', pending: 'p', expiresAt: expiry(event.at) },
    { table: 'events' },
  );
}

/** Adds an operation to a transaction. Its insert is what starts the workflow (see Operation). */
export function accept(tx: Transaction, operation: Operation, audit?: AuditEntry): void {
  tx.put(
    keys.operation(operation.id),
    {
      ...operation,
      record: 'operation',
      pending: 'p',
      expiresAt: expiry(operation.createdAt),
      ...(audit ? { audit } : {}),
    },
    { table: 'events', ifAbsent: () => new DomainError('busy', 'The operation id is taken; try again.') },
  );
}

/** A new operation, waiting for its workflow. */
export function newOperation(
  fields: Pick<Operation, 'id' | 'kind' | 'target' | 'input' | 'createdAt'> &
    Partial<Pick<Operation, 'tenantId' | 'note' | 'cancelable'>>,
): Operation {
  return { ...fields, state: 'waiting', percent: 0, steps: [] };
}

/** Tells a host that was out of reach what its settings are: they may have been changed meanwhile. */
export const tellSettings = (ids: Ids, hostId: string, now: number): Operation =>
  newOperation({ id: ids.make('operation'), kind: 'configure', target: hostId, input: { hostId }, createdAt: now });

export class Operations {
  private readonly store: Store;
  private readonly context: Context;

  constructor(store: Store, context: Context) {
    this.store = store;
    this.context = context;
  }

  /** @throws `not-found`, also for an operation of somebody else. */
  async get(id: string): Promise<Operation> {
    const pk = id.startsWith('op_') ? partOfId(id, 'OP') : undefined;
    const mine = this.context.kind === 'system' || pk === tenantPart(this.context.tenantId, 'OP');
    const item = pk && mine ? await this.store.get<Operation>({ pk, sk: id }, { table: 'events' }) : undefined;
    if (!item) throw notFound('operation', id);
    return item;
  }

  /** Undefined when there is none, or not any more. */
  async find(id: string): Promise<Operation | undefined> {
    try {
      return await this.get(id);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  /** Newest first. A system context lists the operations that belong to no tenant. */
  list(options: ListOptions): Promise<Page<Operation>> {
    const pk = this.context.kind === 'system' ? 'SYS#OP' : tenantPart(this.context.tenantId, 'OP');
    return filledPage<Operation>(this.store, pk, 'events', { ...options, newestFirst: true });
  }

  events(options: ListOptions): Promise<Page<DomainEvent>> {
    const pk = this.context.kind === 'system' ? 'SYS#EV' : tenantPart(this.context.tenantId, 'EV');
    return filledPage<DomainEvent>(this.store, pk, 'events', { ...options, newestFirst: true });
  }

  /** The step begins, or begins again after a crash. Progress never falls; a final operation is left alone. */
  async stepBegan(id: string, step: string, percent: number, clock: Clock): Promise<Operation> {
    for (;;) {
      const operation = await this.get(id);
      if (isFinal(operation.state)) return operation;
      const steps = stepsWith(operation.steps, step, clock.now());
      const state = operation.state === 'waiting' ? operationMachine.next('waiting', 'begin') : operation.state;
      const set = { state, steps, percent: Math.max(operation.percent, percent) };
      if (await this.writeAsRead(operation, set)) return { ...operation, state, steps };
    }
  }

  /** Ends an operation; repeating it changes nothing. */
  async finish(
    id: string,
    end: { ok: true; result?: Record<string, unknown> } | { ok: false; error: { code: string; message: string } },
    clock: Clock,
  ): Promise<void> {
    const operation = await this.get(id);
    if (isFinal(operation.state)) return;
    const now = clock.now();
    const last = end.ok ? ('success' as const) : ('failed' as const);
    const steps = operation.steps.map(
      (s): OperationStep => (s.state === 'running' ? { ...s, state: last, finishedAt: now } : s),
    );
    if (end.ok)
      // Also of one that is being cancelled: it came too late.
      await this.write(id, {
        set: { state: 'success', percent: 100, steps, finishedAt: now, result: end.result ?? {} },
      });
    else {
      const cancelled = operation.state === 'cancelling';
      const state = cancelled ? operationMachine.next('cancelling', 'compensated') : 'failed';
      // A workflow that takes the cancellation up by itself says what that has meant.
      const error =
        cancelled && end.error.code !== 'cancelled'
          ? { code: 'cancelled', message: 'it was cancelled, and what it had done undone' }
          : end.error;
      const percent = Math.min(operation.percent, 99);
      await this.write(id, { set: { state, percent, steps, finishedAt: now, error } });
    }
  }

  /** Writes unless its state has changed, as when it is being cancelled; then it is to be read again. */
  private async writeAsRead(operation: Operation, set: Item): Promise<boolean> {
    try {
      await this.store.update(keys.operation(operation.id), { set, ...stateAsRead(operation) }, 'events');
      return true;
    } catch (error) {
      if (error instanceof StateChanged) return false;
      throw error;
    }
  }

  private write(id: string, spec: UpdateSpec): Promise<unknown> {
    return this.store.update(
      keys.operation(id),
      {
        ...spec,
        condition: 'attribute_exists(pk) AND NOT #state IN (:ok, :failed, :cancelled)',
        names: { '#state': 'state' },
        values: { ':ok': 'success', ':failed': 'failed', ':cancelled': 'cancelled' },
        onFail: () => new DomainError('busy', 'The operation has ended meanwhile.'),
      },
      'events',
    );
  }
}

/** Somebody has begun, ended or cancelled the operation since it was read. */
export class StateChanged extends Error {}

/**
 * Adds the cancellation of an operation to a transaction. Its workflow takes it up at its next step and unwinds.
 * @throws `illegal-transition` for one that has ended, is being cancelled, or must not end early
 */
export function cancel(tx: Transaction, operation: Operation): Operation {
  const state = operationMachine.next(operation.state, 'cancel');
  if (!operation.cancelable)
    throw new DomainError(
      'illegal-transition',
      `Operation ${operation.id} (${operation.kind}) has no safe point at which it can be cancelled, or is not yours to cancel; delete its target instead.`,
      { figures: { state: operation.state, cancelable: false } },
    );
  tx.update(keys.operation(operation.id), { set: { state }, ...stateAsRead(operation) }, 'events');
  return { ...operation, state };
}

const stateAsRead = ({ state }: Operation): Pick<UpdateSpec, 'condition' | 'names' | 'values' | 'onFail'> => ({
  condition: '#state = :was',
  names: { '#state': 'state' },
  values: { ':was': state },
  onFail: () => new StateChanged(),
});

/** The steps so far, with this one running; those before it are done. */
function stepsWith(before: readonly OperationStep[], step: string, now: number): OperationStep[] {
  const steps = before.map(
    (s): OperationStep => (s.state === 'running' ? { ...s, state: 'success', finishedAt: now } : s),
  );
  const again = steps.findIndex((s) => s.name === step);
  if (again >= 0) steps[again] = { ...(steps[again] as OperationStep), state: 'running' };
  else steps.push({ name: step, state: 'running', startedAt: now });
  return steps;
}
