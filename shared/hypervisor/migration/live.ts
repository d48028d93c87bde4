import type { HostHardware } from '../../model/inventory.ts';
import type { MigrationOptions } from '../../model/migration.ts';
import type { Load, Machine } from '../machine.ts';
import { MIGRATION_BANDWIDTH_MIBPS } from '../parameters.ts';
import type { CopyPlan } from './copy.ts';
import { planPreCopy } from './precopy.ts';

const BYTES_PER_MBIT = 1_000_000 / 8;
const BYTES_PER_MIB = 1_048_576;

/** How a VM under its present load would move between two hosts: no faster than the slower of their networks. */
export function planLiveMigration(
  machine: Machine,
  load: Load,
  from: Pick<HostHardware, 'nicMbps'>,
  to: Pick<HostHardware, 'nicMbps'>,
  options: MigrationOptions = {},
): CopyPlan {
  const { bandwidthMiBps = MIGRATION_BANDWIDTH_MIBPS, autoConverge, ...rest } = options;
  const lineMiBps = (Math.min(from.nicMbps, to.nicMbps) * BYTES_PER_MBIT) / BYTES_PER_MIB;
  return planPreCopy({
    ...defined(rest),
    memoryMiB: machine.memory.sizeMiB,
    dirtyMiBps: load.dirtyMiBps,
    bandwidthMiBps: Math.min(bandwidthMiBps, lineMiBps),
    // What was never touched is zeros; what is written again and again is the working set.
    zeroPagesMiB: machine.memory.sizeMiB - load.touchedMiB,
    writableWorkingSetMiB: load.activeMiB,
    ...(autoConverge ? { autoConverge: {} } : {}),
  });
}

/** Until the pause may begin, ms: all rounds copied while the VM runs. */
export const copyMs = (plan: CopyPlan): number => plan.rounds.reduce((sum, round) => sum + round.seconds, 0) * 1000;

const defined = <T extends object>(options: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
