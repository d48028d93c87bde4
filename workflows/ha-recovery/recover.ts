import { demandOf, SEAT } from '../../shared/hypervisor/demand.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import type { Incident, IncidentVm } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { CapacitySnapshot } from '../../shared/placement/snapshot.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { giveHost, HostFull } from '../../shared/store/ledger.ts';
import { emit } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { MAX_ACTIONS, Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { bySite, Moved, unchanged, vmKey } from '../vm/records.ts';
import { startOrder } from '../vm/start.ts';
import { arrivalsOf } from './arrivals.ts';
import { type Move, planMoves } from './plan.ts';
import { loadCase, noteIncident } from './records.ts';
import { itemsOf, wave } from './wave.ts';

/** Rounds of planning in one execution, before what is left waits for the next pass. */
const ROUNDS = 4;

/**
 * Gives every VM of the fenced host a new epoch and a new place, or lets it wait or rest, with a reason (HA-9, HA-14).
 * The incident is written ahead: a VM that a wave has taken off the failed host is no longer found there, so whoever
 * takes this step up after a crash must find it in the incident.
 */
export async function plan(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { host, incident } = await loadCase(state, deps);
  const round = Number(state.round ?? 0) + 1;
  const moves = await decideMoves(host, incident, deps);
  const count = (kind: Move['kind']) => moves.filter((m) => m.kind === kind).length;
  const detail = `${count('start')} to start, ${count('wait')} wait for capacity, ${count('rest') + count('release')} not to be started`;
  const outcomes = moves.map((m) => outcomeOf(m, host.id));
  const noted = await noteIncident(deps.store, incident, deps.clock.now(), 'planned', detail, outcomes);
  await writeMoves(moves, deps);
  const open = noted.vms.filter((v) => v.outcome === 'recovering').length;
  return { round, open: round > ROUNDS ? 0 : open };
}

function outcomeOf(move: Move, fromHost: string): IncidentVm {
  const base = { id: move.vm.id, tenantId: move.vm.tenantId, fromHost };
  if (move.kind === 'start') return { ...base, outcome: 'recovering', toHost: move.seat.hostId };
  if (move.kind === 'wait') return { ...base, outcome: 'waiting', reason: move.reason };
  if (move.kind === 'arrived')
    return {
      ...base,
      outcome: 'recovered',
      toHost: move.vm.migration?.seat.hostId,
      reason: 'it had moved away in time',
    };
  const reason = move.kind === 'rest' ? move.reason : 'an operation stops, deletes or converts it';
  return { ...base, outcome: 'stopped', reason };
}

async function decideMoves(host: Host, incident: Incident, deps: StepDeps): Promise<Move[]> {
  const inventory = new Inventory(deps.store, SYSTEM);
  const [found, hosts, cluster] = await Promise.all([
    vmsOf(host, incident, deps),
    inventory.hostsOf(host.clusterId, { consistent: true }),
    inventory.cluster(host.clusterId),
  ]);
  // Of a host that serves again only those that wait: the others run there since.
  const vms = host.state === 'fenced' ? found : found.filter((vm) => vm.hostId === null);
  const arrivals = await arrivalsOf(vms, hosts, deps);
  return planMoves(vms, { cluster, arrivals }, new CapacitySnapshot([cluster], hosts, []), deps.random);
}

/** As many moves as fit into one transaction, in their order: an action for each VM, its event, and each host. */
export function inWaves(moves: readonly Move[]): Move[][] {
  const waves: Move[][] = [];
  let items = new Set<string>();
  for (const move of moves) {
    const grown = new Set([...items, ...itemsOf(move)]);
    if (waves.length === 0 || grown.size > MAX_ACTIONS) waves.push([]);
    items = waves.at(-1)?.length ? grown : new Set(itemsOf(move));
    waves.at(-1)?.push(move);
  }
  return waves;
}

/** Writes moves in waves. A wave whose ground has shifted is planned anew from what stands there now. */
async function writeMoves(moves: readonly Move[], deps: StepDeps): Promise<void> {
  for (const some of inWaves(moves)) {
    try {
      await deps.store.commit(wave(some, deps));
    } catch (error) {
      if (error instanceof HostFull || error instanceof Moved) throw new TryAgain(error.message);
      throw error;
    }
  }
}

/** The VMs of the host: by the index, which may lag, and by the incident, where those stand that a pass sent back to it. */
async function vmsOf(host: Host, incident: Incident, { store }: StepDeps): Promise<Vm[]> {
  const data = new TenantData(store, SYSTEM);
  const indexed = await data.vmsOnHost(host.id);
  const open = incident.vms.filter(
    ({ id, outcome }) => (outcome === 'recovering' || outcome === 'waiting') && !indexed.some((vm) => vm.id === id),
  );
  const others = await Promise.all(open.map(({ id }) => data.find('vm', id)));
  return [...indexed, ...others.filter((vm): vm is Vm => vm?.runsOn === host.id)];
}

/** The VMs that this incident has placed and that nobody has taken over since. */
async function placedVms(incident: Incident, { store }: StepDeps): Promise<{ vm: Vm; entry: IncidentVm }[]> {
  const data = new TenantData(store, SYSTEM);
  const open = incident.vms.filter((v) => v.outcome === 'recovering');
  const found = await Promise.all(open.map(async (entry) => ({ entry, vm: await data.find('vm', entry.id) })));
  return found.filter((f): f is { vm: Vm; entry: IncidentVm } => f.vm !== undefined);
}

/** Rebuilds the VMs on their new hosts from the saved specification, with all their volumes (HA-4, HA-5). */
export async function start(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { incident } = await loadCase(state, deps);
  const placed = (await placedVms(incident, deps)).filter(
    ({ vm, entry }) => vm.hostId === entry.toHost && vm.state === 'faultResuming',
  );
  const outcomes: IncidentVm[] = [];
  let readyAt = deps.clock.now();
  for (const [siteId, group] of bySite(placed.map(({ vm }) => vm))) {
    const results = await deps.port.startVms(
      siteId,
      group.map((vm) => startOrder(vm, vm.hostId as string)),
    );
    for (const result of results) {
      const entry = placed.find(({ vm }) => vm.id === result.vmId)?.entry as IncidentVm;
      if (result.readyAt !== undefined) {
        readyAt = Math.max(readyAt, result.readyAt);
        outcomes.push({ ...entry, readyAt: result.readyAt });
      } else
        outcomes.push({
          ...entry,
          reason: `${result.outcome} on ${result.hostId}${result.reason ? `: ${result.reason}` : ''}`,
        });
    }
  }
  await noteIncident(
    deps.store,
    incident,
    deps.clock.now(),
    'started',
    `${outcomes.filter((o) => o.readyAt).length} of ${placed.length} orders taken`,
    outcomes,
  );
  return { bootSeconds: Math.max(1, Math.ceil((readyAt - deps.clock.now()) / SECOND)) };
}

/**
 * Done means seen running (HA-21). A VM whose start was refused, or that died, goes back to planning. One whose new host
 * has gone silent is waited for: either that host answers again, or its own incident takes the VM over.
 */
export async function confirm(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { host, incident } = await loadCase(state, deps);
  const outcomes: IncidentVm[] = [];
  const again: Vm[] = [];
  let booting = 0;
  const placed = await placedVms(incident, deps);
  for (const [siteId, group] of bySite(placed.map(({ vm }) => vm))) {
    const asked = group.filter((vm) => vm.hostId !== null && vm.state === 'faultResuming');
    const seen = await deps.port.inspectVms(
      siteId,
      asked.map((vm) => ({ vmId: vm.id, hostId: vm.hostId as string })),
    );
    const stateOf = new Map(seen.map((o) => [o.vmId, o]));
    for (const vm of group) {
      const entry = placed.find((p) => p.vm.id === vm.id)?.entry as IncidentVm;
      const observed = stateOf.get(vm.id);
      if (vm.state === 'running') outcomes.push(recovered(entry, incident, deps));
      else if (vm.hostId === null && vm.state === 'faultResuming')
        outcomes.push({ ...entry, outcome: 'waiting', reason: vm.reason ?? 'its start failed' });
      else if (vm.hostId !== entry.toHost || vm.state !== 'faultResuming')
        outcomes.push({ ...entry, outcome: 'stopped', reason: `taken over: it is ${vm.state} now` });
      else if (observed?.state === 'running' && observed.epoch === vm.epoch) {
        if (await markRunning(vm, deps)) outcomes.push(recovered(entry, incident, deps));
        else booting++;
      } else if (observed?.state === 'starting' || observed?.state === 'unreachable') booting++;
      else again.push(vm);
    }
  }
  if (outcomes.length > 0)
    await noteIncident(
      deps.store,
      incident,
      deps.clock.now(),
      'confirmed',
      `${outcomes.filter((o) => o.outcome === 'recovered').length} seen running`,
      outcomes,
    );
  if (booting > 0) throw new TryAgain(`${booting} VMs still boot`);
  await sendBack(again, host.id, deps);
  return { open: again.length };
}

const recovered = (entry: IncidentVm, incident: Incident, { clock }: StepDeps): IncidentVm => {
  const readyAt = entry.readyAt ?? clock.now();
  const { reason: _, ...rest } = entry;
  return {
    ...rest,
    outcome: 'recovered',
    readyAt,
    rtoSeconds: Math.round((readyAt - (incident.timeline[0]?.at ?? incident.openedAt)) / 100) / 10,
  };
};

async function markRunning(vm: Vm, deps: StepDeps): Promise<boolean> {
  const tx = new Transaction().update(vmKey(vm), {
    set: { state: vmMachine.next(vm.state, 'recovered') },
    add: { version: 1 },
    remove: ['reason'],
    ...unchanged(vm),
  });
  emit(tx, {
    id: deps.ids.make('event', tagOfTenant(vm.tenantId)),
    type: 'vm.recovered',
    at: deps.clock.now(),
    tenantId: vm.tenantId,
    subject: vm.id,
    data: { epoch: vm.epoch },
  });
  try {
    await deps.store.commit(tx);
    return true;
  } catch (error) {
    if (error instanceof Moved) return false;
    throw error;
  }
}

/** Back to the index of the failed host, so that the next round plans it; the start that failed is made sure to be over. */
async function sendBack(vms: readonly Vm[], failedHost: string, deps: StepDeps): Promise<void> {
  for (const [siteId, group] of bySite(vms)) {
    const stops = await deps.port.stopVms(
      siteId,
      group.map((vm) => ({ vmId: vm.id, hostId: vm.hostId as string, epoch: vm.epoch })),
    );
    if (stops.some((s) => s.outcome === 'unreachable')) throw new TryAgain('a host of a failed start cannot be asked');
  }
  for (const vm of vms) {
    const tx = new Transaction().update(vmKey(vm), {
      set: { hostId: null, runsOn: failedHost },
      add: { version: 1 },
      remove: [...SEAT],
      ...unchanged(vm),
    });
    giveHost(tx, { clusterId: vm.clusterId, id: vm.hostId as string }, demandOf(vm));
    await deps.store.commit(tx);
  }
}
