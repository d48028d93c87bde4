import type { IncidentVm, Outcome } from '../../../shared/model/incident.ts';

/** VMs that do not run again by this incident, and why. */
export interface Left {
  outcome: Outcome;
  reason: string;
  vms: IncidentVm[];
}

/** What is most urgent first. */
const URGENCY: readonly Outcome[] = ['error', 'waiting', 'recovering', 'stopped', 'handedOver'];
const UNSAID: Record<Outcome, string> = {
  error: 'no reason was noted',
  waiting: 'no reason was noted',
  recovering: 'it was not yet seen running on its new host',
  stopped: 'no reason was noted',
  handedOver: 'no reason was noted',
  recovered: '',
};

/** Those that do not run again, together where outcome and reason are the same: of a group the reason is said once. */
export function leftOf(entries: readonly IncidentVm[]): Left[] {
  const left = entries.filter((vm) => vm.outcome !== 'recovered');
  const groups = Map.groupBy(left, (vm) => `${vm.outcome} ${vm.reason ?? UNSAID[vm.outcome]}`);
  return [...groups.values()]
    .map((vms): Left => {
      const { outcome, reason } = vms[0] as IncidentVm;
      const inOrder = [...vms].sort((a, b) => (a.id < b.id ? -1 : 1));
      return { outcome, reason: reason ?? UNSAID[outcome], vms: inOrder };
    })
    .sort((a, b) => URGENCY.indexOf(a.outcome) - URGENCY.indexOf(b.outcome) || b.vms.length - a.vms.length);
}
