import type { PlanStep } from './recovery-plan.ts';

/** What can be done with a recovery plan. */
export const PLAN_ACTIONS = ['test', 'cleanup', 'migrate', 'failover', 'reprotect', 'failback', 'rollback'] as const;
export type PlanAction = (typeof PLAN_ACTIONS)[number];

/** Who runs the cloud, as tenants are told: which of its people it was stands on the audit trail. */
export const OPERATOR = 'operator';

/** One execution of a plan: the record of what was done, when, and what came of it (DR-3, DR-20). */
export interface Execution {
  id: string;
  tenantId: string;
  planId: string;
  action: PlanAction;
  /** `partial`: it went on after errors on single VMs, which are listed. `paused`: it waits for a person. */
  state: 'running' | 'paused' | 'success' | 'partial' | 'failed';
  operationId: string;
  /** The one that failed in parts, which this one goes on with: only what was left undone then is its business. */
  rerunOf?: string;
  /** When it was confirmed, ms: RTO counts from here (DR-20). */
  startedAt: number;
  /** Who began it: a name of its tenant's, or `OPERATOR` for a whole site. Absent of what began before this was noted. */
  startedBy?: string;
  finishedAt?: number;
  reason?: string;
  /** Who began it without a successful test before, or in spite of a warning, and why (I11). */
  override?: { by: string; reason: string };
  /** What stood in the way of single VMs when it began, and did not keep it from beginning. */
  warnings?: string[];
  phases: Phase[];
  groups: GroupOutcome[];
  /** Site that the VMs come from, and to which they go. */
  fromSiteId: string;
  toSiteId: string;
  /** How many VMs it is about; what became of each stands in parts. */
  vms: number;
  /** Calls and pauses of the plan that came up, with their ends. */
  waits: Wait[];
  /** Since when a site that it needs has not answered, ms; 0 once it was heard again. */
  silentSince?: number;
  version: number;
}

export interface Phase {
  name: string;
  startedAt: number;
  finishedAt?: number;
  detail?: string;
}

export interface Wait {
  step: PlanStep;
  since: number;
  until: number;
  ended?: { at: number; how: 'resumed' | 'answered' | 'timedOut'; by?: string; note?: string };
}

export interface GroupOutcome {
  groupId: string;
  /** What was promised, ms; 0 for a synchronous group. */
  expectedRpoMs: number;
  epoch?: number;
  /** Why it was not brought to the other site. */
  reason?: string;
  point?: { sequence: number; stateAt: number };
  /** VMs that had joined the group, and whose first copy was not complete at the point: they were left behind. */
  without?: string[];
  /**
   * Acknowledged writes that are not there any more. `atLeast`: as far as the recovery site had been told; settled when the
   * former primary could be asked.
   */
  lost?: { count: number; bytes: number; from?: number; to?: number; known: 'exact' | 'atLeast' };
}

/** VMs of one part of an execution: with some 250 bytes each it stays far below the 400 KB of an item. */
export const VMS_PER_PART = 200;

export interface ExecutionPart {
  tenantId: string;
  executionId: string;
  n: number;
  vms: Record<string, ExecutionVm>;
  /** How often it was changed; absent before the first time. */
  version?: number;
}
/** `left`: nothing was to be done, as it is wanted stopped. */
export interface ExecutionVm {
  id: string;
  name: string;
  groupId: string;
  priority: number;
  outcome: 'waiting' | 'starting' | 'ready' | 'left' | 'failed';
  hostId?: string;
  epoch?: number;
  /** When its guest served, ms. */
  readyAt?: number;
  reason?: string;
  /** Hosts on which its start has failed. */
  tried?: string[];
  /** The copy of it that a test has made. */
  testVmId?: string;
}

/** How much acknowledged work was lost, ms: from the point to the last write that is not in it; 0 without a loss (DR-10). */
export const lostMs = ({ point, lost }: Pick<GroupOutcome, 'point' | 'lost'>): number =>
  point && lost && lost.count > 0 ? Math.max(0, (lost.to ?? point.stateAt) - point.stateAt) : 0;
