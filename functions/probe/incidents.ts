import type { Runtime } from '../../shared/aws/runtime.ts';
import type { Ids } from '../../shared/kernel/ids.ts';
import { hostAlarms } from '../../shared/model/host-alarms.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { type Condition, type Host, hostMachine } from '../../shared/model/inventory.ts';
import { moveAlarms } from '../../shared/store/alarms.ts';
import { keys } from '../../shared/store/keys.ts';
import { accept, emit, newOperation, tellSettings } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { Overtaken } from './overtaken.ts';

/** Hosts that one transaction makes suspect, each with its alarms, beside incident, mark, operation and event. */
const HOSTS_AT_ONCE = 14;

/** A host that fell silent, how it was found, when it was heard last, ms, and what is believed of it from now on. */
export interface Suspect {
  host: Host;
  condition: Condition;
  at: number;
  also: Partial<Host>;
}

/** What is believed of a host changes, and with it, in the same transaction, the alarms that follow from it. */
function believe(tx: Transaction, ids: Ids, host: Host, set: Partial<Host>, now: number, remove: string[] = []): void {
  moveAlarms(tx, ids, hostAlarms(host), hostAlarms({ ...host, ...set }), now);
  tx.update(keys.host(host.clusterId, host.id), {
    set,
    add: { version: 1 },
    ...(remove.length > 0 ? { remove } : {}),
    ...asRead(host),
  });
}

/** Nothing is to be done about it but to believe what was found. */
export async function note({ store, ids }: Runtime, host: Host, also: Partial<Host>, now: number): Promise<void> {
  const tx = new Transaction();
  believe(tx, ids, host, also, now);
  await store.commit(tx);
}

/**
 * Opens one incident for hosts of a cluster that fail together, and starts its recovery, in one transaction with the
 * suspicion. Of very many hosts the last ones share that transaction: whoever comes after a crash in between finds the
 * others suspect without an incident, and opens one for them.
 */
export async function openIncident({ store, ids }: Runtime, suspects: readonly Suspect[], now: number): Promise<void> {
  const id = ids.make('incident');
  const last = suspects.slice(-HOSTS_AT_ONCE);
  for (let i = 0; i < suspects.length - last.length; i += HOSTS_AT_ONCE) {
    const tx = new Transaction();
    for (const s of suspects.slice(i, Math.min(i + HOSTS_AT_ONCE, suspects.length - last.length)))
      suspect(tx, ids, s, id, now);
    await store.commit(tx);
  }
  const tx = new Transaction();
  for (const s of last) suspect(tx, ids, s, id, now);
  const { siteId, clusterId } = (suspects[0] as Suspect).host;
  const heard = Math.max(...suspects.map((s) => s.at));
  const incident: Incident = {
    id,
    siteId,
    clusterId,
    hosts: suspects.map(({ host, at }) => ({
      id: host.id,
      name: host.name,
      ...(host.rack ? { rack: host.rack } : {}),
      lastSignAt: at,
    })),
    hostIds: suspects.map((s) => s.host.id),
    state: 'open',
    openedAt: now,
    waiting: 0,
    timeline: [
      { at: heard, what: 'last heartbeat' },
      { at: now, what: 'heartbeats missed', ...(suspects.length > 1 ? { detail: `${suspects.length} hosts` } : {}) },
    ],
    parts: [],
    version: 1,
  };
  const operation = recoveryOf(incident, ids.make('operation'), now);
  tx.put(keys.incident(id), { ...incident, claim: operation.id }).put(keys.openIncident(id), { openedAt: now });
  emit(tx, {
    id: ids.make('event'),
    type: 'host.suspect',
    at: now,
    subject: suspects.length === 1 ? (suspects[0] as Suspect).host.id : id,
    data: { incidentId: id, hosts: suspects.map((s) => s.host.id) },
  });
  accept(tx, operation);
  await store.commit(tx);
}

