import { MINUTE } from '../kernel/clock.ts';
import type { AuditEntry } from './audit.ts';

/** What can be done with all recovery plans of a site at once (DR-2). */
export const SITE_ACTIONS = ['failover', 'migrate'] as const;
export type SiteAction = (typeof SITE_ACTIONS)[number];
/** Ranks that an operator may give to plans or tenants: 1 begins first. Declared. */
export const RANKS = { first: 1, last: 99, default: 50 } as const;
/** Plans that are under way at once, those that wait for a person not counted. Declared: what one pass can begin. */
export const PLANS_AT_ONCE = { most: 50, default: 50 } as const;
/** A plan that something else holds is tried again for so long, then reported as refused, ms. Declared. */
export const HELD_PATIENCE_MS = 15 * MINUTE;
/** Plans of one part of a switch: with some 700 bytes each it stays far below the 400 KB of an item. */
export const PLANS_PER_PART = 100;

export const SITE_SWITCH_STATES = ['running', 'success', 'partial', 'failed', 'cancelled'] as const;

/** All plans of a site, switched by one word (DR-2). It is known by the id of its operation. */
export interface SiteSwitch {
  id: string;
  siteId: string;
  action: SiteAction;
  state: (typeof SITE_SWITCH_STATES)[number];
  /** The word: what the RTO of the site counts from (DR-20), ms. */
  startedAt: number;
  finishedAt?: number;
  reason?: string;
  /** Whose word it was; each plan that is begun is put on the audit trail in this name. */
  by: Pick<AuditEntry, 'actor' | 'roles' | 'operationId' | 'requestId' | 'source'>;
  /** Plans are begun without a successful test too (I11). */
  override?: { reason: string };
  toSiteId?: string;
  /** The newest point of each group that is not later, RFC 3339. */
  before?: string;
  /** By plan or tenant. */
  ranks?: Record<string, number>;
  atOnce: number;
  /** `stop`: nothing more is begun after the first plan that did not come to a good end (DR-9). */
  onError: 'stop' | 'goOn';
  /** What the operator was told when it began. */
  warnings?: string[];
  /** How many plans it is about; what became of each stands in parts. Absent until they were listed. */
  plans?: number;
  version: number;
}

export const SITE_PLAN_OUTCOMES = [
  'waiting',
  'running',
  'paused',
  'success',
  'partial',
  'failed',
  'refused',
  'notBegun',
] as const;
/** `paused`: it waits for a person. `notBegun`: its turn did not come. */
export type SitePlanOutcome = (typeof SITE_PLAN_OUTCOMES)[number];

/** One plan of a switch of a site. */
export interface SitePlan {
  planId: string;
  tenantId: string;
  name: string;
  rank: number;
  /** Its turn among all of them. */
  turn: number;
  outcome: SitePlanOutcome;
  /** Of a refusal. */
  code?: string;
  reason?: string;
  executionId?: string;
  operationId?: string;
  /** It was under way already, begun by its tenant. */
  joined?: true;
  begunAt?: number;
  endedAt?: number;
  /** Since when something else has held it, ms. */
  heldSince?: number;
}
export interface SiteSwitchPart {
  switchId: string;
  n: number;
  plans: Record<string, SitePlan>;
  version: number;
}

/** Whoever has it switches the site; there is one for each site that is being switched. */
export interface SiteClaim {
  siteId: string;
  switchId: string;
}
