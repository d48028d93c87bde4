import { SECOND } from '../../shared/kernel/clock.ts';
import { busy } from '../../shared/kernel/errors.ts';
import { isFinal } from '../../shared/model/operation.ts';
import { decideAnew, Raced } from '../../shared/store/anew.ts';
import { tenantPart } from '../../shared/store/keys.ts';
import { cancel, Operations, StateChanged } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { Call } from '../http/call.ts';
import { eventView, operationView } from '../http/views.ts';

/** API Gateway ends a request after 29 s; a held answer must leave before. */
const LONGEST_HOLD_MS = 25 * SECOND;
const POLL_MS = 100;

export const operationHandlers = {
  async listOperations(call: Call) {
    const { state, kind, target } = call.query;
    const paging = call.paging(tenantPart(call.tenantId, 'OP'), { state, kind, target });
    return paging.answer(await new Operations(call.deps.store, call.context).list(paging.options), operationView);
  },

  async getOperation(call: Call) {
    const operations = new Operations(call.deps.store, call.context);
    const polls = Math.floor(Math.min(Number(call.query.wait ?? 0) * SECOND, LONGEST_HOLD_MS) / POLL_MS);
    let operation = await operations.get(call.param('operationId'));
    for (let i = 0; i < polls && !isFinal(operation.state); i++) {
      await call.deps.pause(POLL_MS);
      operation = await operations.get(operation.id);
    }
    return { status: 200, body: operationView(operation) };
  },

  /** What is cancelled is undone by its workflow; it can be followed until it is `cancelled`, or `success` when too late. */
  cancelOperation: (call: Call) =>
    decideAnew(async () => {
      const operation = await new Operations(call.deps.store, call.context).get(call.param('operationId'));
      const tx = new Transaction();
      const cancelled = cancel(tx, operation);
      const headers = { 'operation-location': `/v1/operations/${operation.id}`, 'retry-after': '1' };
      const answer = { status: 202, body: operationView(cancelled), headers };
      const data = { kind: operation.kind, target: operation.target };
      try {
        return await call.commit(tx, answer, { event: { type: 'operation.cancelled', subject: operation.id, data } });
      } catch (error) {
        if (error instanceof StateChanged) throw new Raced(busy(`Operation ${operation.id} moves on; try again.`));
        throw error;
      }
    }),

  async listEvents(call: Call) {
    const { type, subject } = call.query;
    const paging = call.paging(tenantPart(call.tenantId, 'EV'), { type, subject });
    return paging.answer(await new Operations(call.deps.store, call.context).events(paging.options), eventView);
  },
};
