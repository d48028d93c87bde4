import { notFound } from '../../shared/kernel/errors.ts';
import type { Incident, IncidentLine, IncidentVm } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import { GiveUp, type State, type StepDeps } from '../engine/step-table.ts';

/** The host and the incident that this execution works on. @throws GiveUp when another execution holds the host. */
export async function loadCase(state: State, { store }: StepDeps): Promise<{ host: Host; incident: Incident }> {
  const host = await new Inventory(store, SYSTEM).host(state.hostId as string);
  if (host.claim !== state.operationId)
    throw new GiveUp('not-ours', `host ${host.id} is held by ${host.claim ?? 'nobody'}`);
  const incident = await store.get<Incident>(keys.incident(state.incidentId as string));
  if (!incident) throw notFound('incident', String(state.incidentId));
  return { host, incident };
}

/**
 * A step that is repeated after a crash says the same again: it stands there once. A try that ends like the one before
 * says two lines again, the plan and the wait: they are counted, since a VM may wait for days.
 */
function noted(timeline: readonly IncidentLine[], line: IncidentLine): IncidentLine[] {
  const alike = (other: IncidentLine | undefined) => other?.what === line.what && other.detail === line.detail;
  const [before, last] = [timeline.at(-2), timeline.at(-1)];
  if (alike(last)) return [...timeline];
  if (!before || !last || !alike(before)) return [...timeline, line];
  return [...timeline.slice(0, -2), { ...before, times: (before.times ?? 1) + 1, lastAt: line.at }, last];
}

/** Adds a line to the timeline and outcomes of VMs, by version: one execution works on an incident at a time. */
export async function noteIncident(
  store: Store,
  incident: Incident,
  now: number,
  what: string,
  detail?: string,
  vms: IncidentVm[] = [],
  set: Partial<Incident> = {},
): Promise<Incident> {
  const byId = new Map(incident.vms.map((vm) => [vm.id, vm]));
  for (const vm of vms) byId.set(vm.id, { ...byId.get(vm.id), ...vm });
  const timeline = noted(incident.timeline, { at: now, what, ...(detail ? { detail } : {}) });
  const next: Incident = { ...incident, ...set, timeline, vms: [...byId.values()], version: incident.version + 1 };
  await store.update(keys.incident(incident.id), {
    set: { timeline: next.timeline, vms: next.vms, version: next.version, ...set },
    condition: '#version = :was',
    values: { ':was': incident.version },
    onFail: () => Object.assign(new Error(`incident ${incident.id} was changed meanwhile`), { name: 'TryAgain' }),
  });
  return next;
}
