import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { allocatedOf, type Host, hostMachine, promisedBy } from '../../shared/model/inventory.ts';
import { isFinal } from '../../shared/model/operation.ts';
import type { Seat, Vm } from '../../shared/model/vm.ts';
import { type Leaving, planEvacuation } from '../../shared/placement/evacuation.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { HostFull } from '../../shared/store/ledger.ts';
import { clusterPicture, migrationBegins } from '../../shared/store/moves.ts';
import { accept, emit, newOperation, Operations } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { Moved } from '../vm/records.ts';
import { hostKey, hostOf } from './records.ts';

/** Migrations of one VM before the host is given up on. */
const ATTEMPTS = 3;
/** VMs that are named when it is. */
const NAMED = 20;

/** How the migrations of a VM have gone that this evacuation has begun. */
interface Tries {
  failed: number;
  why: string;
  /** The last one has let go of the VM, but has not ended yet. */
  ending?: boolean;
}

/**
 * One pass over a host that is being emptied (ELA-6): a migration is begun for each VM that has none. Ends when nothing
 * is held there any more; until then the state machine comes again. Nothing is kept in between: what was tried stands in
 * the operations of the migrations.
 */
export async function evacuate(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await drainingHost(state, deps);
  if (host.claim === state.operationId) return {};
  if (host.state !== 'online') throw new TryAgain(`host ${host.id} is ${host.state}`);
  const found = await new TenantData(deps.store, SYSTEM).vmsOnHost(host.id);
  const vms = found.filter((vm) => vm.hostId === host.id);
  if (vms.length > 0) await moveAway(host, vms, state, deps);
  const left = await drainingHost(state, deps);
  if (Object.values(allocatedOf(left)).some((held) => held !== 0))
    throw new TryAgain(`${vms.length} VMs are on host ${host.id} yet`);
  return {};
}

/** @throws GiveUp when it is not being emptied by this execution any more: it has failed, and its VMs were taken over */
async function drainingHost(state: State, deps: StepDeps): Promise<Host> {
  const host = await hostOf(state, deps);
  if (host.draining !== state.operationId && host.claim !== state.operationId)
    throw new GiveUp('host-failed', `host ${host.id} failed while it was emptied; it is ${host.state}`);
  return host;
}

async function moveAway(host: Host, vms: readonly Vm[], state: State, deps: StepDeps): Promise<void> {
  const plan = planEvacuation(vms, await clusterPicture(deps.store, host.clusterId));
  const tries = new Map<string, Tries>();
  for (const { vm, kind } of plan) if (kind === 'moves') tries.set(vm.id, await triesOf(vm, state, deps));
  const why = plan.flatMap((leaving) => whyNot(leaving, tries.get(leaving.vm.id)));
  if (why.length > 0) {
    // Room may come back with a host that is being judged right now.
    const hosts = await new Inventory(deps.store, SYSTEM).hostsOf(host.clusterId, { consistent: true });
    const judged = hosts.find((h) => ['suspect', 'fencing', 'reconciling'].includes(h.state));
    if (judged) throw new TryAgain(`host ${judged.id} is ${judged.state}`);
    const more = why.length > NAMED ? `; and ${why.length - NAMED} more` : '';
    throw new GiveUp('vms-stay', `${why.length} VMs cannot leave the host: ${why.slice(0, NAMED).join('; ')}${more}`);
  }
  for (const leaving of plan) {
    const tried = tries.get(leaving.vm.id);
    if (leaving.kind === 'moves' && tried && !tried.ending)
      await beginMove(leaving.vm, leaving.seat, tried.failed, state, deps);
  }
}

function whyNot(leaving: Leaving, tries: Tries | undefined): string[] {
  const { vm } = leaving;
  const said = (words: string) => [`${vm.name} (${vm.id}): ${words}`];
  if (leaving.kind === 'stuck') return said(leaving.reasons.map((r) => `${r.reason} (${r.rule})`).join(', '));
  return tries && tries.failed >= ATTEMPTS ? said(`${tries.failed} migrations failed, the last one: ${tries.why}`) : [];
}

