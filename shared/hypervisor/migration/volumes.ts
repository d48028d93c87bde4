import type { VolumeMoveFigures, VolumeMoveOptions } from '../../model/migration.ts';
import type { Load } from '../machine.ts';
import { MIGRATION_DOWNTIME_MS, MIGRATION_MAX_ROUNDS, STORAGE_COPY_MIBPS } from '../parameters.ts';
import type { CopyPlan } from './copy.ts';
import { type DiskToCopy, planStorageCopy } from './storage.ts';

const KIB_PER_MIB = 1024;

/** What a guest does to the disks that are copied. Its load is spread evenly over all its disks (declared). */
export interface WrittenTo {
  load: Pick<Load, 'writeIops' | 'requestKiB'>;
  /** All disks of the VM, moved or not. */
  disks: number;
}

/**
 * How volumes of a VM would be copied (STO-5): of a VM that runs in rounds, under its present load; of a stopped one at
 * once, without a pause. Refused STO-5 for figures out of range.
 */
export function planVolumeMoves(
  disks: readonly DiskToCopy[],
  guest: WrittenTo | undefined,
  options: VolumeMoveOptions,
): CopyPlan {
  const {
    mbps = STORAGE_COPY_MIBPS,
    allowedPauseMs = MIGRATION_DOWNTIME_MS,
    maxRounds = MIGRATION_MAX_ROUNDS,
  } = options;
  return planStorageCopy({
    disks: options.thick ? disks.map((d) => ({ ...d, usedGiB: d.sizeGiB })) : disks,
    writeMiBps: guest ? (writesOf(guest.load) * disks.length) / guest.disks : 0,
    bandwidthMiBps: mbps,
    maxRounds,
    allowedPauseMs: guest ? allowedPauseMs : 0,
  });
}

const writesOf = (load: WrittenTo['load']): number => (load.writeIops * load.requestKiB) / KIB_PER_MIB;

export const figuresOf = (plan: CopyPlan): VolumeMoveFigures => ({
  rounds: plan.rounds.length,
  sentMiB: rounded(plan.sentMiB),
  pauseMs: rounded(plan.downtimeMs),
  totalSeconds: rounded(plan.totalSeconds),
});
const rounded = (x: number): number => Math.round(x * 1000) / 1000;

/** What would let a copy converge, each by itself. */
export const wouldHelp = ({ advice }: CopyPlan): string[] => [
  ...(advice?.bandwidthMiBps === undefined ? [] : [`a speed of ${advice.bandwidthMiBps} MiB/s`]),
  ...(advice?.dirtyMiBps === undefined ? [] : [`writes of ${advice.dirtyMiBps} MiB/s at most`]),
  ...(advice ? [`an allowed pause of ${advice.allowedPauseMs} ms`] : []),
];

/** Why it does not converge, and what would be enough (MIG-4). */
export const whyNotConverged = (plan: CopyPlan): string =>
  `It does not converge (MIG-4). ${plan.reason ?? ''} Each of these would be enough by itself: ${wouldHelp(plan).join('; ')}.`;
