import { STORAGE_COPY_MAX_DISKS, STORAGE_COPY_MIN_MIBPS } from '../parameters.ts';
import { Refused } from '../refusal.ts';
import type { CopyPlan } from './copy.ts';
import { requireFigure } from './figures.ts';
import { planCopy } from './iterative-copy.ts';

const MIB_PER_GIB = 1024;

export interface DiskToCopy {
  name: string;
  sizeGiB: number;
  /** Blocks ever written; the rest is not sent. */
  usedGiB: number;
}

export interface StorageCopyInput {
  disks: readonly DiskToCopy[];
  /** The guest's writes to all these disks together. */
  writeMiBps: number;
  bandwidthMiBps: number;
  maxRounds: number;
  allowedPauseMs: number;
}

/**
 * Storage migration of a running VM by copying dirty blocks in rounds (STO-5; algorithm 4). The disks share the bandwidth
 * and switch over in one pause. A round can dirty blocks that were unused, up to the disks' size. Refused STO-5: no
 * disk, too many, one name twice, too little speed, figures out of range.
 */
export function planStorageCopy(input: StorageCopyInput): CopyPlan {
  const { disks, writeMiBps, ...rest } = input;
  requireDisks(disks);
  requireFigure('STO-5', 'bandwidthMiBps', rest.bandwidthMiBps, { min: STORAGE_COPY_MIN_MIBPS });
  return planCopy('STO-5', {
    ...rest,
    firstMiB: MIB_PER_GIB * disks.reduce((sum, disk) => sum + disk.usedGiB, 0),
    dirtyCapMiB: MIB_PER_GIB * disks.reduce((sum, disk) => sum + disk.sizeGiB, 0),
    dirtyMiBps: writeMiBps,
    compressionRatio: 1,
    resumeMs: 0,
  });
}

function requireDisks(disks: readonly DiskToCopy[]): void {
  requireFigure('STO-5', 'disks', disks.length, { min: 1, max: STORAGE_COPY_MAX_DISKS });
  const names = new Set<string>();
  for (const { name, sizeGiB, usedGiB } of disks) {
    if (names.has(name))
      throw new Refused({ rule: 'STO-5', reason: `disk ${name} is named twice`, fix: 'Name each disk once.' });
    names.add(name);
    requireFigure('STO-5', `sizeGiB of ${name}`, sizeGiB, { min: 0, above: true });
    requireFigure('STO-5', `usedGiB of ${name}`, usedGiB, { min: 0, max: sizeGiB });
  }
}
