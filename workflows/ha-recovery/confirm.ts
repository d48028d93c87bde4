import type { Observation, StopResult } from '../../shared/hypervisor/port.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { faultOf, type Incident, type IncidentVm, type RecoveryPart } from '../../shared/model/incident.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { emit } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import type { Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { nextLook } from '../vm/look.ts';
import { loadCase, withLine, writeIncident } from './case.ts';
import { entriesOf, fileEntries, readParts, writeParts } from './parts.ts';
import { whyNotOurs } from './survey.ts';

/** VMs of one call of the port. */
const ASKED_AT_ONCE = 1_000;

type Placed = IncidentVm & { toHost: string; epoch: number };
const isPlaced = (entry: IncidentVm): entry is Placed =>
  entry.outcome === 'recovering' && !entry.failed && entry.toHost !== undefined && entry.epoch !== undefined;

/**
 * Done means seen running (HA-21). A start that was refused or died is made sure to be over, and planned again. A VM whose
 * new host is silent is left as it is: either that host answers the next pass, or its own incident takes the VM over.
 */
export async function confirm(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const incident = await loadCase(state, deps);
  const parts = await readParts(incident, deps.store);
  const placed = entriesOf(parts).filter(isPlaced);
  const seen = await lookAt(incident.siteId, placed, deps);
  const outcomes: IncidentVm[] = [];
  const dead: Placed[] = [];
  const silent: Placed[] = [];
  const booting: Placed[] = [];
  for (const entry of placed) {
    const { state: found, epoch } = seen.get(entry.id) ?? { state: 'unreachable' as const };
    const same = epoch === entry.epoch;
    if (same && found === 'running') outcomes.push(recovered(entry, incident, deps));
    else if (same && found === 'starting') booting.push(entry);
    else (found === 'unreachable' ? silent : dead).push(entry);
  }
  outcomes.push(...(await endOf(dead, silent, incident, deps)));
  const filed = fileEntries(incident.id, parts, outcomes);
  if (outcomes.length > 0) {
    await writeParts(parts, filed, deps.store, tellRecovered(incident, deps));
    const running = outcomes.filter((o) => o.outcome === 'recovered').length;
    await writeIncident(
      deps.store,
      incident,
      withLine(incident, deps.clock.now(), 'confirmed', `${running} seen running`),
    );
  }
  const now = deps.clock.now();
  return {
    open: entriesOf(filed).filter((entry) => entry.outcome === 'recovering' && entry.failed).length,
    booting: booting.length,
    bootSeconds: nextLook(
      booting.map((entry) => entry.readyAt ?? now),
      now,
    ),
  };
}

async function lookAt(
  siteId: string,
  placed: readonly Placed[],
  { port }: StepDeps,
): Promise<Map<string, Observation>> {
  const seen = new Map<string, Observation>();
  for (let i = 0; i < placed.length; i += ASKED_AT_ONCE) {
    const some = placed.slice(i, i + ASKED_AT_ONCE).map((entry) => ({ vmId: entry.id, hostId: entry.toHost }));
    for (const observation of await port.inspectVms(siteId, some)) seen.set(observation.vmId, observation);
  }
  return seen;
}

/**
 * What is to be said of VMs that are not seen where they were started: a start that failed, or somebody else's business,
 * as when the incident of their new host has taken them over.
 */
async function endOf(
  dead: readonly Placed[],
  silent: readonly Placed[],
  incident: Incident,
  deps: StepDeps,
): Promise<IncidentVm[]> {
  const all = [...dead, ...silent];
  if (all.length === 0) return [];
  const data = new TenantData(deps.store, SYSTEM);
  const vms = new Map((await data.vmsById(all.map((entry) => entry.id))).map((vm) => [vm.id, vm]));
  const stops = new Map<string, StopResult>(
    (
      await deps.port.stopVms(
        incident.siteId,
        dead.map((entry) => ({ vmId: entry.id, hostId: entry.toHost, epoch: entry.epoch })),
      )
    ).map((stop) => [stop.vmId, stop]),
  );
  return all.flatMap((entry): IncidentVm[] => {
    const why = whyNotOurs(vms.get(entry.id), entry, incident.id);
    if (why) return [{ ...entry, ...why } as IncidentVm];
    const outcome = stops.get(entry.id)?.outcome;
    // A late order to start it finds the record of the stop, and is refused: it surely runs nothing there.
    if (outcome === 'stopped' || outcome === 'absent')
      return [{ ...entry, failed: true, reason: `it died on ${entry.toHost} before it served` }];
    return [];
  });
}

const recovered = (entry: Placed, incident: Incident, { clock }: StepDeps): IncidentVm => {
  const readyAt = entry.readyAt ?? clock.now();
  const host = incident.hosts.find((h) => h.id === entry.fromHost);
  const faultAt = host ? faultOf(host) : incident.openedAt;
  const { reason: _, ...rest } = entry;
  return {
    ...rest,
    outcome: 'recovered',
    readyAt,
    rtoSeconds: Math.round((readyAt - faultAt) / 100) / 10,
  };
};

/** One event for the VMs of a part: it says of a tenant's VMs only. */
const tellRecovered =
  (incident: Incident, { ids, clock }: StepDeps) =>
  (tx: Transaction, before: RecoveryPart | undefined, after: RecoveryPart): void => {
    const vms = Object.values(after.vms).filter(
      (v) => v.outcome === 'recovered' && before?.vms[v.id]?.outcome !== 'recovered',
    );
    if (vms.length === 0) return;
    emit(tx, {
      id: ids.make('event', tagOfTenant(after.tenantId)),
      type: 'vm.recovered',
      at: clock.now(),
      tenantId: after.tenantId,
      subject: vms.length === 1 ? (vms[0] as IncidentVm).id : incident.id,
      data: { vms: vms.map(({ id, epoch }) => ({ id, epoch })) },
    });
  };
