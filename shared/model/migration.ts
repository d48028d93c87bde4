import * as z from 'zod';

/** What may be chosen of a live migration; without a figure the hypervisor's default holds (MIG-3, MIG-4). */
export const migrationOptions = z.strictObject({
  bandwidthMiBps: z.number().positive().max(1_000_000).optional().describe('at most; the network may give less'),
  allowedDowntimeMs: z.int().min(1).max(60_000).optional(),
  maxRounds: z.int().min(1).max(1_000).optional(),
  compressionRatio: z.number().min(0.05).max(1).optional().describe('bytes sent for each byte of memory'),
  streams: z.int().min(1).max(16).optional().describe('parallel connections'),
  streamMiBps: z.number().positive().max(1_000_000).optional().describe('what one stream can carry'),
  autoConverge: z.boolean().optional().describe('slow the guest down when it writes faster than can be copied'),
});
export type MigrationOptions = z.infer<typeof migrationOptions>;

/** What may be chosen of a storage migration (STO-5). Its limits are the rule's, and are checked with the others. */
export const volumeMoveOptions = z.strictObject({
  mbps: z.number().min(0).max(1_000_000).optional().describe('MiB/s that the copy takes, at least 20; 100 without it'),
  allowedPauseMs: z.int().min(1).max(60_000).optional().describe('longest pause of a guest that runs'),
  maxRounds: z.int().min(1).max(1_000).optional(),
  thick: z.boolean().optional().describe('copy whole disks, and not only the blocks that were ever written'),
});
export type VolumeMoveOptions = z.infer<typeof volumeMoveOptions>;

/** How a storage migration went: what its operation tells. */
export interface VolumeMoveFigures {
  rounds: number;
  sentMiB: number;
  pauseMs: number;
  totalSeconds: number;
}
