import { Refused } from '../hypervisor/refusal.ts';

/** SCH-4: two published measures of how unevenly a cluster is loaded, and the moves that would even it out. */

/** Weights of CPU and memory in the weighted sum of deviations, no unit. OpenStack Watcher, workload stabilisation (F5). */
export const DEFAULT_WEIGHTS: PerMetric = { cpu: 1, memory: 1 };
/** Deviation, no unit, above which a cluster is out of balance. OpenStack Watcher, workload stabilisation (F5). */
export const DEFAULT_THRESHOLDS: PerMetric = { cpu: 0.2, memory: 0.2 };

export interface PerMetric {
  cpu: number;
  memory: number;
}
export interface HostLoad {
  id: string;
  vcpus: number;
  /** Used share of all its vCPUs, 0 to 1. */
  cpuRatio: number;
  memoryMiB: number;
  memoryUsedMiB: number;
}
export interface VmLoad {
  id: string;
  hostId: string;
  vcpus: number;
  /** Used share of its own vCPUs, 0 to 1. */
  cpuRatio: number;
  memoryUsedMiB: number;
}
export interface CandidateMove {
  vmId: string;
  from: string;
  to: string;
  /** Weighted sum of deviations after this move alone. */
  deviation: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Population standard deviation, in the unit of the values. @throws `Refused` SCH-4 without finite values */
export function populationDeviation(values: readonly number[]): number {
  if (values.length === 0 || !values.every(Number.isFinite))
    throw new Refused({
      rule: 'SCH-4',
      reason: `${values.length} values have no deviation`,
      fix: 'give at least one host, with finite loads',
    });
  const middle = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - middle) ** 2)));
}

/** Population standard deviation / mean (F1); 0 for a cluster without load. @throws `Refused` SCH-4 */
export function coefficientOfVariation(loads: readonly number[]): number {
  const deviation = populationDeviation(loads);
  return deviation === 0 ? 0 : deviation / mean(loads);
}

/** Used memory as a share of what the host has: F5's normalised value. */
export const memoryRatio = (h: HostLoad): number => h.memoryUsedMiB / h.memoryMiB;

/** Load of a host for F1: (CPU ratio + memory ratio) / 2. */
export const hostLoad = (h: HostLoad): number => (h.cpuRatio + memoryRatio(h)) / 2;

/** F1: the imbalance of a cluster. @throws `Refused` SCH-4 when it has no hosts */
export const imbalance = (hosts: readonly HostLoad[]): number => coefficientOfVariation(hosts.map(hostLoad));

/** F5: the deviation of each metric over the hosts, as shares of a host. @throws `Refused` SCH-4 */
export const deviations = (hosts: readonly HostLoad[]): PerMetric => ({
  cpu: populationDeviation(hosts.map((h) => h.cpuRatio)),
  memory: populationDeviation(hosts.map(memoryRatio)),
});

/** F5: the sum of deviations, each times its weight. */
export const weightedDeviation = (d: PerMetric, weights: PerMetric = DEFAULT_WEIGHTS): number =>
  d.cpu * weights.cpu + d.memory * weights.memory;

/** F5: a cluster is out of balance when one metric deviates by more than its threshold. */
export const outOfBalance = (d: PerMetric, thresholds: PerMetric = DEFAULT_THRESHOLDS): boolean =>
  d.cpu > thresholds.cpu || d.memory > thresholds.memory;

/**
 * F5: the moves of one VM that even the cluster out, the best first. As in Watcher's full search, a VM's targets are
 * tried by id, and one is a candidate when it leaves less deviation than the present state and than every target that
 * was tried before it. So a VM may have several candidates, its best target is always among them, and a target that
 * helps but less than an earlier one is not.
 * @throws `Refused` SCH-4 when there are no hosts, or a VM is on a host that is not among them
 */
export function candidateMoves(
  hosts: readonly HostLoad[],
  vms: readonly VmLoad[],
  weights: PerMetric = DEFAULT_WEIGHTS,
): CandidateMove[] {
  const byId = <T extends { id: string }>(list: readonly T[]): T[] => [...list].sort((a, b) => (a.id < b.id ? -1 : 1));
  const targets = byId(hosts);
  const now = weightedDeviation(deviations(targets), weights);
  const found: CandidateMove[] = [];
  for (const vm of byId(vms)) {
    let least = now;
    for (const target of targets) {
      if (target.id === vm.hostId) continue;
      const deviation = weightedDeviation(deviations(afterMove(targets, vm, target.id)), weights);
      if (deviation >= least) continue;
      least = deviation;
      found.push({ vmId: vm.id, from: vm.hostId, to: target.id, deviation });
    }
  }
  return found.sort((a, b) => a.deviation - b.deviation);
}

/** The loads after one VM has moved; its CPU share weighs by its part of each host's vCPUs. @throws `Refused` SCH-4 */
export function afterMove(hosts: readonly HostLoad[], vm: VmLoad, to: string): HostLoad[] {
  for (const id of [vm.hostId, to])
    if (!hosts.some((h) => h.id === id))
      throw new Refused({
        rule: 'SCH-4',
        reason: `VM ${vm.id} cannot move from ${vm.hostId} to ${to}: no load of host ${id} is known`,
        fix: 'give the loads of all hosts of the cluster',
      });
  return hosts.map((h) => {
    const sign = (h.id === to ? 1 : 0) - (h.id === vm.hostId ? 1 : 0);
    if (sign === 0) return h;
    return {
      ...h,
      cpuRatio: h.cpuRatio + (sign * vm.cpuRatio * vm.vcpus) / h.vcpus,
      memoryUsedMiB: h.memoryUsedMiB + sign * vm.memoryUsedMiB,
    };
  });
}
