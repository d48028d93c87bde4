/**
 * Lets a host that was away serve again (HA-18).
 *
 *   Reconcile -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. Reconcile  read what runs there, kill what must not     undo: let go of the host; the next probe tries again
 * 2. Finish     online                                       undo: none, it is the end
 *
 * Until it has ended nothing is placed on the host; unwinding leaves the host reconciling.
 */
import type { Incident } from '../../shared/model/incident.ts';
import { type Host, hostMachine } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { keys } from '../../shared/store/keys.ts';
import { emit, Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { reconcileHost } from '../host/reconcile.ts';
import { claimedHost, hostKey, hostOf, stillMine } from '../host/records.ts';

export const STEPS: StepTable = {
  reconcile: { percent: 10, do: reconcile, undo: letGo },
  finish: { percent: 80, do: finish, undo: { none: 'it is the last step' } },
};

async function reconcile(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  return { ...(await reconcileHost(await claimedHost(state, deps), deps)) };
}

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await claimedHost(state, deps);
  const now = deps.clock.now();
  const incident = host.incidentId ? await deps.store.get<Incident>(keys.incident(host.incidentId)) : undefined;
  const tx = new Transaction().update(hostKey(host), {
    set: {
      state: host.state === 'online' ? 'online' : hostMachine.next(host.state, 'reconciled'),
      power: 'on',
      seenAt: now,
      servesSince: state.lookedAt as number,
      ...failsBack(host, incident),
    },
    add: { version: 1 },
    remove: ['claim', 'reason', 'incidentId'],
    ...stillMine(state),
  });
  noteReturn(tx, host, incident, {
    at: now,
    killed: Number(state.killed ?? 0),
    refusedWrites: Number(state.refusedWrites ?? 0),
  });
  emit(tx, {
    id: deps.ids.make('event'),
    type: 'host.online',
    at: now,
    subject: host.id,
    data: { killed: state.killed ?? 0 },
  });
  await deps.store.commit(tx);
  await new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    { ok: true, result: { hostId: host.id, killed: state.killed ?? 0 } },
    deps.clock,
  );
  return {};
}

/** Its incident says that it is back, and what it had gone on doing: stale processes, and writes that no volume took. */
function noteReturn(
  tx: Transaction,
  host: Host,
  incident: Incident | undefined,
  { at, killed, refusedWrites }: { at: number; killed: number; refusedWrites: number },
): void {
  if (!incident) return;
  const detail = `${killed} stale processes killed, ${refusedWrites} of their writes refused`;
  tx.update(keys.incident(incident.id), {
    set: {
      hosts: incident.hosts.map((h) => (h.id === host.id ? { ...h, backAt: at, killed, refusedWrites } : h)),
      timeline: [...incident.timeline, { at, what: `${host.name} serves again`, detail }],
    },
    add: { version: 1 },
    condition: '#version = :version',
    names: { '#version': 'version' },
    values: { ':version': incident.version },
    onFail: () => new TryAgain(`incident ${incident.id} changed meanwhile`),
  });
}

/** Incidents that are remembered for VMs that want to come back; of more the oldest are forgotten. Declared. */
const REMEMBERED = 8;

/** VMs that it lost may want to come back (`ha.failBack`): from now on the probe looks for them. */
function failsBack({ failsBack = [] }: Host, incident: Incident | undefined): Pick<Host, 'failsBack'> {
  if (!incident || incident.parts.length === 0) return {};
  return { failsBack: [...failsBack.filter((id) => id !== incident.id), incident.id].slice(-REMEMBERED) };
}

async function letGo(state: State, deps: StepDeps): Promise<void> {
  const host = await hostOf(state, deps);
  if (host.claim !== state.operationId) return;
  await deps.store.update(hostKey(host), { remove: ['claim'], add: { version: 1 }, ...stillMine(state) });
}
