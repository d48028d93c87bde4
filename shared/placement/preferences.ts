import type { Candidate, Need } from './need.ts';

/** What makes one fitting host better than another: a score from 0 to 1, times its weight. */
export interface Preference {
  name: string;
  weight: number;
  score(candidate: Candidate, need: Need): number;
}

/** SCH-1: load balance is the default strategy. The host that stays the least loaded wins. */
export const balance: Preference = {
  name: 'balance',
  weight: 1,
  score: ({ host }, need) => {
    const left = (of: 'vcpus' | 'memoryMiB') => (host.free[of] - need.demand[of]) / Math.max(1, host.capacity[of]);
    const [cpu, memory] = [left('vcpus'), left('memoryMiB')];
    return Math.min(cpu, memory);
  },
};

export const PREFERENCES: readonly Preference[] = [balance];
