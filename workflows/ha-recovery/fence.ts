import { iso } from '../../shared/kernel/clock.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { type Host, hostMachine } from '../../shared/model/inventory.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { keys } from '../../shared/store/keys.ts';
import { emit } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { changed, hostsOf, incidentUpdate, loadCase, withLine, writeIncident } from './case.ts';
import { agent } from './fencers/agent.ts';
import type { Fencer } from './fencers/fencer.ts';
import { itself } from './fencers/itself.ts';
import { firstLeaseEnd, lease } from './fencers/lease.ts';
import { person, WORD_EVERY_MS } from './fencers/person.ts';
import { POWERED_OFF, powerController } from './fencers/power-controller.ts';
import { splitOff } from './split.ts';

/** The ways to be sure, in the order in which they are tried. */
const FENCERS: readonly Fencer[] = [itself, powerController, agent, person, lease];

/** Hosts that one transaction fences, beside the incident and the event. */
const HOSTS_AT_ONCE = 90;

/**
 * Makes sure that the hosts of the incident run nothing (HA-7). Those for which nobody can be sure yet get an incident of
 * their own, so that the others' VMs need not wait for them; when it is none, their lease is waited for.
 */
export async function fence(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const incident = await loadCase(state, deps);
  const hosts = await hostsOf(incident, deps);
  const pending = hosts.filter((h) => h.state === 'suspect' || h.state === 'fencing');
  if (pending.length === 0) return { fenced: true };
  const how = await fenceAll(incident.siteId, pending, new Set((state.agentFirst as string[] | undefined) ?? []), deps);
  const sure = pending.filter((h) => how.has(h.id));
  const unsure = pending.filter((h) => !how.has(h.id));
  await clearWaits(sure, deps);
  await toFencing(unsure, deps);
  await sayWaits(unsure, deps);
  let rest = incident;
  for (let i = 0; i < sure.length; i += HOSTS_AT_ONCE)
    rest = await confirmFenced(rest, sure.slice(i, i + HOSTS_AT_ONCE), how, deps);
  if (unsure.length === 0) return { fenced: true };
  // Others may be fenced already, by a try that ended there.
  if (pending.length < hosts.length || sure.length > 0) {
    await splitOff(rest, unsure, 'their fence waits for their lease', deps, { begin: true });
    return { fenced: true };
  }
  const now = deps.clock.now();
  const ends = await firstLeaseEnd(incident.siteId, unsure, deps);
  const line = `power controller out of reach; lease ends ${iso(ends)}`;
  await writeIncident(deps.store, rest, withLine(rest, now, 'fence waits for the lease', line));
  // A lease that has ended, of a host whose signs of life cannot be read, is looked at again later.
  const next = now + WORD_EVERY_MS;
  return { fenced: false, until: iso(ends > now ? Math.min(ends, next) : next) };
}

const FENCE_WAITS = 'fence-waits';

/** An alarm while nobody can be sure of a host (S2: fenceFailed): its VMs wait for that. */
async function sayWaits(hosts: readonly Host[], { store, ids, clock }: StepDeps): Promise<void> {
  for (const { id, name } of hosts) {
    const text = `Host ${name} cannot be fenced: its VMs wait until its lease has run out, or somebody confirms that it runs nothing`;
    await raiseAlarm(store, ids, { code: FENCE_WAITS, object: id, severity: 'critical', text }, clock.now());
  }
}

/** Before the fence is written down: a step that breaks in between clears it again. Only of hosts that may have it. */
async function clearWaits(hosts: readonly Host[], { store, ids, clock }: StepDeps): Promise<void> {
  for (const { id } of hosts.filter((h) => h.state === 'fencing'))
    await clearAlarm(store, ids, FENCE_WAITS, id, clock.now());
}

/** For which hosts somebody is sure, and how. One whose agent can be asked, as after a restart, need not be switched off. */
async function fenceAll(
  siteId: string,
  hosts: readonly Host[],
  agentFirst: ReadonlySet<string>,
  deps: StepDeps,
): Promise<Map<string, string>> {
  const how = new Map<string, string>();
  const ask = async (fencer: Fencer, some: readonly Host[]) => {
    const left = some.filter((h) => !how.has(h.id));
    if (left.length > 0) for (const [id, words] of await fencer.fence(siteId, left, deps)) how.set(id, words);
  };
  await ask(
    agent,
    hosts.filter((h) => agentFirst.has(h.id)),
  );
  for (const fencer of FENCERS) await ask(fencer, hosts);
  return how;
}

/** That a fence is under way is shown where it takes longer than this step. */
async function toFencing(hosts: readonly Host[], { store }: StepDeps): Promise<void> {
  for (const host of hosts.filter((h) => h.state === 'suspect'))
    await store.update(keys.host(host.clusterId, host.id), {
      set: { state: hostMachine.next('suspect', 'secondChannelDead') },
      add: { version: 1 },
      condition: '#state = :suspect',
      values: { ':suspect': 'suspect' },
      onFail: changed(`host ${host.id}`),
    });
}

async function confirmFenced(
  incident: Incident,
  hosts: readonly Host[],
  how: ReadonlyMap<string, string>,
  { store, ids, clock }: StepDeps,
): Promise<Incident> {
  const now = clock.now();
  const words = [...Map.groupBy(hosts, (h) => how.get(h.id) as string)].map(([said, some]) =>
    hosts.length === 1 ? said : `${some.map((h) => h.name).join(', ')}: ${said}`,
  );
  const fenced = new Set(hosts.map((h) => h.id));
  const is = withLine(incident, now, 'fence confirmed', words.join('; '), {
    hosts: incident.hosts.map((h) =>
      fenced.has(h.id) ? { ...h, fencedAt: now, fencedBy: how.get(h.id) as string } : h,
    ),
  });
  const tx = new Transaction().update(keys.incident(incident.id), incidentUpdate(incident, is));
  for (const host of hosts)
    tx.update(keys.host(host.clusterId, host.id), {
      set: { state: 'fenced', ...(how.get(host.id) === POWERED_OFF ? { power: 'off' } : {}) },
      add: { version: 1 },
      // Whoever was emptying it has lost it.
      remove: ['draining', 'fenceConfirmed'],
      condition: '#state IN (:suspect, :fencing)',
      values: { ':suspect': 'suspect', ':fencing': 'fencing' },
      onFail: changed(`host ${host.id}`),
    });
  emit(tx, {
    id: ids.make('event'),
    type: 'host.fenced',
    at: now,
    subject: hosts.length === 1 ? (hosts[0] as Host).id : incident.id,
    data: { incidentId: incident.id, hosts: hosts.map((h) => h.id), how: words },
  });
  await store.commit(tx);
  return is;
}
