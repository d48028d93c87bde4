import { RESTART_PRIORITIES, type RestartPriority } from '../../../shared/model/ha.ts';
import type { Incident, IncidentVm } from '../../../shared/model/incident.ts';
import { PHASES, type Phase, type PhaseName, phasesOf, secondsOf, totalOf } from './phases.ts';

/** Seconds. */
export interface Spread {
  vms: number;
  fastestSeconds: number;
  medianSeconds: number;
  slowestSeconds: number;
}

/** A VM that runs again, and how long that took. */
export interface Recovered {
  vm: IncidentVm;
  phases: Phase[];
  /** Seconds. */
  total: number;
}

/** VMs that run again, the slowest first. */
export function recoveredOf(incident: Incident, entries: readonly IncidentVm[]): Recovered[] {
  return entries
    .map((vm) => ({ vm, phases: phasesOf(incident, vm) }))
    .filter(({ phases }) => phases.length > 0)
    .map((r) => ({ ...r, total: totalOf(r.phases) }))
    .sort((a, b) => b.total - a.total || (a.vm.id < b.vm.id ? -1 : 1));
}

/** Of an even number the mean of the two in the middle. */
export function spreadOf(seconds: readonly number[]): Spread | undefined {
  if (seconds.length === 0) return undefined;
  const sorted = [...seconds].sort((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(half)] as number, sorted[Math.ceil(half)] as number];
  return {
    vms: sorted.length,
    fastestSeconds: sorted[0] as number,
    medianSeconds: Math.round((low + high) * 500) / 1_000,
    slowestSeconds: sorted.at(-1) as number,
  };
}

/** By restart priority, the most urgent first; VMs of which it is not known are left out. */
export const byPriority = (recovered: readonly Recovered[]): (Spread & { priority: RestartPriority })[] =>
  RESTART_PRIORITIES.flatMap((priority) => {
    const spread = spreadOf(recovered.filter((r) => r.vm.priority === priority).map((r) => r.total));
    return spread ? [{ priority, ...spread }] : [];
  });

/** Phase by phase, over the VMs that went through it. */
export const byPhase = (recovered: readonly Recovered[]): (Spread & { phase: PhaseName })[] =>
  PHASES.flatMap((phase) => {
    const of = recovered.flatMap((r) => r.phases.filter((p) => p.phase === phase).map(secondsOf));
    const spread = spreadOf(of);
    return spread ? [{ phase, ...spread }] : [];
  });
