import { iso } from '../../../shared/kernel/clock.ts';
import type { Execution, ExecutionVm, GroupOutcome } from '../../../shared/model/execution.ts';
import type { RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import { groupRpo, type Lost, lostOf, phasesOf, planRto, rpoSeconds, rtoOf } from '../../../shared/recovery/report.ts';

const optional = <T>(fields: Record<string, T | undefined>) =>
  Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined));
const time = (at: number | undefined) => (at === undefined ? undefined : iso(at));

/** What is told of its VMs: `whole` are all of them, of which `shown` are listed. */
interface ToldVms {
  shown: readonly ExecutionVm[];
  /** Absent where not all of them were read: then nothing is said of the whole. */
  whole?: readonly ExecutionVm[];
  more?: number;
  nextPageToken?: string;
}

export function executionView(e: Execution, vms: ToldVms, plan: Pick<RecoveryPlan, 'rtoMinutes'>) {
  return {
    id: e.id,
    planId: e.planId,
    action: e.action,
    state: e.state,
    operationId: e.operationId,
    startedAt: iso(e.startedAt),
    ...optional<unknown>({
      rerunOf: e.rerunOf,
      startedBy: e.startedBy,
      finishedAt: time(e.finishedAt),
      reason: e.reason,
      override: e.override,
      warnings: e.warnings,
    }),
    fromSiteId: e.fromSiteId,
    toSiteId: e.toSiteId,
    phases: phasesOf(e).map((p) => ({
      name: p.name,
      startedAt: iso(p.startedAt),
      ...optional({ finishedAt: time(p.finishedAt), detail: p.detail }),
    })),
    vmCount: e.vms,
    vms: vms.shown.map((vm) => vmView(e, vm)),
    ...(vms.more ? { moreVms: vms.more } : {}),
    ...(vms.nextPageToken ? { nextPageToken: vms.nextPageToken } : {}),
    ...(vms.whole ? { rto: planRto(e, vms.whole, plan) } : {}),
    rpoSeconds: rpoSeconds(e),
    lostWrites: lostView(lostOf(e)),
    groups: e.groups.map(groupView),
    waits: e.waits.map(({ step, since, until, ended }) => ({
      name: step.name,
      kind: step.kind,
      ...optional({ message: step.message }),
      since: iso(since),
      until: iso(until),
      ...(ended
        ? { ended: { at: iso(ended.at), how: ended.how, ...optional({ by: ended.by, note: ended.note }) } }
        : {}),
    })),
    version: e.version,
  };
}

/** Hosts and epochs are the operator's: a tenant sees no hardware. */
const vmView = (e: Execution, vm: ExecutionVm) => ({
  id: vm.id,
  name: vm.name,
  groupId: vm.groupId,
  priority: vm.priority,
  outcome: vm.outcome,
  ready: vm.outcome === 'ready',
  ...optional<unknown>({
    readyAt: time(vm.readyAt),
    rtoSeconds: rtoOf(e, vm),
    reason: vm.reason,
    testVmId: vm.testVmId,
  }),
});

export const lostView = ({ count, bytes, from, to, known }: Lost) => ({
  count,
  bytes,
  ...optional({ from: time(from), to: time(to) }),
  known,
});

const groupView = (g: GroupOutcome) => ({
  groupId: g.groupId,
  ...optional<unknown>({
    reason: g.reason,
    epoch: g.epoch,
    point: g.point && { sequence: g.point.sequence, stateAt: iso(g.point.stateAt) },
    without: g.without,
    lostWrites: g.lost && lostView(g.lost),
  }),
  rpo: groupRpo(g),
});
