import { SECOND } from '../../shared/kernel/clock.ts';
import { isFinal } from '../../shared/model/operation.ts';
import { tenantPart } from '../../shared/store/keys.ts';
import { Operations } from '../../shared/store/outbox.ts';
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

  async cancelOperation(call: Call) {
    const operation = await new Operations(call.deps.store, call.context).cancel(
      call.param('operationId'),
      call.deps.clock,
    );
    return { status: 202, body: operationView(operation) };
  },

  async listEvents(call: Call) {
    const { type, subject } = call.query;
    const paging = call.paging(tenantPart(call.tenantId, 'EV'), { type, subject });
    return paging.answer(await new Operations(call.deps.store, call.context).events(paging.options), eventView);
  },
};
