import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { checkInvariants } from '../../shared/invariants/check.ts';
import { iso } from '../../shared/kernel/clock.ts';
import type { AuditEntry } from '../../shared/model/audit.ts';
import type { Alarm } from '../../shared/model/incident.ts';
import { readBelief } from '../../shared/store/belief.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { filledPage } from '../../shared/store/tenant-data.ts';
import type { Call } from '../http/call.ts';
import { alarmView, auditView, eventView, operationView } from '../http/views.ts';
import { seenThroughPort } from './seen.ts';

export const watchHandlers = (port: HypervisorPort) => ({
  async listAlarms(call: Call) {
    const paging = call.paging('SYS#ALARM', { state: call.query.state });
    return paging.answer(await filledPage<Alarm>(call.deps.store, 'SYS#ALARM', 'control', paging.options), alarmView);
  },

  async listSystemOperations(call: Call) {
    const { state, kind, target } = call.query;
    const paging = call.paging('SYS#OP', { state, kind, target });
    return paging.answer(await new Operations(call.deps.store, SYSTEM).list(paging.options), operationView);
  },

  async getSystemOperation(call: Call) {
    return {
      status: 200,
      body: operationView(await new Operations(call.deps.store, SYSTEM).get(call.param('operationId'))),
    };
  },

  async listSystemEvents(call: Call) {
    const { type, subject } = call.query;
    const paging = call.paging('SYS#EV', { type, subject });
    return paging.answer(await new Operations(call.deps.store, SYSTEM).events(paging.options), eventView);
  },

  async listAuditLog(call: Call) {
    const {
      day = iso(call.now).slice(0, 10),
      operationId,
      requestId,
    } = call.query as Record<string, string | undefined>;
    const pk = `SYS#AUDIT#${day}`;
    const paging = call.paging(pk, { operationId, requestId });
    return paging.answer(
      await filledPage<AuditEntry>(call.deps.store, pk, 'control', { ...paging.options, newestFirst: true }),
      auditView,
    );
  },

  /** Compares what is believed with what the sites say, and the ledgers with their sums. */
  async audit(call: Call) {
    const belief = await readBelief(call.deps.store);
    const seen = await seenThroughPort(port, belief);
    const invariants = checkInvariants({ belief, seen, now: call.now });
    return { status: 200, body: { ok: invariants.every((i) => i.ok), checkedAt: iso(call.now), invariants } };
  },
});
