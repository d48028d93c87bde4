import type { ExecutionVm } from '../../shared/model/execution.ts';
import type { GroupEvent, ProtectedGroup } from '../../shared/model/protection.ts';
import type { PlanEvent } from '../../shared/model/recovery-plan.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { causeOf, type State, type StepDeps } from '../engine/step-table.ts';
import { type Case, enterPhase, findCase, loadCase } from '../recovery-plan/case.ts';
import { endExecution } from '../recovery-plan/end.ts';
import { settleHeld } from '../recovery-plan/settle.ts';

/** Ends the failover: what came of it stands in the execution, and everything is let go of. */
export async function report(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'report', deps);
  const entries = await settleHeld(found, state, 'it was not seen running', deps);
  const missed = (state.missed as string[] | undefined) ?? [];
  await new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    { ok: true, result: { executionId: found.execution.id, ...counts(entries) } },
    deps.clock,
  );
  await end(found, entries, missed.join('; ') || undefined, deps);
  return {};
}

const counts = (entries: readonly ExecutionVm[]) => ({
  ready: entries.filter((e) => e.outcome === 'ready').length,
  failed: entries.filter((e) => e.outcome === 'failed').length,
});

/** A failover that broke off is not taken back but gone on with: all is let go of as it is, and `failover` again goes on. */
export async function letGo(state: State, deps: StepDeps): Promise<void> {
  const found = await findCase(state, deps);
  if (!found) return;
  const { message } = causeOf(state.error);
  const entries = await settleHeld(found, state, `the failover broke off: ${message}`, deps);
  await end(found, entries, message, deps, true);
}

async function end(
  found: Case,
  entries: readonly ExecutionVm[],
  why: string | undefined,
  deps: StepDeps,
  broken = false,
): Promise<void> {
  const { groups, execution } = found;
  const behind = groups.filter((g) => g.primarySiteId !== execution.toSiteId);
  const failed = entries.filter((e) => e.outcome === 'failed' || e.outcome === 'waiting').length;
  const whole = behind.length === 0 && failed === 0 && !broken;
  const untouched = behind.length === groups.length && behind.every((g) => g.promoting === undefined);
  const words = [
    ...(why ? [why] : []),
    ...(behind.length > 0 ? [`${behind.length} of ${groups.length} groups were not promoted`] : []),
    ...(failed > 0 ? [`${failed} of ${entries.length} VMs were not started`] : []),
  ].join('; ');
  const settled = groups.every((g) => g.former?.demoted === true || g.former === undefined);
  const events: PlanEvent[] = whole
    ? ['failedOver', ...(settled ? (['peerSettled'] as const) : [])]
    : untouched
      ? ['givenUp']
      : ['failoverFailed'];
  await endExecution(
    found,
    {
      execution: {
        state: whole && !why ? 'success' : behind.length === groups.length || broken ? 'failed' : 'partial',
        ...(words ? { reason: words } : {}),
      },
      plan: { event: events },
      group: (group) => groupEnd(group, found),
    },
    entries,
    deps,
  );
}

function groupEnd(group: ProtectedGroup, { execution }: Case): { event?: GroupEvent; reason?: string } {
  if (group.primarySiteId === execution.toSiteId) return { event: 'recovered' };
  const reason = execution.groups.find((g) => g.groupId === group.id)?.reason ?? 'it was not promoted';
  return { event: group.promoting === undefined ? 'givenUp' : 'stepFailed', reason };
}