/** One that serves, or is fenced, keeps its state: a VM on it is to be recovered. */
function suspect(tx: Transaction, ids: Ids, { host, at, also }: Suspect, incidentId: string, now: number): void {
  const silent = host.state === 'online' && host.callsRecovery === undefined;
  const state = silent || host.state === 'reconciling' ? hostMachine.next(host.state, 'heartbeatMissed') : host.state;
  const serves = state === 'online';
  const set = serves ? {} : { state, incidentId, seenAt: Math.max(host.seenAt, at) };
  believe(tx, ids, host, { ...set, ...also }, now);
}

/** Another pass of an incident on which nothing works. */
export async function nextPass({ store, ids }: Runtime, incident: Incident, now: number): Promise<void> {
  const operation = recoveryOf(incident, ids.make('operation'), now);
  const tx = new Transaction().update(keys.incident(incident.id), {
    set: { claim: operation.id },
    add: { version: 1 },
    condition: '#version = :version AND attribute_not_exists(#claim)',
    names: { '#version': 'version' },
    values: { ':version': incident.version },
    onFail: () => new Overtaken(),
  });
  accept(tx, operation);
  await store.commit(tx);
}

const recoveryOf = (incident: Pick<Incident, 'id'>, id: string, now: number) =>
  newOperation({ id, kind: 'ha-recovery', target: incident.id, input: { incidentId: incident.id }, createdAt: now });

/** A suspect whose heartbeats are back before anything was done: it serves on, and is no part of its incident any more. */
export async function takeBack(
  { store, ids }: Runtime,
  host: Host,
  incident: Incident | undefined,
  also: Partial<Host>,
  now: number,
): Promise<void> {
  const tx = new Transaction();
  const state = hostMachine.next(host.state, 'heartbeatBack');
  believe(tx, ids, host, { state, seenAt: now, ...also }, now, ['incidentId']);
  if (incident) {
    const left = incident.hosts.filter((h) => h.id !== host.id);
    const detail = incident.hosts.length > 1 ? { detail: host.name } : {};
    tx.update(keys.incident(incident.id), {
      set: {
        timeline: [...incident.timeline, { at: now, what: 'heartbeats are back', ...detail }],
        ...(left.length === 0
          ? { state: 'falseAlarm', closedAt: now }
          : { hosts: left, hostIds: left.map((h) => h.id) }),
      },
      add: { version: 1 },
      condition: '#version = :version AND attribute_not_exists(#claim)',
      names: { '#claim': 'claim', '#version': 'version' },
      values: { ':version': incident.version },
      onFail: () => new Overtaken(),
    });
    if (left.length === 0) tx.delete(keys.openIncident(incident.id));
  }
  emit(tx, { id: ids.make('event'), type: 'host.online', at: now, subject: host.id, data: {} });
  accept(tx, tellSettings(ids, host.id, now));
  await store.commit(tx);
}

/** A host that is heard again after its fence is looked at before it serves (HA-18), unless its recovery is at work. */
export async function reconcile({ store, ids }: Runtime, host: Host, also: Partial<Host>, now: number): Promise<void> {
  const operation = newOperation({
    id: ids.make('operation'),
    kind: 'reconcile-host',
    target: host.id,
    input: { hostId: host.id, clusterId: host.clusterId },
    createdAt: now,
  });
  const tx = new Transaction();
  const state = host.state === 'fenced' ? hostMachine.next('fenced', 'hostBack') : host.state;
  believe(tx, ids, host, { state, claim: operation.id, ...also }, now);
  if (host.incidentId)
    tx.check(
      keys.incident(host.incidentId),
      'attribute_not_exists(#claim)',
      () => new Overtaken(),
      undefined,
      'control',
      {
        '#claim': 'claim',
      },
    );
  accept(tx, operation);
  await store.commit(tx);
}

const asRead = (host: Host) => ({
  condition: '#version = :version AND attribute_not_exists(#claim)',
  names: { '#claim': 'claim', '#version': 'version' },
  values: { ':version': host.version },
  onFail: () => new Overtaken(),
});
