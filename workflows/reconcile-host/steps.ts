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
import { settingsOf } from '../../shared/hypervisor/host-settings.ts';
import { hostMachine } from '../../shared/model/inventory.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { emit, Operations } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';

export const STEPS: StepTable = {
  reconcile: { percent: 10, do: reconcile, undo: letGo },
  finish: { percent: 80, do: finish, undo: { none: 'it is the last step' } },
};

async function heldHost(state: State, { store }: StepDeps) {
  const host = await new Inventory(store, SYSTEM).host(state.hostId as string);
  if (host.claim !== state.operationId)
    throw new GiveUp('not-ours', `host ${host.id} is held by ${host.claim ?? 'nobody'}`);
  return host;
}

/** A process is legal where the VM is believed to be, with its present epoch, and where a migration may have brought it. */
const belongs = (vm: Vm | undefined, hostId: string, epoch: number): boolean =>
  (vm?.hostId === hostId && vm.epoch === epoch) ||
  (vm?.migration?.seat.hostId === hostId && vm.migration.epoch === epoch);

async function reconcile(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await heldHost(state, deps);
  const lookedAt = deps.clock.now();
  const [listed] = await deps.port.listProcesses(host.siteId, [host.id]);
  if (!listed) throw new TryAgain(`host ${host.id} cannot be asked yet`);
  const data = new TenantData(deps.store, SYSTEM);
  const stale = [];
  for (const p of listed.processes) {
    const vm = await data.find('vm', p.vmId);
    if (!belongs(vm, host.id, p.epoch)) stale.push({ vmId: p.vmId, hostId: host.id, epoch: p.epoch });
  }
  const stops = await deps.port.stopVms(host.siteId, stale);
  if (stops.some((s) => s.outcome === 'unreachable')) throw new TryAgain(`host ${host.id} went silent again`);
  // While it was away its settings may have been changed.
  const cluster = await new Inventory(deps.store, SYSTEM).cluster(host.clusterId);
  const [told] = await deps.port.configureHosts(host.siteId, [settingsOf(host, cluster)]);
  if (told?.outcome === 'unreachable') throw new TryAgain(`host ${host.id} went silent again`);
  return { killed: stale.length, lookedAt };
}

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await heldHost(state, deps);
  const now = deps.clock.now();
  const tx = new Transaction().update(keys.host(host.clusterId, host.id), {
    set: {
      state: host.state === 'online' ? 'online' : hostMachine.next(host.state, 'reconciled'),
      power: 'on',
      seenAt: now,
      servesSince: state.lookedAt as number,
    },
    add: { version: 1 },
    remove: ['claim'],
    condition: '#claim = :mine',
    values: { ':mine': state.operationId },
    onFail: () => new TryAgain(`host ${host.id} changed meanwhile`),
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

async function letGo(state: State, deps: StepDeps): Promise<void> {
  const host = await new Inventory(deps.store, SYSTEM).host(state.hostId as string);
  if (host.claim !== state.operationId) return;
  await deps.store.update(keys.host(host.clusterId, host.id), { remove: ['claim'], add: { version: 1 } });
}
