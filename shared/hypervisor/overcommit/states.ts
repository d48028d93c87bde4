import {
  CLEAR_BELOW_SHARE,
  HARD_BELOW_SHARE,
  HIGH_ABOVE_SHARE,
  LOW_BELOW_SHARE,
  MIN_FREE_BASE_MIB,
  MIN_FREE_FIRST_MIB,
  MIN_FREE_REST_SHARE,
  SOFT_BELOW_SHARE,
} from '../parameters.ts';

/** How short a host is of memory, from plenty to want (OVC-6, worked example G2). */
export const MEMORY_STATES = ['high', 'clear', 'soft', 'hard', 'low'] as const;
export type MemoryState = (typeof MEMORY_STATES)[number];

export type Technique = 'sharing' | 'balloon' | 'swap';

interface StateRule {
  /** The state begins when free memory falls below this share of minFree; high begins above its share. */
  beginsAtShare: number;
  /** What begins to reclaim memory here. What began before keeps what it has reclaimed. */
  techniques: readonly Technique[];
  blocksAllocations: boolean;
}

/** What each state does (G2). A balloon stops growing in hard, where it has all that it may take. */
export const STATE_RULES: Readonly<Record<MemoryState, StateRule>> = {
  high: { beginsAtShare: HIGH_ABOVE_SHARE, techniques: [], blocksAllocations: false },
  clear: { beginsAtShare: CLEAR_BELOW_SHARE, techniques: ['sharing'], blocksAllocations: false },
  soft: { beginsAtShare: SOFT_BELOW_SHARE, techniques: ['sharing', 'balloon'], blocksAllocations: false },
  hard: { beginsAtShare: HARD_BELOW_SHARE, techniques: ['sharing', 'swap'], blocksAllocations: false },
  low: { beginsAtShare: LOW_BELOW_SHARE, techniques: ['sharing', 'swap'], blocksAllocations: true },
};

/** Memory that a host of this size wants free, MiB (G1). Hosts below 28 GB want the fixed part whole (declared). */
export const minFree = (hostMiB: number): number =>
  MIN_FREE_BASE_MIB + MIN_FREE_REST_SHARE * Math.max(0, hostMiB - MIN_FREE_FIRST_MIB);

/** Free memory at which a state begins, MiB (G2). */
export const beginsAtMiB = (state: MemoryState, minFreeMiB: number): number =>
  STATE_RULES[state].beginsAtShare * minFreeMiB;

/**
 * The state by free memory, MiB (G2). Between 100 % and 400 % of minFree the state from which the band was entered is
 * kept (declared). Free memory moves page by page, so the band is entered from above in high and from below in clear: a
 * host that was soft, hard or low passes clear on its way up.
 */
export function stateOf(freeMiB: number, minFreeMiB: number, previous: MemoryState): MemoryState {
  for (const state of ['low', 'hard', 'soft', 'clear'] as const)
    if (freeMiB < beginsAtMiB(state, minFreeMiB)) return state;
  if (freeMiB > beginsAtMiB('high', minFreeMiB)) return 'high';
  return previous === 'high' ? 'high' : 'clear';
}

/**
 * What a technique of `state` holds back, MiB, of the `availableMiB` that it can reach at most. Its effort grows from
 * nothing where the state begins to all where the next one does (declared), so that reclaim grows with falling free
 * memory and the state says by itself what is at work (OVC-6). `freeMiB` is what would be free without it.
 */
export function effort(state: 'soft' | 'hard', freeMiB: number, minFreeMiB: number, availableMiB: number): number {
  const begins = beginsAtMiB(state, minFreeMiB);
  const width = begins - beginsAtMiB(state === 'soft' ? 'hard' : 'low', minFreeMiB);
  if (freeMiB >= begins) return 0;
  // reclaimed = available x (begins - free - reclaimed) / width, solved for what is reclaimed.
  return Math.min(availableMiB, (availableMiB * (begins - freeMiB)) / (width + availableMiB));
}
