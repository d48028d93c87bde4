import { PortTimeout } from '../../shared/hypervisor/port.ts';
import { iso } from '../../shared/kernel/clock.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { type Host, hostMachine } from '../../shared/model/inventory.ts';
import { assess, hasRestarted, LIVENESS, lastSign, mustKeepOrder } from '../../shared/model/liveness.ts';
import { keys } from '../../shared/store/keys.ts';
import { emit } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { byPerson, WORD_EVERY_MS } from './person.ts';
import { loadCase, noteIncident } from './records.ts';

/** Beyond the end of a lease, ms: clocks of hosts and cloud may differ by so much. Declared. */
const LEASE_MARGIN_MS = 1_000;

const { leaseMs } = mustKeepOrder(LIVENESS);

/**
 * Makes sure that the host runs nothing (HA-7). In this order: its power controller confirms that it is off; its agent,
 * if it can be asked again, confirms that it has stopped everything; a person has made sure of it; its lease has surely
 * run out and its watchdog with it.
 */
export async function fence(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { host, incident } = await loadCase(state, deps);
  if (host.state === 'fenced') return { fenced: true };
  if (host.state === 'suspect') await toFencing(host, deps);
  // One that has restarted by itself need not be switched off: its agent says what it runs since.
  const how =
    (state.restarted ? await byAgent(host, deps) : undefined) ??
    (await byPowerController(host, deps)) ??
    (await byAgent(host, deps));
  if (how) return confirmed(host, incident, how, deps);
  const now = deps.clock.now();
  const seenAt = await lastLife(host, deps);
  const word = byPerson(host, seenAt);
  if (word) return confirmed(host, incident, word, deps);
  const leaseEnds = seenAt + leaseMs + LEASE_MARGIN_MS;
  if (now >= leaseEnds)
    return confirmed(host, incident, `the lease ran out: no sign of life since ${iso(seenAt)}`, deps);
  await noteIncident(
    deps.store,
    incident,
    now,
    'fence waits for the lease',
    `power controller out of reach; lease ends ${iso(leaseEnds)}`,
  );
  return { fenced: false, until: iso(Math.min(leaseEnds, now + WORD_EVERY_MS)) };
}

async function toFencing(host: Host, { store }: StepDeps): Promise<void> {
  await store.update(keys.host(host.clusterId, host.id), {
    set: { state: hostMachine.next(host.state, 'secondChannelDead') },
    add: { version: 1 },
    condition: '#state = :suspect',
    values: { ':suspect': 'suspect' },
    onFail: () => Object.assign(new Error(`host ${host.id} changed meanwhile`), { name: 'TryAgain' }),
  });
}

async function byPowerController(host: Host, { port }: StepDeps): Promise<string | undefined> {
  try {
    const [result] = await port.fenceHosts(host.siteId, [host.id]);
    return result?.outcome === 'confirmed' ? 'powered off, confirmed by its power controller' : undefined;
  } catch (error) {
    if (error instanceof PortTimeout) return undefined;
    throw error;
  }
}

/** A host that answers again while it is being fenced is not let off: what it runs is stopped first. */
async function byAgent(host: Host, { port }: StepDeps): Promise<string | undefined> {
  try {
    const [listed] = await port.listProcesses(host.siteId, [host.id]);
    if (!listed) return undefined;
    const stops = await port.stopVms(
      host.siteId,
      // A copy that may still arrive is refused by the record that the order leaves.
      [...listed.processes, ...listed.incoming].map((p) => ({ vmId: p.vmId, hostId: host.id, epoch: p.epoch })),
    );
    return stops.every((s) => s.outcome === 'stopped' || s.outcome === 'absent')
      ? `its agent confirms that ${stops.length} processes are stopped`
      : undefined;
  } catch (error) {
    if (error instanceof PortTimeout) return undefined;
    throw error;
  }
}

/** The newest sign of life, remembered on the host: the lease runs from it. */
async function lastLife(host: Host, { port, store }: StepDeps): Promise<number> {
  let seenAt = host.seenAt;
  try {
    seenAt = lastSign(
      (await port.heartbeats(host.siteId)).find((b) => b.hostId === host.id),
      host.seenAt,
    );
  } catch (error) {
    if (!(error instanceof PortTimeout)) throw error;
  }
  if (seenAt > host.seenAt) await store.update(keys.host(host.clusterId, host.id), { set: { seenAt } });
  return seenAt;
}

async function confirmed(
  host: Host,
  incident: Incident,
  how: string,
  { store, ids, clock }: StepDeps,
): Promise<Record<string, unknown>> {
  const now = clock.now();
  const tx = new Transaction().update(keys.host(host.clusterId, host.id), {
    set: { state: 'fenced', power: 'off' },
    add: { version: 1 },
    // Whoever was emptying it has lost it.
    remove: ['draining', 'fenceConfirmed'],
    condition: '#state = :fencing',
    values: { ':fencing': 'fencing' },
    onFail: () => Object.assign(new Error(`host ${host.id} changed meanwhile`), { name: 'TryAgain' }),
  });
  emit(tx, {
    id: ids.make('event'),
    type: 'host.fenced',
    at: now,
    subject: host.id,
    data: { how, incidentId: incident.id },
  });
  await store.commit(tx);
  await noteIncident(store, incident, now, 'fence confirmed', how);
  return { fenced: true };
}

/** What both channels say of the suspect. */
export async function assessHost(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { host, incident } = await loadCase(state, deps);
  // A later pass, for the VMs that wait: the fence stands.
  if (host.state !== 'suspect') return { verdict: host.state === 'fencing' ? 'dead' : 'fenced' };
  const now = deps.clock.now();
  let verdict: string;
  let restarted = false;
  try {
    const beat = (await deps.port.heartbeats(host.siteId)).find((b) => b.hostId === host.id);
    verdict = assess(beat, now);
    restarted = verdict === 'alive' && hasRestarted(beat, host);
    if (restarted) verdict = 'dead';
  } catch (error) {
    if (!(error instanceof PortTimeout)) throw error;
    // Nothing can be said of a host whose whole site is silent; and nothing could be done there.
    verdict = 'unreachable';
  }
  const words: Record<string, string> = {
    alive: 'heartbeats are back',
    partitioned: 'its storage heartbeat goes on: only the management network is lost',
    dead: 'no heartbeat on either channel',
    unreachable: 'the whole site does not answer',
  };
  const found = restarted ? 'it has restarted meanwhile: what it ran is gone' : words[verdict];
  await noteIncident(deps.store, incident, now, 'second channel asked', found);
  return { verdict, restarted };
}
