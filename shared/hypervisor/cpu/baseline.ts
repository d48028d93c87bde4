import { CPU_GENERATIONS, type CpuGeneration } from '../../model/inventory.ts';
import { type Refusal, Refused } from '../refusal.ts';

/** What a migration asks of a CPU; ARM has no generations here. */
export type CpuIdentity = { arch: 'x86'; generation: CpuGeneration } | { arch: 'arm' };

/** A VM may move to an equal or newer generation only (SCH-6). @throws `Refused` for a generation that is not known. */
export function baselineRefusal(vm: CpuGeneration, host: CpuGeneration): Refusal | undefined {
  if (rank(vm) <= rank(host)) return undefined;
  return {
    rule: 'SCH-6',
    reason: `the VM runs with the CPU features of ${vm}, and the host gives those of ${host} only`,
    fix: `use a host of ${vm} or newer, or restart the VM in a cluster with the baseline ${host}`,
    figures: { vm, host },
  };
}

/** The pre-check of a migration as far as it regards the CPU: architecture (MIG-8), then generation (SCH-6). */
export function migrationCpuRefusal(vm: CpuIdentity, host: CpuIdentity): Refusal | undefined {
  if (vm.arch !== host.arch)
    return {
      rule: 'MIG-8',
      reason: `the VM is of the architecture ${vm.arch}, and the host is of ${host.arch}`,
      fix: `use a host of ${vm.arch}`,
      figures: { vm: vm.arch, host: host.arch },
    };
  return vm.arch === 'x86' && host.arch === 'x86' ? baselineRefusal(vm.generation, host.generation) : undefined;
}

/**
 * What a guest sees of a host's features: its generation, or the baseline of its cluster where that is older (SCH-6).
 * Undefined where there are no generations.
 */
export function visibleGeneration(
  host: CpuGeneration | undefined,
  clusterBaseline: CpuGeneration | undefined,
): CpuGeneration | undefined {
  if (host === undefined || clusterBaseline === undefined) return host;
  return rank(host) <= rank(clusterBaseline) ? host : clusterBaseline;
}

/**
 * The generation of a host that is to join a cluster: what guests will see of it there (SCH-6).
 * @throws `Refused` SCH-6 for a host that is older than the baseline, and for a generation that is not known.
 */
export function effectiveGeneration(host: CpuGeneration, clusterBaseline?: CpuGeneration): CpuGeneration {
  if (clusterBaseline === undefined || rank(host) >= rank(clusterBaseline)) return clusterBaseline ?? host;
  throw new Refused({
    rule: 'SCH-6',
    reason: `the host is a ${host}, older than the cluster's baseline ${clusterBaseline}`,
    fix: `lower the baseline to ${host}, or use a newer host`,
    figures: { host, baseline: clusterBaseline },
  });
}

function rank(generation: CpuGeneration): number {
  const at = CPU_GENERATIONS.indexOf(generation);
  if (at >= 0) return at;
  throw new Refused({
    rule: 'SCH-6',
    reason: `'${generation}' is not a known CPU generation`,
    fix: `use one of ${CPU_GENERATIONS.join(', ')}`,
  });
}
