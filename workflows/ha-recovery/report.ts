import { flaps } from '../../shared/model/flapping.ts';
import { type Incident, type IncidentVm, tallyOf } from '../../shared/model/incident.ts';
import { type Host, hostMachine } from '../../shared/model/inventory.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { keys } from '../../shared/store/keys.ts';
import { accept, emit, Operations, tellSettings } from '../../shared/store/outbox.ts';
import type { Store } from '../../shared/store/store.ts';
import type { Key } from '../../shared/store/tables.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { ALARM_CODES, alarmOf, unfinished } from './alarm.ts';
import { changed, hostsOf, incidentUpdate, loadCase, withLine } from './case.ts';
import { entriesOf, fileEntries, readParts, writeParts } from './parts.ts';

/** Hosts that were never gone and that one transaction lets serve, with an operation each. */
const HOSTS_AT_ONCE = 40;

/** Ends the pass: the incident is closed, or stays open for what waits, with alarms; it is let go of. */
export async function report(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const incident = await loadCase(state, deps);
  const hosts = await hostsOf(incident, deps);
  const parts = await readParts(incident, deps.store);
  const entries = await sayAlarms(entriesOf(parts), deps);
  await writeParts(parts, fileEntries(incident.id, parts, entries.changed), deps.store);
  const end = ending(hosts, entries.all, String(state.verdict));
  await letServe(
    hosts.filter((h) => end.serve.includes(h.id)),
    deps,
  );
  await takeMarks((state.marks as string[] | undefined) ?? [], hosts, deps);
  const recovered = entries.all.filter((v) => v.outcome === 'recovered').length;
  await new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    { ok: true, result: { verdict: state.verdict, recovered, waiting: end.waiting, incidentId: incident.id } },
    deps.clock,
  );
  // Last of all, since whoever repeats this step after a crash must still hold the incident.
  await close(incident, end, entries.all, String(state.operationId), deps);
  return {};
}

interface Ending {
  words: string;
  incident: Incident['state'];
  waiting: number;
  /** Hosts that were never gone, and serve on. */
  serve: string[];
}

/** How the pass ends, from its verdict. Pure. */
export function ending(
  hosts: readonly Pick<Host, 'id' | 'state' | 'flaps'>[],
  entries: readonly IncidentVm[],
  verdict: string,
): Ending {
  if (verdict === 'alive')
    return {
      words: hosts.length === 1 ? 'false alarm: the host was never gone' : 'false alarm: the hosts were never gone',
      incident: 'falseAlarm',
      waiting: 0,
      // One that flaps serves again when it has been steady; the probe sees to that.
      serve: hosts.filter((h) => h.state === 'suspect' && !flaps(h)).map((h) => h.id),
    };
  // The probe has raised the alarms of their conditions, and clears them.
  if (verdict === 'partitioned' || verdict === 'unreachable' || verdict === 'disarmed')
    return {
      words: verdict === 'disarmed' ? 'nothing is restarted: HA of its cluster is disarmed' : 'nothing is restarted',
      incident: 'open',
      waiting: 0,
      serve: [],
    };
  const waiting = entries.filter(unfinished).length;
  if (waiting > 0)
    return {
      words: `${waiting} VMs wait and are tried again`,
      incident: 'open',
      waiting,
      serve: [],
    };
  return { words: 'every VM is accounted for', incident: 'closed', waiting: 0, serve: [] };
}

/** Raises what is new and clears what is over; what is said already is not asked for again. */
async function sayAlarms(
  entries: readonly IncidentVm[],
  { store, ids, clock }: StepDeps,
): Promise<{ all: IncidentVm[]; changed: IncidentVm[] }> {
  const changed: IncidentVm[] = [];
  for (const entry of entries) {
    const alarm = alarmOf(entry);
    if (alarm?.code === entry.alarm && !entry.inherited) continue;
    const over = entry.takenBy ? [] : [entry.alarm, ...(entry.inherited ? ALARM_CODES : [])];
    for (const code of new Set(over))
      if (code && code !== alarm?.code) await clearAlarm(store, ids, code, entry.id, clock.now());
    if (alarm) await raiseAlarm(store, ids, alarm, clock.now());
    const { alarm: _, inherited: __, ...rest } = entry;
    changed.push({ ...rest, ...(alarm ? { alarm: alarm.code } : {}) });
  }
  const by = new Map(changed.map((entry) => [entry.id, entry]));
  return { all: entries.map((entry) => by.get(entry.id) ?? entry), changed };
}

/** Hosts whose heartbeats are back serve on: nothing was done to them. */
async function letServe(hosts: readonly Host[], { store, ids, clock }: StepDeps): Promise<void> {
  const now = clock.now();
  for (let i = 0; i < hosts.length; i += HOSTS_AT_ONCE) {
    const tx = new Transaction();
    for (const host of hosts.slice(i, i + HOSTS_AT_ONCE)) {
      tx.update(keys.host(host.clusterId, host.id), {
        set: { state: hostMachine.next('suspect', 'heartbeatBack') },
        add: { version: 1 },
        remove: ['incidentId'],
        condition: '#state = :suspect',
        values: { ':suspect': 'suspect' },
        onFail: changed(`host ${host.id}`),
      });
      accept(tx, tellSettings(ids, host.id, now));
    }
    await store.commit(tx);
  }
}

/** Takes away the marks that were there before the VMs of the hosts were looked up: those they stood for were found. */
async function takeMarks(marks: readonly string[], hosts: readonly Host[], { store }: StepDeps): Promise<void> {
  for (const host of hosts) {
    if (!host.callsRecovery || !marks.includes(`${host.id} ${host.callsRecovery}`)) continue;
    await updateIfStill(store, keys.host(host.clusterId, host.id), {
      remove: ['callsRecovery'],
      condition: '#callsRecovery = :mark',
      values: { ':mark': host.callsRecovery },
    });
  }
}

async function close(
  incident: Incident,
  end: Ending,
  entries: readonly IncidentVm[],
  operationId: string,
  deps: StepDeps,
): Promise<void> {
  const now = deps.clock.now();
  const { claim: _, due: __, ...rest } = incident;
  const is = withLine(rest, now, end.words, undefined, {
    state: end.incident,
    waiting: end.waiting,
    triedAt: now,
    tally: tallyOf(entries),
    ...(end.incident === 'open' ? {} : { closedAt: now }),
  });
  const tx = new Transaction().update(keys.incident(incident.id), incidentUpdate(incident, is));
  if (end.incident !== 'open') tx.delete(keys.openIncident(incident.id));
  if (end.incident === 'closed')
    emit(tx, {
      id: deps.ids.make('event'),
      type: 'incident.closed',
      at: now,
      subject: incident.id,
      data: { hosts: incident.hosts.map((h) => h.id), operationId },
    });
  await deps.store.commit(tx);
}

/** When the pass breaks: the incident is let go of, so that the next probe can start another one. Nothing else is undone. */
export async function letGo(state: State, deps: StepDeps): Promise<void> {
  await updateIfStill(deps.store, keys.incident(String(state.incidentId)), {
    set: { due: true, triedAt: deps.clock.now() },
    add: { version: 1 },
    remove: ['claim'],
    condition: '#claim = :mine',
    values: { ':mine': state.operationId },
  });
}

/** Updates what is as the condition says, and leaves alone what is not any more. */
async function updateIfStill(store: Store, key: Key, spec: UpdateSpec): Promise<void> {
  try {
    await store.update(key, { ...spec, onFail: () => new Otherwise() });
  } catch (error) {
    if (!(error instanceof Otherwise)) throw error;
  }
}

class Otherwise extends Error {}
