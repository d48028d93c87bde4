import { notFound } from '../../shared/kernel/errors.ts';
import type { Incident, IncidentVm } from '../../shared/model/incident.ts';
import { keys } from '../../shared/store/keys.ts';
import { readEntries } from '../../shared/store/recoveries.ts';
import { filledPage } from '../../shared/store/tenant-data.ts';
import type { Call } from '../http/call.ts';
import { incidentView } from '../http/views.ts';
import { summaryOf } from './report/summary.ts';

export const incidentHandlers = {
  async listIncidents(call: Call) {
    const { state, hostId } = call.query as Record<string, string | undefined>;
    const paging = call.paging('SYS#INCIDENT', { state, hostId });
    const page = await filledPage<Incident>(call.deps.store, 'SYS#INCIDENT', 'control', {
      ...paging.options,
      where: { ...(state ? { state } : {}) },
      ...(hostId ? { contains: { hostIds: hostId } } : {}),
      newestFirst: true,
    });
    return paging.answer(page, (incident) => shown(incident));
  },

  async getIncident(call: Call) {
    const { incident, vms } = await readIncident(call);
    return { status: 200, body: shown(incident, vms) };
  },
};

const shown = (incident: Incident, vms?: readonly IncidentVm[]) => ({
  ...incidentView(incident, vms),
  summary: summaryOf(incident),
});

/** An incident, and what became of each of its VMs. @throws `not-found` */
export async function readIncident(call: Call): Promise<{ incident: Incident; vms: IncidentVm[] }> {
  const incident = await call.deps.store.get<Incident>(keys.incident(call.param('incidentId')));
  if (!incident) throw notFound('incident', call.param('incidentId'));
  if (incident.guest) return { incident, vms: [incident.guest] };
  return { incident, vms: await readEntries(call.deps.store, incident) };
}
