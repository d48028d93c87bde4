import type { StartOrder, StartResult } from '../../shared/hypervisor/port.ts';
import type { IncidentVm } from '../../shared/model/incident.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { nextLook } from '../vm/look.ts';
import { startOrder } from '../vm/start.ts';
import { loadCase, withLine, writeIncident } from './case.ts';
import { dependenciesOf, startGroups } from './order.ts';
import { entriesOf, fileEntries, readParts, writeParts } from './parts.ts';
import { whyNotOurs } from './survey.ts';

/** Orders of one call of the port; a call of a function carries at most 6 MB. */
const ORDERS_AT_ONCE = 250;
/** Calls that are under way at the same time. */
const CALLS_AT_ONCE = 8;

/**
 * Rebuilds the VMs on their new hosts from the saved specification, with all their volumes (HA-4, HA-5). Those of a higher
 * priority are ordered first, and one that depends on others boots when these serve (HA-15).
 */
export async function start(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const incident = await loadCase(state, deps);
  const parts = await readParts(incident, deps.store);
  const open = new Map(
    entriesOf(parts)
      .filter((entry) => entry.outcome === 'recovering' && !entry.failed)
      .map((entry) => [entry.id, entry]),
  );
  const found = await new TenantData(deps.store, SYSTEM).vmsById([...open.keys()]);
  const placed = found.filter(
    (vm) => vm.hostId !== null && !whyNotOurs(vm, open.get(vm.id) as IncidentVm, incident.id),
  );
  const results = await orderStarts(incident.siteId, placed, deps);
  const now = deps.clock.now();
  const said = placed.flatMap((vm) => {
    const result = results.get(vm.id);
    const entry = open.get(vm.id) as IncidentVm;
    return result ? [startedEntry(entry, result, now)] : [];
  });
  await writeParts(parts, fileEntries(incident.id, parts, said), deps.store);
  const taken = [...results.values()].flatMap((r) => (r.readyAt === undefined ? [] : [r.readyAt]));
  const detail = `${taken.length} of ${placed.length} orders taken`;
  await writeIncident(deps.store, incident, withLine(incident, now, 'started', detail));
  return { bootSeconds: nextLook(taken, now) };
}

function startedEntry(entry: IncidentVm, result: StartResult, now: number): IncidentVm {
  const { reason: _, ...rest } = entry;
  if (result.readyAt !== undefined) return { ...rest, startedAt: entry.startedAt ?? now, readyAt: result.readyAt };
  const reason = `${result.outcome} on ${result.hostId}${result.reason ? `: ${result.reason}` : ''}`;
  // A refusal means that nothing was started there; of a host that is silent nothing is known.
  return {
    ...rest,
    reason,
    ...(result.outcome === 'refused' ? { failed: true as const, refused: true as const } : {}),
  };
}

async function orderStarts(siteId: string, vms: readonly Vm[], deps: StepDeps): Promise<Map<string, StartResult>> {
  const results = new Map<string, StartResult>();
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  for (const group of startGroups(vms)) {
    const orders = group.map((vm): StartOrder => {
      const after = Math.max(0, ...dependenciesOf(vm, byId).map(({ id }) => results.get(id)?.readyAt ?? 0));
      return { ...startOrder(vm, vm.hostId as string), ...(after > 0 ? { after } : {}) };
    });
    const calls = inCalls(orders);
    for (let i = 0; i < calls.length; i += CALLS_AT_ONCE)
      await Promise.all(
        calls.slice(i, i + CALLS_AT_ONCE).map(async (some) => {
          for (const result of await deps.port.startVms(siteId, some)) results.set(result.vmId, result);
        }),
      );
  }
  return results;
}

/** Orders for one host are in one call, so that its agent sees them together. */
function inCalls(orders: readonly StartOrder[]): StartOrder[][] {
  const calls: StartOrder[][] = [];
  for (const [, ofHost] of Map.groupBy(orders, (o) => o.hostId)) {
    const last = calls.at(-1);
    if (last && last.length + ofHost.length <= ORDERS_AT_ONCE) last.push(...ofHost);
    else calls.push([...ofHost]);
  }
  return calls;
}
