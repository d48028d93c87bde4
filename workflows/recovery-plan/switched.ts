import type { ExecutionVm } from '../../shared/model/execution.ts';
import type { GroupEvent, ProtectedGroup } from '../../shared/model/protection.ts';
import type { PlanEvent } from '../../shared/model/recovery-plan.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import type { Case } from './case.ts';
import { endExecution } from './end.ts';
import { goOnToOthers } from './others.ts';

/** What a kind of switch makes of plan and groups. */
export interface Switch {
  done: PlanEvent[];
  failed: PlanEvent;
  group: GroupEvent;
}

/** How a switch stands when it ends: what has arrived, what was left behind, and why. */
export interface Outcome {
  whole: boolean;
  /** Nothing was begun with any group. */
  untouched: boolean;
  behind: ProtectedGroup[];
  failed: number;
  words: string | undefined;
}

export function outcomeOf(
  { groups, execution }: Case,
  entries: readonly ExecutionVm[],
  why: readonly string[],
): Outcome {
  const behind = groups.filter((g) => g.primarySiteId !== execution.toSiteId);
  const failed = entries.filter((e) => e.outcome === 'failed' || e.outcome === 'waiting').length;
  const words = [
    ...why,
    ...(behind.length > 0 ? [`${behind.length} of ${groups.length} groups were not promoted`] : []),
    ...(failed > 0 ? [`${failed} of ${entries.length} VMs were not started`] : []),
  ].join('; ');
  return {
    whole: behind.length === 0 && failed === 0 && why.length === 0,
    untouched: behind.length === groups.length && behind.every((g) => g.promoting === undefined),
    behind,
    failed,
    words: words || undefined,
  };
}

/** Ends a switch: each group is where it is, and everything is let go of. */
export async function endSwitch(
  held: Case,
  { whole, untouched, behind, words }: Outcome,
  kind: Switch,
  entries: readonly ExecutionVm[],
  deps: StepDeps,
): Promise<void> {
  const found = { ...held, groups: await goOnToOthers(held, deps) };
  const { groups, execution } = found;
  const none = behind.length === groups.length;
  const event: PlanEvent[] = whole ? kind.done : untouched ? ['givenUp'] : [kind.failed];
  return endExecution(
    found,
    {
      execution: { state: whole ? 'success' : none ? 'failed' : 'partial', ...(words ? { reason: words } : {}) },
      plan: { event },
      group: (group) => {
        if (group.primarySiteId === execution.toSiteId) return { event: kind.group };
        const reason = execution.groups.find((g) => g.groupId === group.id)?.reason ?? words ?? 'it was not promoted';
        return untouched ? { event: 'givenUp' } : { event: 'stepFailed', reason };
      },
    },
    entries,
    deps,
  );
}

/** The operation ends before the plan is let go of: whoever repeats this after a crash must still hold it. */
export const succeed = (state: State, found: Case, entries: readonly ExecutionVm[], deps: StepDeps): Promise<void> =>
  new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    {
      ok: true,
      result: {
        executionId: found.execution.id,
        ready: entries.filter((e) => e.outcome === 'ready').length,
        failed: entries.filter((e) => e.outcome === 'failed').length,
      },
    },
    deps.clock,
  );

export const missedOf = (state: State): string[] => (state.missed as string[] | undefined) ?? [];
