import { MINUTE, SECOND } from '../kernel/clock.ts';
import { type Execution, type ExecutionVm, type GroupOutcome, lostMs, type Phase } from '../model/execution.ts';
import type { RecoveryPlan } from '../model/recovery-plan.ts';
import { type Drills, drillsOf } from './tested.ts';

/** Seconds, to the millisecond. */
const seconds = (ms: number): number => Math.round(ms) / SECOND;

/**
 * Phases that follow each other from the confirmation on, without a gap and without an overlap: what lies between two of
 * them belongs to the one before, what comes before the first is `accepted`. So they sum up to the whole time.
 */
export function phasesOf({ startedAt, finishedAt, phases }: Execution): Phase[] {
  const sorted = [...phases].sort((a, b) => a.startedAt - b.startedAt);
  const all =
    (sorted[0]?.startedAt ?? finishedAt ?? startedAt) > startedAt
      ? [{ name: 'accepted', startedAt } as Phase, ...sorted]
      : sorted;
  return all.map(({ finishedAt: _, ...phase }, i): Phase => {
    const end = all[i + 1]?.startedAt ?? finishedAt;
    return { ...phase, ...(end === undefined ? {} : { finishedAt: end }) };
  });
}

/** How long it took from the word until the VM served, seconds (DR-20). */
export const rtoOf = (execution: Pick<Execution, 'startedAt'>, vm: Pick<ExecutionVm, 'readyAt'>): number | undefined =>
  vm.readyAt === undefined ? undefined : seconds(Math.max(0, vm.readyAt - execution.startedAt));

interface Rto {
  /** The last VM of the most urgent priority that any VM has, and the last of all, seconds; absent until they are ready. */
  criticalSeconds?: number;
  allSeconds?: number;
  expectedSeconds?: number;
  /** Whether what was promised for the most urgent priority was kept; absent where nothing is, or it is not known yet. */
  met?: boolean;
}

/**
 * RTO of the whole (DR-20). A VM that failed, or is not ready yet, leaves it open; one that is wanted stopped does not
 * count. Where one has failed for good the promise is broken, whatever the others took.
 */
export function planRto(
  execution: Pick<Execution, 'startedAt' | 'finishedAt'>,
  vms: readonly ExecutionVm[],
  plan?: Pick<RecoveryPlan, 'rtoMinutes'>,
): Rto {
  const wanted = vms.filter((vm) => vm.outcome !== 'left');
  const urgent = wanted.reduce((least, vm) => Math.min(least, vm.priority), Number.POSITIVE_INFINITY);
  const critical = wanted.filter((vm) => vm.priority === urgent);
  const last = (of: readonly ExecutionVm[]) =>
    of.length > 0 && of.every((vm) => vm.outcome === 'ready' && vm.readyAt !== undefined)
      ? Math.max(...of.map((vm) => rtoOf(execution, vm) as number))
      : undefined;
  const [criticalSeconds, allSeconds] = [last(critical), last(wanted)];
  const expectedSeconds = plan?.rtoMinutes === undefined ? undefined : seconds(plan.rtoMinutes * MINUTE);
  const met =
    expectedSeconds === undefined || critical.length === 0
      ? undefined
      : criticalSeconds !== undefined
        ? criticalSeconds <= expectedSeconds
        : execution.finishedAt === undefined
          ? undefined
          : false;
  return {
    ...(criticalSeconds === undefined ? {} : { criticalSeconds }),
    ...(allSeconds === undefined ? {} : { allSeconds }),
    ...(expectedSeconds === undefined ? {} : { expectedSeconds }),
    ...(met === undefined ? {} : { met }),
  };
}

export interface Lost {
  count: number;
  bytes: number;
  from?: number;
  to?: number;
  /** `pending`: what is lost is not known yet, as nothing was promoted. */
  known: 'exact' | 'atLeast' | 'pending';
}

/** Acknowledged writes of all groups that are not there any more. As sure as the least sure of them. */
export function lostOf({ groups, action, finishedAt }: Pick<Execution, 'groups' | 'action' | 'finishedAt'>): Lost {
  const lost = groups.flatMap((g) => g.lost ?? []);
  const times = (of: 'from' | 'to') => lost.flatMap((l) => (l.count > 0 && l[of] !== undefined ? [l[of]] : []));
  const loses = action === 'failover' || action === 'migrate' || action === 'failback';
  const open = loses && finishedAt === undefined && lost.length < groups.length;
  return {
    count: lost.reduce((sum, l) => sum + l.count, 0),
    bytes: lost.reduce((sum, l) => sum + l.bytes, 0),
    ...(times('from').length > 0 ? { from: Math.min(...times('from')) } : {}),
    ...(times('to').length > 0 ? { to: Math.max(...times('to')) } : {}),
    known: open ? 'pending' : lost.some((l) => l.known === 'atLeast') ? 'atLeast' : 'exact',
  };
}

/** What was promised of a group, and what came of it. Seconds. */
export const groupRpo = (group: GroupOutcome) => {
  const achieved = lostMs(group);
  return {
    expectedSeconds: seconds(group.expectedRpoMs),
    ...(group.lost ? { achievedSeconds: seconds(achieved), met: achieved <= group.expectedRpoMs } : {}),
  };
};

/** RPO achieved by the whole, seconds: the worst of its groups. */
export const rpoSeconds = ({ groups }: Pick<Execution, 'groups'>): number =>
  seconds(Math.max(0, ...groups.map(lostMs)));

interface Drilled {
  executionId: string;
  startedAt: number;
  state: Execution['state'];
}
/** The tests among these executions, and when the next one is due. */
export const drillHistory = (
  plan: RecoveryPlan,
  executions: readonly Execution[],
  now: number,
): { tests: Drilled[]; calendar?: Drills } => {
  const calendar = drillsOf(plan, now);
  return {
    tests: executions
      .filter((e) => e.action === 'test')
      .map(({ id, startedAt, state }) => ({ executionId: id, startedAt, state })),
    ...(calendar ? { calendar } : {}),
  };
};
