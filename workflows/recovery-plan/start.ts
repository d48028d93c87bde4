import type { StartOrder, StartResult } from '../../shared/hypervisor/port.ts';
import type { ExecutionVm } from '../../shared/model/execution.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { startWaves } from '../../shared/recovery/waves.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { nextLook } from '../vm/look.ts';
import { bySite } from '../vm/records.ts';
import { startOrder } from '../vm/start.ts';
import { type Case, enterPhase, loadCase } from './case.ts';
import { passGate } from './gate.ts';
import { entriesOf, readParts, subjectOf, withEntries, writeParts } from './parts.ts';

/** Orders of one call of the port; a call of a function carries at most 6 MB. */
const ORDERS_AT_ONCE = 250;

/** What the machine does next: waits `seconds` and looks again, orders starts, or goes on to the end. */
export type Turn = {
  turn: 'wait' | 'boot' | 'start' | 'down' | 'done';
  seconds: number;
  at: number;
  [more: string]: unknown;
};

/** Priorities that the execution has VMs of, in the order of their start. */
export const prioritiesIn = (entries: readonly ExecutionVm[]): number[] =>
  [...new Set(entries.map((entry) => entry.priority))].sort((a, b) => a - b);

/**
 * Starts the VMs of one priority, when the steps of the plan before it are passed (DR-11). All are ordered at once: one that
 * depends on others boots when these serve.
 */
export async function startWave(state: State, deps: StepDeps): Promise<Turn> {
  const at = Number(state.at ?? 0);
  let found = await loadCase(state, deps);
  const parts = await readParts(found.execution, deps.store);
  const entries = entriesOf(parts);
  const priority = prioritiesIn(entries)[at];
  if (priority === undefined) return { turn: 'done', seconds: 0, at };
  const gate = await passGate(
    found,
    'beforeStart',
    priority,
    entries.map((entry) => entry.id),
    deps,
  );
  if ('seconds' in gate) return { turn: 'wait', seconds: gate.seconds, at };
  found = await enterPhase({ ...found, execution: gate.execution }, `start priority ${priority}`, deps);
  const mine = entries.filter((entry) => entry.priority === priority && entry.outcome === 'starting');
  const vms = await new TenantData(deps.store, SYSTEM).vmsById(mine.map(subjectOf));
  const placed = vms.filter((vm) => vm.claim === state.operationId && vm.state === 'starting' && vm.hostId !== null);
  const results = await orderStarts(found.plan, mine, placed, deps);
  const now = deps.clock.now();
  const said = mine.flatMap((entry) => {
    const result = results.get(subjectOf(entry));
    return result ? [orderedEntry(entry, result)] : [];
  });
  await writeParts(parts, withEntries(parts, said), deps.store);
  const ready = said.flatMap((entry) => entry.readyAt ?? []);
  return {
    turn: 'boot',
    seconds: mine.length === 0 ? 0 : nextLook(ready, now),
    at,
    ...(gate.failed ? { missed: [...((state.missed as string[]) ?? []), gate.failed] } : {}),
  };
}

function orderedEntry(entry: ExecutionVm, result: StartResult): ExecutionVm {
  const { reason: _, readyAt: __, ...rest } = entry;
  if (result.readyAt !== undefined) return { ...rest, readyAt: result.readyAt };
  return { ...rest, reason: `${result.outcome} on its host${result.reason ? `: ${result.reason}` : ''}` };
}

async function orderStarts(
  plan: Case['plan'],
  entries: readonly ExecutionVm[],
  vms: readonly Vm[],
  deps: StepDeps,
): Promise<Map<string, StartResult>> {
  const results = new Map<string, StartResult>();
  const subjects = new Map(entries.map((entry) => [entry.id, subjectOf(entry)]));
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const waves = startWaves(
    plan,
    entries.map((entry) => entry.id),
  );
  for (const wave of waves) {
    const some = wave.vms.flatMap((id) => {
      const vm = byId.get(subjects.get(id) as string);
      if (!vm) return [];
      const before = (plan.dependsOn?.[id] ?? []).map((on) => results.get(subjects.get(on) ?? on)?.readyAt ?? 0);
      const after = Math.max(0, ...before);
      return [
        { siteId: vm.siteId, order: { ...startOrder(vm, vm.hostId as string), ...(after > 0 ? { after } : {}) } },
      ];
    });
    for (const [siteId, all] of bySite(some))
      await send(
        siteId,
        all.map((o) => o.order),
        results,
        deps,
      );
  }
  return results;
}

/** Orders for one host are in one call as far as they fit, so that its agent sees them together. */
async function send(
  siteId: string,
  orders: readonly StartOrder[],
  results: Map<string, StartResult>,
  { port }: StepDeps,
): Promise<void> {
  const sorted = [...orders].sort((a, b) => (a.hostId < b.hostId ? -1 : a.hostId > b.hostId ? 1 : 0));
  for (let i = 0; i < sorted.length; i += ORDERS_AT_ONCE)
    for (const result of await port.startVms(siteId, sorted.slice(i, i + ORDERS_AT_ONCE)))
      results.set(result.vmId, result);
}
