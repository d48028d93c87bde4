import { notFound } from '../../shared/kernel/errors.ts';
import type { Incident, IncidentLine } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import type { Key } from '../../shared/store/tables.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';

/** Another execution wrote the same thing: the step begins again from what stands there now. */
export const changed = (what: string) => () => new TryAgain(`${what} changed meanwhile`);

/** The incident that this execution works on. @throws GiveUp when another one holds it. */
export async function loadCase(state: State, { store }: StepDeps): Promise<Incident> {
  const incident = await store.get<Incident>(keys.incident(String(state.incidentId)));
  if (!incident) throw notFound('incident', String(state.incidentId));
  if (incident.claim !== state.operationId)
    throw new GiveUp('not-ours', `incident ${incident.id} is held by ${incident.claim ?? 'nobody'}`);
  return incident;
}

/** Its hosts, as they are believed to be now, without those that have failed once more and are another incident's since. */
export async function hostsOf(incident: Incident, { store }: StepDeps): Promise<Host[]> {
  const found = await store.getMany<Host>(incident.hostIds.map((id) => keys.host(incident.clusterId, id)));
  return ownHosts(incident, found);
}

/** The same, of hosts that were read already. */
export function ownHosts({ id, hostIds }: Incident, hosts: readonly Host[]): Host[] {
  const own = new Set(hostIds);
  return hosts.filter((h) => own.has(h.id) && (h.incidentId === id || h.state === 'online'));
}

/**
 * A step that is repeated after a crash says the same again: it stands there once. A try that ends like the one before
 * says two lines again, the plan and the wait: they are counted, since a VM may wait for days.
 */
export function noted(timeline: readonly IncidentLine[], line: IncidentLine): IncidentLine[] {
  const alike = (other: IncidentLine | undefined) => other?.what === line.what && other.detail === line.detail;
  const [before, last] = [timeline.at(-2), timeline.at(-1)];
  if (alike(last)) return [...timeline];
  if (!before || !last || !alike(before)) return [...timeline, line];
  return [...timeline.slice(0, -2), { ...before, times: (before.times ?? 1) + 1, lastAt: line.at }, last];
}

/** The incident with another line, and what else is to be set. Pure. */
export function withLine(
  incident: Incident,
  at: number,
  what: string,
  detail?: string,
  set: Partial<Incident> = {},
): Incident {
  const timeline = noted(incident.timeline, { at, what, ...(detail ? { detail } : {}) });
  return { ...incident, ...set, timeline, version: incident.version + 1 };
}

/** Writes the incident by version: one execution works on it at a time. */
export async function writeIncident(store: Store, was: Incident, is: Incident): Promise<Incident> {
  await store.update(keys.incident(was.id), incidentUpdate(was, is));
  return is;
}

/** The same as part of a transaction. */
export const incidentUpdate = (was: Incident, is: Incident) => {
  // What was read carries its key, which no update may name.
  const { id: _, pk: __, sk: ___, ...set } = is as Incident & Partial<Key>;
  return {
    set,
    remove: (Object.keys(was) as (keyof Incident)[]).filter((field) => is[field] === undefined),
    condition: '#version = :was',
    names: { '#version': 'version' },
    values: { ':was': was.version },
    onFail: changed(`incident ${was.id}`),
  };
};
