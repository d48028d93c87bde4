import type { Incident, IncidentVm } from '../../shared/model/incident.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import type { StepDeps } from '../engine/step-table.ts';

const isOpen = ({ outcome }: IncidentVm): boolean => outcome === 'waiting' || outcome === 'recovering';
const deleted = (entry: IncidentVm): IncidentVm => ({ ...entry, outcome: 'stopped', reason: 'it was deleted' });

/**
 * VMs that are open in the incident, that the plan does not find any more: they were stopped or deleted since (HA-14),
 * perhaps started again, and are accounted for with that.
 */
export async function leftSince(
  incident: Incident,
  planned: ReadonlySet<string>,
  { store }: StepDeps,
): Promise<IncidentVm[]> {
  const data = new TenantData(store, SYSTEM);
  const open = incident.vms.filter((entry) => isOpen(entry) && !planned.has(entry.id));
  const left: IncidentVm[] = [];
  for (const entry of open) {
    const vm = await data.find('vm', entry.id);
    // What was given a place is looked for there, and confirmed.
    const own = entry.outcome === 'recovering' ? ['faultResuming', 'running'] : ['faultResuming'];
    if (!vm) left.push(deleted(entry));
    else if (!own.includes(vm.state))
      left.push({ ...entry, outcome: 'stopped', reason: `taken over: it is ${vm.state} now` });
  }
  return left;
}

/** VMs that were given a place and are not there any more. */
export const deletedSince = (incident: Incident, found: readonly { entry: IncidentVm }[]): IncidentVm[] => {
  const there = new Set(found.map(({ entry }) => entry.id));
  return incident.vms.filter((v) => v.outcome === 'recovering' && !there.has(v.id)).map(deleted);
};
