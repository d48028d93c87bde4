import { PortTimeout } from '../../shared/hypervisor/port.ts';
import { iso } from '../../shared/kernel/clock.ts';
import { CONDITION_WORDS, type Judgement, judge, watchOf } from '../../shared/model/condition.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { type Host, hostMachine } from '../../shared/model/inventory.ts';
import { lastSign, leaseInForce } from '../../shared/model/liveness.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { emit } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { loadCase, noteIncident } from './records.ts';

/** Beyond the end of a lease, ms: clocks of hosts and cloud may differ by so much. Declared. */
const LEASE_MARGIN_MS = 1_000;

/**
 * Makes sure that the host runs nothing (HA-7). In this order: it says itself that all it ran has ended, while nothing can
 * be started on it; its power controller confirms that it is off; its agent, if it can be asked again, confirms that it
 * has stopped everything; its lease has surely run out and its watchdog with it.
 */
export async function fence(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { host, incident } = await loadCase(state, deps);
  if (host.state === 'fenced') return { fenced: true };
  if (host.state === 'suspect') await toFencing(host, deps);
  // One whose agent can be asked, since it restarted or lost its storage, need not be switched off.
  const how =
    (state.restarted ? await byAgent(host, deps) : undefined) ??
    (await byItself(host, deps)) ??
    (await byPowerController(host, deps)) ??
    (await byAgent(host, deps));
  if (how) return confirmed(host, incident, how, deps);
  const now = deps.clock.now();
  const seenAt = await lastLife(host, deps);
  const cluster = await new Inventory(deps.store, SYSTEM).cluster(host.clusterId);
  const leaseEnds = seenAt + leaseInForce(cluster, seenAt) + LEASE_MARGIN_MS;
  if (now >= leaseEnds)
    return confirmed(host, incident, `the lease ran out: no sign of life since ${iso(seenAt)}`, deps);
  await noteIncident(
    deps.store,
    incident,
    now,
    'fence waits for the lease',
    `power controller out of reach; lease ends ${iso(leaseEnds)}`,
  );
  return { fenced: false, until: iso(leaseEnds) };
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

/**
 * HA-19: an isolated host that has stopped its VMs, or one that restarted out of reach, says so by its storage; of one that
 * boots its power controller says it.
 */
async function byItself(host: Host, deps: StepDeps): Promise<string | undefined> {
  const found = await judged(host, deps);
  if (found?.fence !== 'itself') return undefined;
  return found.condition === 'dead'
    ? 'it boots, says its power controller: all it ran has ended'
    : `it says by its storage heartbeat that all it ran has ended, and it cannot be asked to start anything: ${found.condition}`;
}

/** What its signs say now; nothing while its site does not answer. */
async function judged(
  host: Host,
  { port, store, clock }: StepDeps,
): Promise<(Judgement & { armed: boolean }) | undefined> {
  const watch = watchOf(await new Inventory(store, SYSTEM).cluster(host.clusterId), clock.now());
  try {
    const beat = (await port.heartbeats(host.siteId)).find((b) => b.hostId === host.id);
    return { ...judge(beat, host, clock.now(), watch), armed: watch.armed };
  } catch (error) {
    if (error instanceof PortTimeout) return undefined;
    throw error;
  }
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
    remove: ['draining'],
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

/** What both channels say of the suspect, and whether anything may be done about it (HA-6). */
export async function assessHost(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { host, incident } = await loadCase(state, deps);
  // A later pass, for the VMs that wait: the fence stands.
  if (host.state !== 'suspect') return { verdict: host.state === 'fencing' ? 'dead' : 'fenced' };
  const now = deps.clock.now();
  const found = await judged(host, deps);
  // Nothing can be said of a host whose whole site is silent; and nothing could be done there.
  const words = found ? CONDITION_WORDS[found.condition] : 'the whole site does not answer';
  await noteIncident(deps.store, incident, now, 'second channel asked', words);
  if (!found) return { verdict: 'unreachable', restarted: false };
  const verdict = found.verdict === 'dead' && !found.armed ? 'disarmed' : found.verdict;
  return { verdict, restarted: found.fence === 'agent' };
}
