import { type Random, seededRandom } from '../kernel/random.ts';
import type { Task } from './workload.ts';

/** The project's own workload: sizes and lifetimes drawn as in one month of a public cloud region with 116,000 VMs. */

/** vCPUs, GiB of memory, per mille of all VMs. */
export const MIX: readonly (readonly [vcpus: number, memoryGiB: number, permille: number])[] = [
  [1, 2, 464],
  [1, 1, 219],
  [2, 4, 128],
  [4, 8, 80],
  [1, 4, 29],
  [2, 8, 20],
  [8, 16, 17],
  [4, 16, 17],
  [8, 32, 9],
  [16, 32, 9],
  [12, 24, 5],
  [64, 128, 2],
  [32, 64, 1],
];

/** Share of VMs that live at most so many seconds. The ends (a second, a month) are declared. */
export const LIFETIMES: readonly (readonly [share: number, seconds: number])[] = [
  [0, 1],
  [0.1, 57],
  [0.25, 194],
  [0.5, 2_592],
  [0.75, 6_651],
  [0.9, 20_501],
  [0.99, 492_480],
  [1, 2_592_000],
];

/** Mean time between two creations: a month over 116,000. */
export const MEAN_GAP_MS = (30 * 86_400_000) / 116_000;
/** Declared: the clock that a generated VM's CPUs run at. */
export const MIX_MHZ = 2_400;

/**
 * `n` VMs in the order of their creation; equal seeds give equal lists, and a longer list begins with the shorter one.
 * Creations are independent of each other (exponential gaps), so the bursts of the real region are not in it.
 */
export function generateMix(seed: number, n: number): Task[] {
  const random = seededRandom(seed);
  let submittedAt = 0;
  return Array.from({ length: n }, (_, i) => {
    const [cpuCount, memoryGiB] = size(random);
    submittedAt += Math.round(-Math.log(1 - random.next()) * MEAN_GAP_MS);
    return {
      id: `mix-${i + 1}`,
      name: `mix-${i + 1}`,
      cpuCount,
      cpuMhz: cpuCount * MIX_MHZ,
      memoryMiB: memoryGiB * 1_024,
      submittedAt,
      durationMs: Math.round(lifetimeSeconds(random.next()) * 1_000),
    };
  });
}

function size(random: Random): readonly [number, number] {
  let left = random.below(1_000);
  for (const [vcpus, memoryGiB, permille] of MIX) {
    left -= permille;
    if (left < 0) return [vcpus, memoryGiB];
  }
  throw new RangeError('The shares of the mix do not add up to 1,000.');
}

/** The lifetime that a share of all VMs does not exceed: between the known shares it rises by equal factors. */
export function lifetimeSeconds(share: number): number {
  const upper = LIFETIMES.findIndex(([s]) => s >= share);
  const [s1, t1] = LIFETIMES[upper] as readonly [number, number];
  const [s0, t0] = LIFETIMES[upper - 1] ?? [s1, t1];
  return s0 === s1 ? t1 : t0 * (t1 / t0) ** ((share - s0) / (s1 - s0));
}
