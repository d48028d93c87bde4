import { visibleGeneration } from '../hypervisor/cpu/baseline.ts';
import type { Vm } from '../model/vm.ts';
import type { Chosen } from './placement.ts';

/** What a VM notes of the place that it got; together it is what its host's ledger is charged for. */
export type Seat = { hostId: string } & Pick<Vm, 'home' | 'generation'>;

export function seatOf({ candidate, home }: Pick<Chosen, 'candidate' | 'home'>): Seat {
  const generation = visibleGeneration(candidate.host.cpuGeneration, candidate.cluster.cpuBaseline);
  return { hostId: candidate.host.id, ...(home ? { home } : {}), ...(generation ? { generation } : {}) };
}

/** Attributes of a VM that go with its seat. */
export const SEAT = ['home', 'generation'] as const;

/** The VM as it will be in that seat. */
export function seated<V extends Pick<Vm, 'home' | 'generation'>>(vm: V, seat: Seat): Omit<V, keyof Seat> & Seat {
  const { home: _, generation: __, ...rest } = vm;
  return { ...rest, ...seat } as Omit<V, keyof Seat> & Seat;
}
