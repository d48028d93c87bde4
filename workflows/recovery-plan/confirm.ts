import type { Observation } from '../../shared/hypervisor/port.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import type { ExecutionPart, ExecutionVm } from '../../shared/model/execution.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { emit } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { MAX_ACTIONS, Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { nextLook } from '../vm/look.ts';
import { bySite, unchanged, vmKey } from '../vm/records.ts';
import { again } from './again.ts';
import { loadCase } from './case.ts';
import { passGate } from './gate.ts';
import { entriesOf, readParts, subjectOf, withEntries, writeParts } from './parts.ts';
import { prioritiesIn, type Turn } from './start.ts';

/** A host that is silent, or a recovery that works on a VM, is waited for so many looks. Longer than a fence. Declared. */
const MOST_LOOKS = 60;
/** VMs of one call of the port. */
const ASKED_AT_ONCE = 1_000;

type Seen = 'running' | 'booting' | 'moved' | 'unsure' | 'over' | 'gone';

/**
 * Done means seen running (HA-21). A start that has failed is tried on another host; the next priority comes when every VM
 * of this one serves or has failed (DR-11).
 */
export async function confirmWave(state: State, deps: StepDeps): Promise<Turn> {
  const at = Number(state.at ?? 0);
  const found = await loadCase(state, deps);
  const parts = await readParts(found.execution, deps.store);
  const entries = entriesOf(parts);
  const priority = prioritiesIn(entries)[at] as number;
  const open = entries.filter((entry) => entry.priority === priority && entry.outcome === 'starting');
  const vms = new Map((await new TenantData(deps.store, SYSTEM).vmsById(open.map(subjectOf))).map((vm) => [vm.id, vm]));
  const seen = await lookAt(open, vms, state, deps);
  const looks = Number(state.looks ?? 0) + 1;
  const of = (...kinds: Seen[]) => open.filter((entry) => kinds.includes(seen.get(entry.id) as Seen));
  const waits = [...of('booting'), ...(looks < MOST_LOOKS ? of('unsure') : [])];
  const running = of('running').map((entry) => readyEntry(entry, deps));
  await letRun(
    running.flatMap((entry) => vms.get(subjectOf(entry)) ?? []),
    state,
    deps,
  );
  const gone = of('gone').map((entry) => goneEntry(entry, vms.get(subjectOf(entry))));
  const over = [...of('over'), ...(looks < MOST_LOOKS ? [] : of('unsure'))];
  const tried = await again(found, over, vms, String(state.operationId), deps);
  const moved = of('moved').map((entry) => movedEntry(entry, vms.get(subjectOf(entry)) as Vm));
  const said = [...running, ...gone, ...moved, ...tried];
  await writeParts(parts, withEntries(parts, said), deps.store, tellReady(found.execution.id, deps));
  const now = deps.clock.now();
  if ([...moved, ...tried].some((entry) => entry.outcome === 'starting'))
    return { turn: 'start', seconds: 0, at, looks };
  if (waits.length > 0) {
    const ready = waits.map((entry) => entry.readyAt ?? now);
    return { turn: 'boot', seconds: nextLook(ready, now), at, looks };
  }
  return next(state, found, priority, entries, deps);
}

/** What comes after a priority: its steps, its delay, the next one. */
async function next(
  state: State,
  found: Awaited<ReturnType<typeof loadCase>>,
  priority: number,
  entries: readonly ExecutionVm[],
  deps: StepDeps,
): Promise<Turn> {
  const at = Number(state.at ?? 0);
  const ids = entries.map((entry) => entry.id);
  const fresh = await loadCase(state, deps);
  const gate = await passGate(fresh, 'afterStart', priority, ids, deps);
  if ('seconds' in gate) return { turn: 'boot', seconds: gate.seconds, at };
  const missed = gate.failed ? { missed: [...((state.missed as string[]) ?? []), gate.failed] } : {};
  const last = at + 1 >= prioritiesIn(entries).length;
  const delay = last ? 0 : (found.plan.delays?.[String(priority)] ?? 0);
  return { turn: last ? 'done' : 'start', seconds: delay, at: at + 1, looks: 0, ...missed };
}

async function lookAt(
  open: readonly ExecutionVm[],
  vms: ReadonlyMap<string, Vm>,
  state: State,
  { port }: StepDeps,
): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  const asked: { id: string; vm: Vm }[] = [];
  for (const entry of open) {
    const vm = vms.get(subjectOf(entry));
    if (isReady(entry, vm)) seen.set(entry.id, 'running');
    else if (!vm || vm.claim !== state.operationId) seen.set(entry.id, 'gone');
    // A recovery of its host has taken it over meanwhile, and brings it up.
    else if (vm.state === 'running') seen.set(entry.id, 'running');
    else if (vm.state === 'faultResuming') seen.set(entry.id, 'unsure');
    else if (vm.state !== 'starting' || vm.hostId === null) seen.set(entry.id, 'gone');
    // It was given another host, and this broke off before that was written down.
    else if (vm.epoch !== entry.epoch) seen.set(entry.id, 'moved');
    else asked.push({ id: entry.id, vm });
  }
  for (const [siteId, all] of bySite(asked.map(({ id, vm }) => ({ id, vm, siteId: vm.siteId }))))
    for (let i = 0; i < all.length; i += ASKED_AT_ONCE) {
      const some = all.slice(i, i + ASKED_AT_ONCE);
      const found = await port.inspectVms(
        siteId,
        some.map(({ vm }) => ({ vmId: vm.id, hostId: vm.hostId as string })),
      );
      for (const [n, { id, vm }] of some.entries()) seen.set(id, verdict(found[n], vm));
    }
  return seen;
}

