import * as z from 'zod';
import type { CopyPlan } from '../migration/copy.ts';
import { planPreCopy } from '../migration/precopy.ts';
import { figure, list } from '../performance/words.ts';
import { LAB_MEMORY_MIB, LAB_MIBPS, LAB_PAUSE_MS, LAB_ROUNDS } from './limits.ts';
import { count } from './words.ts';

/** A live migration of a VM's memory in rounds (MIG-3, MIG-4). Figures that cannot be are refused by these rules. */
export const migrationSpec = z.strictObject({
  experiment: z.literal('migration'),
  memoryMiB: z.int().max(LAB_MEMORY_MIB),
  dirtyMiBps: z.number().max(LAB_MIBPS).describe('how fast the guest writes to pages that are clean'),
  bandwidthMiBps: z.number().max(LAB_MIBPS).optional(),
  allowedDowntimeMs: z.number().max(LAB_PAUSE_MS).optional(),
  maxRounds: z.int().max(LAB_ROUNDS).optional(),
  compressionRatio: z.number().max(1).optional().describe('bytes sent for each byte of memory'),
  zeroPagesMiB: z.number().optional().describe('pages of zeros, which are not sent'),
  writableWorkingSetMiB: z.number().optional().describe('what the guest writes again and again'),
  autoConverge: z.boolean().default(false).describe('slow the guest down when it writes faster than can be copied'),
});
type Question = z.infer<typeof migrationSpec>;

/** @throws Refused MIG-3 for figures out of range */
export function migrationLab({ experiment, autoConverge, ...figures }: Question) {
  const plan = (slowed: boolean) => planPreCopy({ ...figures, ...(slowed && { autoConverge: {} }) });
  const planned = plan(autoConverge);
  const { rounds, advice, ...rest } = planned;
  const wouldHelp = planned.outcome === 'completed' ? [] : helpFor(planned, autoConverge ? undefined : plan(true));
  const perBandwidth = (figures.dirtyMiBps * (figures.compressionRatio ?? 1)) / planned.bandwidthMiBps;
  return {
    experiment,
    summary: [
      sayPace(figures.dirtyMiBps, planned.bandwidthMiBps, perBandwidth),
      ...sayPlan(planned),
      ...sayHelp(wouldHelp),
    ],
    ...rest,
    dirtyPerBandwidth: perBandwidth,
    rounds: rounds.map((round, i) => ({ round: i + 1, ...round })),
    ...(advice ? { advice } : {}),
    wouldHelp,
  };
}

const sayPace = (dirtyMiBps: number, bandwidthMiBps: number, perBandwidth: number): string =>
  `The guest dirties ${figure(dirtyMiBps)} MiB/s and the link carries ${figure(bandwidthMiBps)} MiB/s: each round leaves ` +
  (perBandwidth < 1 ? `${figure(perBandwidth * 100)} % of the one before.` : 'as much as the one before, or more.');

function sayPlan(plan: CopyPlan): string[] {
  const { rounds, totalSeconds, downtimeMs, sentMiB, remainderMiB, lostCpuSeconds, reason } = plan;
  const slowed =
    lostCpuSeconds > 0 ? [`The guest was slowed down: each vCPU lost ${figure(lostCpuSeconds)} s of CPU time.`] : [];
  if (plan.outcome === 'not-converged')
    return [`It does not converge, so the VM stays at its source (MIG-4).`, reason as string, ...slowed];
  return [
    `${count(rounds.length, 'round')} while the VM runs, then a pause of ${figure(downtimeMs)} ms for the last ${figure(remainderMiB)} MiB.`,
    `In all ${figure(totalSeconds)} s and ${figure(sentMiB)} MiB on the link.`,
    ...slowed,
  ];
}

const sayHelp = (help: readonly string[]): string[] =>
  help.length > 0 ? [`Each of these would be enough by itself: ${list(help)}.`] : [];

/** `slowed`: the same with auto-converge. */
function helpFor({ advice }: CopyPlan, slowed: CopyPlan | undefined): string[] {
  const help: string[] = [];
  if (advice?.bandwidthMiBps !== undefined) help.push(`a link of ${figure(advice.bandwidthMiBps)} MiB/s`);
  if (advice?.dirtyMiBps !== undefined) help.push(`a guest that dirties ${figure(advice.dirtyMiBps)} MiB/s at most`);
  if (advice) help.push(`an allowed downtime of ${figure(advice.allowedPauseMs)} ms`);
  if (slowed?.outcome === 'completed')
    help.push(
      `auto-converge: done in ${figure(slowed.totalSeconds)} s, for ${figure(slowed.lostCpuSeconds)} s of CPU time of each vCPU`,
    );
  return help;
}
