import type { Incident, IncidentVm } from '../../shared/model/incident.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import type { StepDeps } from '../engine/step-table.ts';

/** VMs that are open in the incident and were stopped or deleted since (HA-14): they are accounted for with that. */
export async function leftSince(
  incident: Incident,
  planned: ReadonlySet<string>,
  { store }: StepDeps,
): Promise<IncidentVm[]> {
  const data = new TenantData(store, SYSTEM);
  const open = incident.vms.filter(
    ({ id, outcome }) => (outcome === 'waiting' || outcome === 'recovering') && !planned.has(id),
  );
  const left: IncidentVm[] = [];
  for (const entry of open) {
    const vm = await data.find('vm', entry.id);
    if (!vm) left.push({ ...entry, outcome: 'stopped', reason: 'it was deleted' });
    else if (vm.state === 'stopped' || vm.state === 'deleting')
      left.push({ ...entry, outcome: 'stopped', reason: `it is ${vm.state} now` });
  }
  return left;
}
