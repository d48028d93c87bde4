import type { GuestTrouble } from '../hypervisor/port.ts';
import type { Incident, IncidentLine, IncidentVm } from '../model/incident.ts';
import type { Vm } from '../model/vm.ts';
import { keys } from './keys.ts';
import { emit } from './outbox.ts';
import type { Transaction } from './transaction.ts';

/** The incident of one guest: opened with the VM's recovery, closed with its end, each in that transaction. */
export function openGuestIncident(
  tx: Transaction,
  {
    id,
    vm,
    hostName,
    trouble,
    now,
  }: { id: string; vm: Vm & { hostId: string }; hostName: string; trouble: GuestTrouble; now: number },
): void {
  const incident: Incident = {
    id,
    kind: 'guest',
    guest: {
      id: vm.id,
      name: vm.name,
      priority: vm.ha.restartPriority,
      outcome: 'recovering',
      fromHost: vm.hostId,
    },
    siteId: vm.siteId,
    clusterId: vm.clusterId,
    hosts: [{ id: vm.hostId, name: hostName, lastSignAt: now }],
    hostIds: [vm.hostId],
    state: 'open',
    openedAt: now,
    timeline: [
      { at: trouble.since, what: trouble.state === 'crashed' ? 'guest crashed' : 'guest hung' },
      { at: now, what: 'detected', detail: `its host ${hostName} reports it` },
    ],
    waiting: 0,
    parts: [],
    version: 1,
  };
  tx.put(keys.incident(id), incident);
}

export interface GuestEnd {
  state: 'closed' | 'falseAlarm';
  lines: readonly IncidentLine[];
  vm: Pick<IncidentVm, 'outcome'> & Partial<IncidentVm>;
}

/** Closes it; `event` is the id of the event that says so. RTO: from the fault to ready, seconds. */
export function closeGuestIncident(
  tx: Transaction,
  incident: Incident,
  end: GuestEnd,
  { event, now }: { event: string; now: number },
): void {
  const since = incident.timeline[0]?.at ?? incident.openedAt;
  const { readyAt } = end.vm;
  const rto = readyAt === undefined ? {} : { rtoSeconds: Math.round((readyAt - since) / 100) / 10 };
  tx.update(keys.incident(incident.id), {
    set: {
      state: end.state,
      closedAt: now,
      timeline: [...incident.timeline, ...end.lines],
      guest: { ...incident.guest, ...end.vm, ...rto },
    },
    add: { version: 1 },
  });
  emit(tx, {
    id: event,
    type: 'incident.closed',
    at: now,
    subject: incident.id,
    data: { hosts: incident.hostIds, vmId: incident.guest?.id },
  });
}
