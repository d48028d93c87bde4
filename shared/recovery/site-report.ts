import { SECOND } from '../kernel/clock.ts';
import type { Execution, ExecutionVm } from '../model/execution.ts';
import type { SitePlan, SitePlanOutcome, SiteSwitch } from '../model/site-switch.ts';
import { type Lost, lostOf, planRto, rpoSeconds } from './report.ts';

interface Counted {
  all: number;
  ready: number;
  left: number;
  failed: number;
}
const NONE: Counted = { all: 0, ready: 0, left: 0, failed: 0 };

/** A plan of a switch as it stands now: it may have gone on since the switch has ended, as one that was paused. */
export interface SitePlanReport extends SitePlan {
  toSiteId?: string;
  vms?: Counted;
  /** From the word of its own execution, and from that for the site, to its last VM, seconds. */
  rtoSeconds?: number;
  readySeconds?: number;
  rpoSeconds?: number;
  lost?: Lost;
}
export interface SiteReport {
  outcomes: Partial<Record<SitePlanOutcome, number>>;
  vms: Counted;
  rtoSeconds?: number;
  rpoSeconds: number;
  lost: Lost;
  plans: SitePlanReport[];
}

/** What became of one plan, by the record of its execution; without one, by what was noted of it. Pure. */
function planReport(
  { startedAt }: Pick<SiteSwitch, 'startedAt'>,
  plan: SitePlan,
  execution: Execution | undefined,
  vms: readonly ExecutionVm[],
): SitePlanReport {
  if (!execution) return plan;
  const count = (outcome: ExecutionVm['outcome']) => vms.filter((vm) => vm.outcome === outcome).length;
  const { allSeconds } = planRto(execution, vms);
  const readyAt = Math.max(...vms.map((vm) => vm.readyAt ?? 0));
  return {
    ...plan,
    outcome: execution.state,
    ...(execution.reason ? { reason: execution.reason } : {}),
    ...(execution.finishedAt === undefined ? {} : { endedAt: execution.finishedAt }),
    toSiteId: execution.toSiteId,
    vms: { all: execution.vms, ready: count('ready'), left: count('left'), failed: count('failed') },
    ...(allSeconds === undefined
      ? {}
      : { rtoSeconds: allSeconds, readySeconds: Math.max(0, readyAt - startedAt) / SECOND }),
    rpoSeconds: rpoSeconds(execution),
    lost: lostOf(execution),
  };
}

/** The report of a switch of a site: of each plan and of all of them (DR-2, DR-20). Pure. */
export function siteReport(
  record: SiteSwitch,
  plans: readonly SitePlan[],
  executions: ReadonlyMap<string, Execution>,
  vmsOf: ReadonlyMap<string, readonly ExecutionVm[]>,
): SiteReport {
  const told = [...plans]
    .sort((a, b) => a.turn - b.turn)
    .map((plan) => {
      const execution = executions.get(plan.planId);
      return planReport(record, plan, execution, (execution && vmsOf.get(execution.id)) ?? []);
    });
  const outcomes: SiteReport['outcomes'] = {};
  for (const { outcome } of told) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  // Where a plan has VMs that do not serve yet, or was not begun at all, nobody knows how long it takes.
  const withVms = told.filter((p) => p.vms === undefined || p.vms.all > p.vms.left);
  const known = withVms.length > 0 && withVms.every((p) => p.readySeconds !== undefined);
  return {
    outcomes,
    vms: told.reduce((sum, { vms = NONE }) => added(sum, vms), NONE),
    ...(known ? { rtoSeconds: Math.max(...withVms.map((p) => p.readySeconds as number)) } : {}),
    rpoSeconds: Math.max(0, ...told.map((p) => p.rpoSeconds ?? 0)),
    lost: allLost(told),
    plans: told,
  };
}

const added = (a: Counted, b: Counted): Counted => ({
  all: a.all + b.all,
  ready: a.ready + b.ready,
  left: a.left + b.left,
  failed: a.failed + b.failed,
});

/** As sure as the least sure of them; what is still to be begun may lose something too. */
function allLost(plans: readonly SitePlanReport[]): Lost {
  const lost = plans.flatMap((p) => p.lost ?? []);
  const times = (of: 'from' | 'to') => lost.flatMap((l) => l[of] ?? []);
  const open = plans.some((p) => p.outcome === 'waiting') || lost.some((l) => l.known === 'pending');
  return {
    count: lost.reduce((sum, l) => sum + l.count, 0),
    bytes: lost.reduce((sum, l) => sum + l.bytes, 0),
    ...(times('from').length > 0 ? { from: Math.min(...times('from')) } : {}),
    ...(times('to').length > 0 ? { to: Math.max(...times('to')) } : {}),
    known: open ? 'pending' : lost.some((l) => l.known === 'atLeast') ? 'atLeast' : 'exact',
  };
}