/** The last operation of a VM tells whether it was a migration of this evacuation, and which. */
async function triesOf(vm: Vm, state: State, { store }: StepDeps): Promise<Tries> {
  const last = await new Operations(store, SYSTEM).find(vm.operationId);
  if (last?.input.evacuation !== state.operationId) return { failed: 0, why: '' };
  if (!isFinal(last.state)) return { failed: 0, why: '', ending: true };
  return { failed: Number(last.input.attempt), why: last.error?.message ?? 'no reason was given' };
}

/** A VM that was not moved for want of bandwidth is slowed down the next time (MIG-4). */
async function beginMove(vm: Vm, seat: Seat, failed: number, state: State, deps: StepDeps): Promise<void> {
  const operation = newOperation({
    id: deps.ids.make('operation', tagOfTenant(vm.tenantId)),
    kind: 'migrate-vm',
    tenantId: vm.tenantId,
    target: vm.id,
    input: { vms: [vm.id], evacuation: state.operationId, attempt: failed + 1 },
    createdAt: deps.clock.now(),
  });
  const options = failed > 0 ? { autoConverge: true } : {};
  const tx = migrationBegins(vm, { seat, options }, operation, () => new Moved(vm.id));
  accept(tx, operation);
  try {
    await deps.store.commit(tx);
  } catch (error) {
    // The next pass plans it anew from what stands there then.
    if (!(error instanceof HostFull || error instanceof Moved)) throw error;
  }
}

/** From online to maintenance in one write, if nothing is held there. The host is claimed from then on. */
export async function enterMaintenance(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await drainingHost(state, deps);
  if (host.claim === state.operationId) return {};
  const promised = Object.entries(promisedBy(host));
  const tx = new Transaction().update(hostKey(host), {
    set: { state: hostMachine.next('online', 'enterMaintenance'), claim: state.operationId },
    add: { version: 1 },
    remove: ['draining'],
    condition: [
      '#state = :online',
      '#draining = :mine',
      'attribute_not_exists(#claim)',
      '(attribute_not_exists(#waiting) OR #waiting = :none)',
      ...promised.map(([d]) => `#free.#${d} = :${d}`),
    ].join(' AND '),
    names: {
      '#waiting': 'waiting',
      '#free': 'free',
      ...Object.fromEntries(promised.map(([d]) => [`#${d}`, d])),
    },
    values: {
      ':online': 'online',
      ':mine': state.operationId,
      ':none': 0,
      ...Object.fromEntries(promised.map(([d, n]) => [`:${d}`, n])),
    },
    onFail: () => new TryAgain(`something is still held on host ${host.id}`),
  });
  emit(tx, {
    id: deps.ids.make('event'),
    type: 'host.maintenance',
    at: deps.clock.now(),
    subject: host.id,
    data: { operationId: state.operationId },
  });
  await deps.store.commit(tx);
  return {};
}

/** The host serves on as it was. Migrations that are under way end by themselves. */
export async function stopDraining(state: State, deps: StepDeps): Promise<void> {
  const host = await hostOf(state, deps);
  if (host.draining !== state.operationId) return;
  await deps.store.update(hostKey(host), {
    remove: ['draining'],
    add: { version: 1 },
    condition: '#draining = :mine',
    values: { ':mine': state.operationId },
    onFail: () => new TryAgain(`host ${host.id} changed meanwhile`),
  });
}

/** Out of maintenance again: the probe finds that the host answers, and has it reconciled. */
export async function leaveMaintenance(state: State, deps: StepDeps): Promise<void> {
  const host = await hostOf(state, deps);
  if (host.claim !== state.operationId || host.state !== 'maintenance') return;
  await deps.store.update(hostKey(host), {
    set: { state: hostMachine.next(host.state, 'exitMaintenance') },
    remove: ['claim'],
    add: { version: 1 },
    condition: '#claim = :mine',
    values: { ':mine': state.operationId },
    onFail: () => new TryAgain(`host ${host.id} changed meanwhile`),
  });
}
