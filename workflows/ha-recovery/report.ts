import { flaps } from '../../shared/model/flapping.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { type Host, hostMachine } from '../../shared/model/inventory.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { keys } from '../../shared/store/keys.ts';
import { accept, emit, Operations, tellSettings } from '../../shared/store/outbox.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { loadCase, noteIncident } from './records.ts';

/** Ends the pass: the incident is closed, or stays open for what waits, with alarms; the host is let go of. */
export async function report(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { host, incident } = await loadCase(state, deps);
  const now = deps.clock.now();
  const end = ending(host, incident, String(state.verdict));
  for (const alarm of end.alarms) await raiseAlarm(deps.store, deps.ids, alarm, now);
  for (const vm of incident.vms.filter((v) => v.outcome === 'recovered'))
    await clearAlarm(deps.store, deps.ids, 'vm-waits', vm.id, now);
  await noteIncident(deps.store, incident, now, end.words, undefined, [], {
    state: end.incident,
    ...(end.incident === 'open' ? {} : { closedAt: now }),
  });
  const tx = new Transaction().update(keys.host(host.clusterId, host.id), {
    ...end.host,
    set: { ...end.host.set, waiting: end.waiting, triedAt: now },
    add: { version: 1 },
    remove: ['claim', ...(end.incident === 'open' ? [] : ['incidentId'])],
    condition: '#claim = :mine',
    values: { ':mine': state.operationId },
    onFail: () => Object.assign(new Error(`host ${host.id} changed meanwhile`), { name: 'TryAgain' }),
  });
  if (end.incident === 'closed')
    emit(tx, {
      id: deps.ids.make('event'),
      type: 'incident.closed',
      at: now,
      subject: incident.id,
      data: { hostId: host.id, vms: incident.vms.length },
    });
  if (end.host.set?.state === 'online') accept(tx, tellSettings(deps.ids, host.id, now));
  await deps.store.commit(tx);
  const recovered = incident.vms.filter((v) => v.outcome === 'recovered').length;
  await new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    { ok: true, result: { verdict: state.verdict, recovered, waiting: end.waiting, incidentId: incident.id } },
    deps.clock,
  );
  return {};
}

interface Ending {
  words: string;
  incident: Incident['state'];
  waiting: number;
  host: Pick<UpdateSpec, 'set'>;
  alarms: Parameters<typeof raiseAlarm>[2][];
}

/** How the pass ends, from its verdict. Pure. */
export function ending(host: Host, incident: Incident, verdict: string): Ending {
  if (verdict === 'alive') {
    return {
      words: 'false alarm: the host was never gone',
      incident: 'falseAlarm',
      waiting: 0,
      // One that flaps serves again when it has been steady; the probe sees to that.
      host: flaps(host) ? {} : { set: { state: hostMachine.next('suspect', 'heartbeatBack') } },
      alarms: [],
    };
  }
  // The probe has raised the alarm of its condition, and clears it.
  if (verdict === 'partitioned' || verdict === 'unreachable' || verdict === 'disarmed')
    return {
      words: verdict === 'disarmed' ? 'nothing is restarted: HA of its cluster is disarmed' : 'nothing is restarted',
      incident: 'open',
      waiting: 0,
      host: {},
      alarms: [],
    };
  const waiting = incident.vms.filter((v) => v.outcome === 'waiting' || v.outcome === 'recovering');
  if (waiting.length > 0) {
    const alarms = waiting.map((v) => ({
      code: 'vm-waits',
      object: v.id,
      severity: 'critical' as const,
      text: `VM ${v.id} waits to be recovered: ${v.reason ?? 'its start failed'}`,
    }));
    return {
      words: `${waiting.length} VMs wait and are tried again`,
      incident: 'open',
      waiting: waiting.length,
      host: {},
      alarms,
    };
  }
  return { words: 'every VM is accounted for', incident: 'closed', waiting: 0, host: {}, alarms: [] };
}

/** When the pass breaks: the host is let go of, so that the next probe can start another one. Nothing else is undone. */
export async function letGo(state: State, deps: StepDeps): Promise<void> {
  await deps.store
    .update(keys.host(String(state.clusterId), String(state.hostId)), {
      set: { waiting: 1, triedAt: deps.clock.now() },
      remove: ['claim'],
      condition: '#claim = :mine',
      values: { ':mine': state.operationId },
      onFail: () => new Gone(),
    })
    .catch((error) => {
      if (!(error instanceof Gone)) throw error;
    });
}

class Gone extends Error {}
