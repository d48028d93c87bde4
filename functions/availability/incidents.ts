import { notFound } from '../../shared/kernel/errors.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { keys } from '../../shared/store/keys.ts';
import { filledPage } from '../../shared/store/tenant-data.ts';
import type { Call } from '../http/call.ts';
import { incidentView } from '../http/views.ts';

export const incidentHandlers = {
  async listIncidents(call: Call) {
    const paging = call.paging('SYS#INCIDENT', { state: call.query.state, hostId: call.query.hostId });
    return paging.answer(
      await filledPage<Incident>(call.deps.store, 'SYS#INCIDENT', 'control', { ...paging.options, newestFirst: true }),
      incidentView,
    );
  },

  async getIncident(call: Call) {
    const incident = await call.deps.store.get<Incident>(keys.incident(call.param('incidentId')));
    if (!incident) throw notFound('incident', call.param('incidentId'));
    return { status: 200, body: incidentView(incident) };
  },
};
