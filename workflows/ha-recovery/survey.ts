import type { IncidentVm } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import type { Store } from '../../shared/store/store.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { unfinished } from './alarm.ts';
import type { Case } from './plan.ts';

/** What holds of a VM: the entry, or the one before while what was decided since has not been done. */
function holding(entry: IncidentVm, vm: Vm | undefined, incidentId: string): IncidentVm {
  const { was } = entry;
  if (!was || vm?.state !== 'faultResuming' || vm.recovery?.incidentId !== incidentId) return entry;
  const stands = was.failed ? vm.hostId === was.toHost && vm.epoch === was.epoch : vm.hostId === null;
  // An alarm that was raised meanwhile stands until it is cleared.
  return stands ? { ...was, ...(entry.alarm ? { alarm: entry.alarm } : {}) } : entry;
}

/**
 * The VMs to decide about: those on the fenced hosts, by the index, which may lag, and those that the incident has not
 * brought to an end. And what is to be said of those that something else has taken over since.
 */
export async function survey(
  incidentId: string,
  { failed, hosts }: { failed: readonly Host[]; hosts: readonly Host[] },
  entries: readonly IncidentVm[],
  store: Store,
): Promise<{ cases: Case[]; gone: IncidentVm[] }> {
  const data = new TenantData(store, SYSTEM);
  const fenced = new Set(hosts.filter((h) => h.state === 'fenced').map((h) => h.id));
  const open = new Map(entries.filter(unfinished).map((entry) => [entry.id, entry]));
  const indexed = (
    await Promise.all(
      failed.map(async (host) => {
        const there = await data.vmsOnHost(host.id);
        // On a host that serves again only those that were left to the recovery: the others run there since.
        return host.state === 'fenced' ? there : there.filter((vm) => vm.hostId === null);
      }),
    )
  ).flat();
  const asked = entries.filter((entry) => unfinished(entry) || entry.was);
  const known = new Map((await data.vmsById(asked.map((entry) => entry.id))).map((vm) => [vm.id, vm]));
  const cases = indexed.map((vm): Case => ({ vm, ...entryFor(open.get(vm.id)) }));
  const seen = new Set(indexed.map((vm) => vm.id));
  const gone: IncidentVm[] = [];
  for (const written of asked) {
    if (seen.has(written.id)) continue;
    const vm = known.get(written.id);
    const entry = holding(written, vm, incidentId);
    if (!unfinished(entry)) continue;
    const why = whyNotOurs(vm, entry, incidentId);
    if (vm && why === undefined) {
      // One that was given a place is started and looked for there; nothing is to be decided, unless that has failed, or
      // its new host was fenced since: the recovery of that one may have missed it, where the index lagged.
      if (vm.hostId === null || entry.failed || fenced.has(vm.hostId)) cases.push({ vm, entry });
    } else gone.push({ ...entry, ...why } as IncidentVm);
  }
  return { cases, gone };
}

const entryFor = (entry: IncidentVm | undefined) => (entry ? { entry } : {});

/** What became of a VM that is no longer this incident's business, or undefined while it is. */
export function whyNotOurs(
  vm: Vm | undefined,
  entry: IncidentVm,
  incidentId: string,
): Pick<IncidentVm, 'outcome' | 'reason' | 'takenBy'> | undefined {
  if (!vm) return { outcome: 'handedOver', reason: 'it was deleted' };
  if (vm.state === 'stopped') return { outcome: 'stopped', reason: 'it was stopped meanwhile' };
  if (vm.state !== 'faultResuming') return { outcome: 'handedOver', reason: `taken over: it is ${vm.state} now` };
  if (vm.recovery && vm.recovery.incidentId !== incidentId)
    return {
      outcome: 'handedOver',
      reason: `its new host failed too: incident ${vm.recovery.incidentId} has it`,
      takenBy: vm.recovery.incidentId,
    };
  const moved = vm.hostId !== null && (vm.hostId !== entry.toHost || vm.epoch !== entry.epoch);
  return moved ? { outcome: 'handedOver', reason: `taken over: it is on ${vm.hostId} now` } : undefined;
}
