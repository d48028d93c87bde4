import * as z from 'zod';
import type { CopyPlan } from '../migration/copy.ts';
import { planStorageCopy } from '../migration/storage.ts';
import { wouldHelp } from '../migration/volumes.ts';
import { MIGRATION_DOWNTIME_MS, MIGRATION_MAX_ROUNDS, STORAGE_COPY_MIBPS } from '../parameters.ts';
import { figure, list } from '../performance/words.ts';
import { LAB_DISK_GIB, LAB_DISKS, LAB_MIBPS, LAB_PAUSE_MS, LAB_ROUNDS } from './limits.ts';
import { count } from './words.ts';

/** Disks of a running VM that are copied in rounds to another datastore (STO-5). What cannot be is refused by this rule. */
export const storageMigrationSpec = z.strictObject({
  experiment: z.literal('storage-migration'),
  disks: z
    .array(
      z.strictObject({
        name: z.string().max(64),
        sizeGiB: z.number().max(LAB_DISK_GIB),
        usedGiB: z.number().max(LAB_DISK_GIB).optional().describe('blocks ever written; the whole disk without it'),
      }),
    )
    .max(LAB_DISKS),
  writeMiBps: z.number().max(LAB_MIBPS).default(0).describe('what the guest writes to all these disks'),
  bandwidthMiBps: z.number().max(LAB_MIBPS).default(STORAGE_COPY_MIBPS),
  maxRounds: z.int().max(LAB_ROUNDS).default(MIGRATION_MAX_ROUNDS),
  allowedPauseMs: z.number().max(LAB_PAUSE_MS).default(MIGRATION_DOWNTIME_MS),
});
type Question = z.infer<typeof storageMigrationSpec>;

/** @throws Refused STO-5 for too many disks, too little speed and figures out of range */
export function storageMigrationLab({ experiment, disks, ...figures }: Question) {
  const plan = planStorageCopy({
    ...figures,
    disks: disks.map(({ usedGiB, ...disk }) => ({ ...disk, usedGiB: usedGiB ?? disk.sizeGiB })),
  });
  const help = plan.outcome === 'completed' ? [] : wouldHelp(plan);
  const { advice, reason } = plan;
  return {
    experiment,
    summary: [
      `${count(disks.length, 'disk')} at ${figure(figures.bandwidthMiBps)} MiB/s, while the guest writes ${figure(figures.writeMiBps)} MiB/s to ${disks.length === 1 ? 'it' : 'them'}.`,
      ...say(plan),
      ...(help.length > 0 ? [`Each of these would be enough by itself: ${list(help)}.`] : []),
    ],
    outcome: plan.outcome,
    writesPerBandwidth: figures.writeMiBps / figures.bandwidthMiBps,
    bandwidthMiBps: plan.bandwidthMiBps,
    remainderMiB: plan.remainderMiB,
    pauseMs: plan.downtimeMs,
    totalSeconds: plan.totalSeconds,
    sentMiB: plan.sentMiB,
    rounds: plan.rounds.map(({ sentMiB, seconds }, i) => ({ round: i + 1, sentMiB, seconds })),
    ...(reason ? { reason } : {}),
    ...(advice ? { advice } : {}),
    wouldHelp: help,
  };
}

function say(plan: CopyPlan): string[] {
  if (plan.outcome === 'not-converged')
    return ['It does not converge, so every disk stays where it is (MIG-4).', plan.reason as string];
  return [
    `${count(plan.rounds.length, 'round')} while the guest runs, then a pause of ${figure(plan.downtimeMs)} ms for the last ${figure(plan.remainderMiB)} MiB; all disks switch over in it.`,
    `In all ${figure(plan.totalSeconds)} s and ${figure(plan.sentMiB)} MiB; the source is deleted after that.`,
  ];
}
