import type { PlanAction } from '../../../../shared/model/execution.ts';
import type { OperationKind } from '../../../../shared/model/operation.ts';
import type { GroupState } from '../../../../shared/model/protection.ts';
import type { PlanState } from '../../../../shared/model/recovery-plan.ts';
import type { SiteAction, SitePlanOutcome } from '../../../../shared/model/site-switch.ts';

/** What stories of disaster recovery have besides those of high availability. Times in ms; names are those of the story. */
export interface LinkSetting {
  kind: 'link';
  /** As sites by their letters: `a-b`. */
  name: string;
  from: string;
  to: string;
  latencyMs: number;
  mbps: number;
  mode: 'sync' | 'async';
}
export interface GroupSetting {
  kind: 'group';
  name: string;
  vms: string[];
  /** As in the contract, with sites by their names in the story. */
  replication: Record<string, unknown> & { targetSiteId: string; thirdSiteId?: string };
}
export interface PlanSetting {
  kind: 'plan';
  name: string;
  groups: string[];
  priorities: Record<string, number>;
  dependsOn: Record<string, string[]>;
  delays: Record<string, number>;
  steps: Record<string, unknown>[];
  /** It has had one successful test, and is clean again, before the story begins. */
  tested: boolean;
  /** It takes over by itself. */
  automatic: boolean;
}
export type DrSetting = LinkSetting | GroupSetting | PlanSetting;

/** Guests that write numbered blocks all the time: who, how often, and how much each time. */
export interface GuestsSetting {
  kind: 'guests';
  vms: string[];
  everyMs: number;
  bytes: number;
}

export interface PlanOrder {
  kind: 'plan action';
  plan: string;
  action: PlanAction;
  /** Begun without a test, for that reason (I11). */
  override?: string;
  /** The newest point that is not later than this, ms of story time. */
  before?: number;
  to?: string;
  dryRun?: true;
}
/** All plans of a site at once, by whoever runs the cloud (DR-2). */
export interface SiteOrder {
  kind: 'site action';
  site: string;
  action: SiteAction;
  override?: string;
  atOnce?: number;
  goOn?: true;
  dryRun?: true;
}
export type DrCommand =
  | PlanOrder
  | SiteOrder
  | { kind: 'cancel site'; site: string }
  | { kind: 'execution'; plan: string; word: 'resume' | 'cancel' }
  | { kind: 'group action'; group: string; action: 'suspend' | 'resume' | 'execute' | 'discard' | 'delete' }
  | { kind: 'members'; group: string; change: 'add' | 'remove'; vms: string[] }
  | { kind: 'create group'; group: GroupSetting }
  | { kind: 'create plan'; plan: PlanSetting }
  | { kind: 'change plan'; plan: PlanSetting }
  | { kind: 'delete plan'; plan: string }
  | { kind: 'grow'; vm: string; sizeGiB: number }
  | { kind: 'guests'; what: 'rest' | 'write' }
  /** From here on `as before` is compared. */
  | { kind: 'remember' };

export type DrTrigger =
  | { kind: 'plan is'; plan: string; state: PlanState }
  | { kind: 'group is'; group: string; state: GroupState }
  /** In the middle of a workflow: right before or right after it does a step, of which nobody has seen anything yet. */
  | { kind: 'step'; when: 'before' | 'after'; step: string; of: OperationKind };

export type DrPromise =
  | { kind: 'plan is'; plan: string; state: PlanState }
  | { kind: 'group is'; group: string; state: GroupState }
  | { kind: 'runs at'; vm: string; site: string }
  /** Acknowledged writes that cannot be read where the VMs are now. */
  | { kind: 'lost'; groups: string[]; what: 'nothing' | 'something' }
  /** What reports say was lost is what was lost; `exactly` where the former primary could be asked. */
  | { kind: 'lost as reported'; groups: string[]; exactly: boolean }
  | { kind: 'as before' }
  | { kind: 'phases'; plan: string }
  | { kind: 'report'; plan: string; action: PlanAction; state: string }
  /** Of the newest switch of the site. */
  | { kind: 'site report'; site: string; action: SiteAction; state: string }
  | { kind: 'site plans'; plans: string[]; outcome: SitePlanOutcome; because?: string }
  | { kind: 'report within'; plan: string; figure: 'rto' | 'rpo'; ms: number }
  | { kind: 'divergence'; group: string; what: 'none' | 'some' | 'discarded' }
  | { kind: 'refused because'; command: string; reason: string };
