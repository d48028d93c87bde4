import type { Incident } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { accept, newOperation } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { StepDeps } from '../engine/step-table.ts';
import { changed, incidentUpdate, withLine } from './case.ts';

/** Hosts that one transaction moves to another incident, beside the incidents, the mark and the operation. */
const HOSTS_AT_ONCE = 90;

/**
 * Gives some hosts of an incident one of their own, so that the others need not wait for them. With `begin` its recovery
 * starts at once. Answers what is left of the incident.
 */
export async function splitOff(
  incident: Incident,
  hosts: readonly Host[],
  why: string,
  deps: StepDeps,
  { begin = false }: { begin?: boolean } = {},
): Promise<Incident> {
  let rest = incident;
  for (let i = 0; i < hosts.length; i += HOSTS_AT_ONCE)
    rest = await splitSome(rest, hosts.slice(i, i + HOSTS_AT_ONCE), why, begin, deps);
  return rest;
}

async function splitSome(
  incident: Incident,
  hosts: readonly Host[],
  why: string,
  begin: boolean,
  { store, ids, clock }: StepDeps,
): Promise<Incident> {
  const now = clock.now();
  const id = ids.make('incident');
  const leaving = new Set(hosts.map((h) => h.id));
  const names = hosts.map((h) => h.name).join(', ');
  const rest = withLine(incident, now, `${names} split off into ${id}`, why, {
    hosts: incident.hosts.filter((h) => !leaving.has(h.id)),
    hostIds: incident.hostIds.filter((host) => !leaving.has(host)),
  });
  const operation = begin
    ? newOperation({
        id: ids.make('operation'),
        kind: 'ha-recovery',
        target: id,
        input: { incidentId: id },
        createdAt: now,
      })
    : undefined;
  const own: Incident = {
    id,
    siteId: incident.siteId,
    clusterId: incident.clusterId,
    hosts: incident.hosts.filter((h) => leaving.has(h.id)),
    hostIds: [...leaving],
    state: 'open',
    openedAt: incident.openedAt,
    ...(operation ? { claim: operation.id } : {}),
    waiting: 0,
    timeline: [...incident.timeline, { at: now, what: `split off from ${incident.id}`, detail: why }],
    parts: [],
    splitFrom: incident.id,
    version: 1,
  };
  const tx = new Transaction()
    .put(keys.incident(id), own)
    .put(keys.openIncident(id), { openedAt: own.openedAt })
    .update(keys.incident(incident.id), incidentUpdate(incident, rest));
  for (const host of hosts)
    tx.update(keys.host(host.clusterId, host.id), {
      set: { incidentId: id },
      add: { version: 1 },
      condition: '#incidentId = :was',
      values: { ':was': incident.id },
      onFail: changed(`host ${host.id}`),
    });
  if (operation) accept(tx, operation);
  await store.commit(tx);
  return rest;
}
