import { visibleGeneration } from '../hypervisor/cpu/baseline.ts';
import type { Seat } from '../model/vm.ts';
import type { Chosen } from './placement.ts';

/** What a VM gets with the place that was chosen for it. */
export function seatOf({ candidate, home }: Pick<Chosen, 'candidate' | 'home'>): Seat {
  const generation = visibleGeneration(candidate.host.cpuGeneration, candidate.cluster.cpuBaseline);
  return { hostId: candidate.host.id, ...(home ? { home } : {}), ...(generation ? { generation } : {}) };
}
