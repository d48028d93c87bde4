import type { IncidentVm } from '../../shared/model/incident.ts';
import { raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { alarmOf } from './alarm.ts';
import { arrivalsOf } from './arrivals.ts';
import { loadCase, ownHosts, withLine, writeIncident } from './case.ts';
import { entryOf } from './entry.ts';
import { entriesOf, fileEntries, partOf, readParts, refsOf, writeParts } from './parts.ts';
import { type Move, planMoves } from './plan.ts';
import { survey } from './survey.ts';
import { writeMoves } from './wave.ts';

/** Rounds of planning in one execution at most, before what is left waits for the next pass. */
const MOST_ROUNDS = 10;

/**
 * Gives every VM of the fenced hosts a new epoch and a new place, or lets it wait or rest, with a reason (HA-9, HA-14).
 * What is decided is written into the incident first: a VM that a wave has taken off its host is no longer found there,
 * so whoever takes this step up after a crash must find it in the incident.
 */
export async function plan(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const incident = await loadCase(state, deps);
  const round = Number(state.round ?? 0) + 1;
  const now = deps.clock.now();
  const parts = await readParts(incident, deps.store);
  const inventory = new Inventory(deps.store, SYSTEM);
  const [cluster, hosts] = await Promise.all([
    inventory.cluster(incident.clusterId),
    inventory.hostsOf(incident.clusterId, { consistent: true }),
  ]);
  // Every try that the cluster allows, one after the other, and the decision to give up; only where starts fail.
  if (round > Math.min(MOST_ROUNDS, 1 + (1 + cluster.ha.localRestarts) * (1 + cluster.ha.relocations)))
    return { round, open: 0 };
  const failed = ownHosts(incident, hosts);
  const marks = failed.flatMap((h) => (h.callsRecovery ? [`${h.id} ${h.callsRecovery}`] : []));
  const entries = entriesOf(parts);
  const { cases, gone } = await survey(incident.id, { failed, hosts }, entries, deps.store);
  const arrivals = await arrivalsOf(
    cases.map((c) => c.vm),
    hosts,
    deps,
  );
  const moves = planMoves(cases, { cluster, hosts, arrivals });
  const said = await Promise.all(
    moves.map(async (m) => ({ ...(await alarmed(entryOf(m, incident.id, now), deps)), tenantId: m.vm.tenantId })),
  );
  const filed = fileEntries(incident.id, parts, [...said, ...gone]);
  const planned = withLine(incident, now, 'planned', summary(moves), { parts: refsOf(filed) });
  await writeIncident(deps.store, incident, planned);
  await writeParts(parts, filed, deps.store);
  await writeMoves(moves, { incidentId: incident.id, partOf: partOf(filed) }, deps);
  return { round, marks, open: entriesOf(filed).filter((v) => v.outcome === 'recovering').length };
}

/** That a VM has no place is told as soon as it is known, not when the others have booted. */
async function alarmed(entry: IncidentVm, { store, ids, clock }: StepDeps): Promise<IncidentVm> {
  const alarm = entry.outcome === 'waiting' ? alarmOf(entry) : undefined;
  if (!alarm || alarm.code === entry.alarm) return entry;
  await raiseAlarm(store, ids, alarm, clock.now());
  return { ...entry, alarm: alarm.code };
}

function summary(moves: readonly Move[]): string {
  const count = (...kinds: Move['kind'][]) => moves.filter((m) => kinds.includes(m.kind)).length;
  const given = count('error') > 0 ? `, ${count('error')} given up` : '';
  return `${count('start')} to start, ${count('wait')} wait for capacity, ${count('rest', 'release')} not to be started${given}`;
}
