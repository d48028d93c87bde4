import { SECOND } from '../kernel/clock.ts';
import { type PlanStep, PRIORITIES, priorityOf, type RecoveryPlanSpec } from '../model/recovery-plan.ts';

type Ordered = Pick<RecoveryPlanSpec, 'priorities' | 'dependsOn' | 'delays'>;

/** VMs that are started, or stopped, at once. The next wave comes when every one of them has, or has failed (DR-11). */
export interface Wave {
  priority: number;
  /** Ids, in the order in which they were given. */
  vms: string[];
  /** The first and the last wave of its priority: steps of the plan come before the one and after the other. */
  first: boolean;
  last: boolean;
  /** What is waited after it, ms; only after the last wave of a priority. */
  delayMs: number;
}

/**
 * Order of start (DR-11): priority 1 first; within a priority what others depend on before them. A dependency on a VM of
 * another priority, or of none of these, orders nothing. VMs that depend on each other in a circle come last in their
 * priority, together: the validation refuses such a plan, and a disaster is no time to find it out. Pure.
 */
export function startWaves(plan: Ordered, vmIds: readonly string[]): Wave[] {
  const byPriority = Map.groupBy([...new Set(vmIds)], (id) => priorityOf(plan, id));
  return [...byPriority.keys()]
    .sort((a, b) => a - b)
    .flatMap((priority) => {
      const layers = layered(byPriority.get(priority) as string[], plan);
      return layers.map((vms, i): Wave => {
        const last = i === layers.length - 1;
        return { priority, vms, first: i === 0, last, delayMs: last ? (plan.delays?.[priority] ?? 0) * SECOND : 0 };
      });
    });
}

/** Order of stop: the reverse, without the delays. */
export const stopWaves = (plan: Ordered, vmIds: readonly string[]): Wave[] =>
  startWaves(plan, vmIds)
    .reverse()
    .map(({ first, last, ...wave }) => ({ ...wave, first: last, last: first, delayMs: 0 }));

/** Each layer depends on the ones before it only. */
function layered(vms: readonly string[], { dependsOn }: Ordered): string[][] {
  const layers: string[][] = [];
  let left = new Set(vms);
  while (left.size > 0) {
    const ready = [...left].filter((id) => !(dependsOn?.[id] ?? []).some((on) => on !== id && left.has(on)));
    const layer = ready.length > 0 ? ready : [...left];
    layers.push(layer);
    const placed = new Set(layer);
    left = new Set([...left].filter((id) => !placed.has(id)));
  }
  return layers;
}

/**
 * The ids of a circle of dependencies, the first one again at its end; undefined where there is none. Each VM is looked
 * at once.
 */
export function circleOf(dependsOn: NonNullable<RecoveryPlanSpec['dependsOn']>): string[] | undefined {
  const done = new Set<string>();
  for (const start of Object.keys(dependsOn)) {
    if (done.has(start)) continue;
    // A walk without recursion: a chain may be as long as a plan has VMs.
    const path: string[] = [];
    const on = new Map<string, number>();
    const stack = [{ id: start, next: 0 }];
    while (stack.length > 0) {
      const top = stack.at(-1) as { id: string; next: number };
      if (top.next === 0) {
        on.set(top.id, path.length);
        path.push(top.id);
      }
      const to = dependsOn[top.id]?.[top.next++];
      if (to === undefined) {
        done.add(top.id);
        on.delete(top.id);
        path.pop();
        stack.pop();
      } else if (on.has(to)) return [...path.slice(on.get(to)), to];
      else if (!done.has(to)) stack.push({ id: to, next: 0 });
    }
  }
  return undefined;
}

/** The priority that starts first of those that any of these VMs have. */
const firstPriority = (plan: Ordered, vmIds: readonly string[]): number =>
  vmIds.reduce((least, id) => Math.min(least, priorityOf(plan, id)), Number.POSITIVE_INFINITY);

/** Steps of the plan at that place of a priority, in their order. One that names no priority belongs to the first. */
export function stepsAt(
  plan: Ordered & Pick<RecoveryPlanSpec, 'steps'>,
  at: PlanStep['at'],
  priority: number,
  vmIds: readonly string[],
): PlanStep[] {
  const first = firstPriority(plan, vmIds);
  return (plan.steps ?? []).filter((s) => s.at === at && (s.priority ?? first) === priority);
}

/** Priorities that VMs of the plan have, in the order of their start. */
export const prioritiesOf = (plan: Ordered, vmIds: readonly string[]): number[] =>
  Array.from({ length: PRIORITIES.last - PRIORITIES.first + 1 }, (_, i) => PRIORITIES.first + i).filter((p) =>
    vmIds.some((id) => priorityOf(plan, id) === p),
  );
