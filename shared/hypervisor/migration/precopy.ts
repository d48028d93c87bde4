import { MIGRATION_BANDWIDTH_MIBPS, MIGRATION_DOWNTIME_MS, MIGRATION_MAX_ROUNDS } from '../parameters.ts';
import type { CopyPlan } from './copy.ts';
import { requireFigure } from './figures.ts';
import { planCopy } from './iterative-copy.ts';
import { type AutoConverge, autoConvergeOf } from './throttle.ts';

/** A live migration of a VM's memory. What is left out has QEMU's default, or has no effect. */
export interface PreCopyInput {
  memoryMiB: number;
  /** How fast the guest writes to pages that are clean. */
  dirtyMiBps: number;
  /** What the link carries. */
  bandwidthMiBps?: number;
  /** Includes `resumeMs`. */
  allowedDowntimeMs?: number;
  maxRounds?: number;
  /** Bytes sent for each byte of memory. */
  compressionRatio?: number;
  /** Parallel connections, each with a limit of its own. */
  streams?: number;
  /** What one stream can carry; without it the link is the only limit. */
  streamMiBps?: number;
  autoConverge?: Partial<AutoConverge>;
  /** Pages of zeros, which the first round does not send. */
  zeroPagesMiB?: number;
  /** Memory that the guest writes to again and again: no more than this can be dirty after a round. */
  writableWorkingSetMiB?: number;
  /** From the last byte sent until the VM runs at the target. */
  resumeMs?: number;
}

/**
 * Pre-copy (MIG-3, MIG-4; algorithm 4). The VM runs at its source until the pause, and stays there if the plan does not
 * converge. Refused MIG-3 for figures out of range, MIG-4 for those of auto-converge.
 *
 * Downtime is not monotonous in bandwidth: a faster link may stop a round earlier, with more left. What holds: it never
 * exceeds the allowed one; with the same number of rounds it does not grow with bandwidth; and the number of rounds
 * does not grow with bandwidth. Auto-converge breaks even these, since a slower link may throttle the guest earlier.
 */
export function planPreCopy(input: PreCopyInput): CopyPlan {
  const { memoryMiB, dirtyMiBps, streams = 1, zeroPagesMiB = 0, writableWorkingSetMiB = memoryMiB } = input;
  requireFigure('MIG-3', 'memoryMiB', memoryMiB, { min: 0, above: true });
  requireFigure('MIG-3', 'zeroPagesMiB', zeroPagesMiB, { min: 0, max: memoryMiB });
  requireFigure('MIG-3', 'writableWorkingSetMiB', writableWorkingSetMiB, { min: 0, max: memoryMiB });
  requireFigure('MIG-3', 'streams', streams, { min: 1, whole: true });
  const link = input.bandwidthMiBps ?? MIGRATION_BANDWIDTH_MIBPS;
  return planCopy('MIG-3', {
    firstMiB: memoryMiB - zeroPagesMiB,
    dirtyCapMiB: writableWorkingSetMiB,
    dirtyMiBps,
    bandwidthMiBps: input.streamMiBps === undefined ? link : Math.min(link, streams * input.streamMiBps),
    compressionRatio: input.compressionRatio ?? 1,
    allowedPauseMs: input.allowedDowntimeMs ?? MIGRATION_DOWNTIME_MS,
    resumeMs: input.resumeMs ?? 0,
    maxRounds: input.maxRounds ?? MIGRATION_MAX_ROUNDS,
    ...(input.autoConverge && { autoConverge: autoConvergeOf(input.autoConverge) }),
  });
}