function verdict(observed: Observation | undefined, vm: Vm): Seen {
  if (!observed || observed.state === 'unreachable') return 'unsure';
  if (observed.epoch !== vm.epoch) return 'over';
  if (observed.state === 'running') return 'running';
  return observed.state === 'starting' ? 'booting' : 'over';
}

const readyEntry = (entry: ExecutionVm, { clock }: StepDeps): ExecutionVm => {
  const { reason: _, ...rest } = entry;
  return { ...rest, outcome: 'ready', readyAt: Math.min(entry.readyAt ?? clock.now(), clock.now()) };
};

/** Seen running and let go of already, with this very start. */
export const isReady = (entry: ExecutionVm, vm: Vm | undefined): boolean =>
  vm !== undefined && vm.claim === undefined && vm.state === 'running' && vm.epoch === entry.epoch;

const movedEntry = ({ readyAt: _, ...entry }: ExecutionVm, { hostId, epoch }: Vm): ExecutionVm => ({
  ...entry,
  ...(hostId ? { hostId } : {}),
  epoch,
});

const goneEntry = (entry: ExecutionVm, vm: Vm | undefined): ExecutionVm => ({
  ...entry,
  outcome: 'failed',
  reason: vm ? (vm.reason ?? `something else has taken it over: it is ${vm.state}`) : 'it was deleted',
});

/** Writes that they were seen running, and lets go of them: as many in one transaction as fit. */
export async function letRun(vms: readonly Vm[], state: State, { store }: StepDeps): Promise<void> {
  const held = vms.filter((vm) => vm.claim === state.operationId);
  for (let i = 0; i < held.length; i += MAX_ACTIONS) {
    const tx = new Transaction();
    for (const vm of held.slice(i, i + MAX_ACTIONS))
      tx.update(vmKey(vm), {
        set: { state: vm.state === 'running' ? vm.state : vmMachine.next(vm.state, 'startDone') },
        add: { version: 1 },
        remove: ['claim', 'reason', 'recovery'],
        ...unchanged(vm),
      });
    await store.commit(tx);
  }
}

/** One event for the VMs of a part: it says of a tenant's VMs only. */
const tellReady =
  (executionId: string, { ids, clock }: StepDeps) =>
  (tx: Transaction, before: ExecutionPart, after: ExecutionPart): void => {
    const vms = Object.values(after.vms).filter((v) => v.outcome === 'ready' && before.vms[v.id]?.outcome !== 'ready');
    if (vms.length === 0) return;
    emit(tx, {
      id: ids.make('event', tagOfTenant(after.tenantId)),
      type: 'vm.running',
      at: clock.now(),
      tenantId: after.tenantId,
      subject: vms.length === 1 ? subjectOf(vms[0] as ExecutionVm) : executionId,
      data: { vms: vms.map((v) => ({ id: subjectOf(v), epoch: v.epoch })) },
    });
  };
