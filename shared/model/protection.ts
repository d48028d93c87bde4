import * as z from 'zod';
import { DAY, HOUR, MINUTE } from '../kernel/clock.ts';
import { stateMachine } from './state-machine.ts';

/** VMs of a group at most: a group is switched as a whole, and one item of the table knows all its members. Declared. */
export const GROUP_VMS_MAX = 200;
/** VMs that can be added at once: with a datastore, a link and a claim each they fit into one transaction (100 actions). */
export const GROUP_VMS_AT_ONCE = 60;
/** Expected RPO, minutes (DR-5, I10: Huawei eReplication: 5 minutes to 31 days, 23 hours, 59 minutes). */
export const RPO_MINUTES = { least: 5, most: (31 * DAY + 23 * HOUR + 59 * MINUTE) / MINUTE, default: 15 } as const;
/** What a group may use of its link when nothing is said, Mbit/s. Declared. */
export const GROUP_MBPS_DEFAULT = 100;
/** Complete points that are kept at the recovery site when nothing is said. Declared. */
export const KEPT_POINTS_DEFAULT = 4;

/**
 * `activeStandby`: one target. The others have a second target `thirdSiteId` that is fed asynchronously (DR-18): `cascade`
 * from the first target, `parallel` from the primary, `star` from the primary with the leg between the targets standing by.
 */
const TOPOLOGIES = ['activeStandby', 'cascade', 'parallel', 'star'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

export const replicationSpec = z.strictObject({
  mode: z.enum(['sync', 'async']).describe('sync: acknowledged when both sites have it'),
  targetSiteId: z.string().max(128),
  rpoMinutes: z
    .int()
    .min(RPO_MINUTES.least)
    .max(RPO_MINUTES.most)
    .optional()
    .describe('expected RPO of what is sent asynchronously; 15'),
  mbps: z.int().min(1).max(1_000_000).optional().describe('what the group may use of each of its links, Mbit/s; 100'),
  onLinkLoss: z
    .enum(['goOn', 'holdBack'])
    .optional()
    .describe('of a synchronous leg: whether the guests go on alone when its link is down, or are held back; goOn'),
  keepPoints: z.int().min(1).max(24).optional().describe('complete points kept at an asynchronous target; 4'),
  windows: z
    .array(z.strictObject({ fromHour: z.int().min(0).max(23), toHour: z.int().min(0).max(23) }))
    .max(4)
    .optional()
    .describe('hours of the day, UTC, in which an asynchronous leg sends; without any, always'),
  topology: z.enum(TOPOLOGIES).optional().describe('activeStandby'),
  thirdSiteId: z.string().max(128).optional().describe('of a topology with three centres: the far one'),
});
export type ReplicationSpec = z.infer<typeof replicationSpec>;
/** What of it can be changed later: mode and sites cannot. What is left out stays as it is. */
export const replicationChange = replicationSpec
  .pick({ rpoMinutes: true, mbps: true, onLinkLoss: true, keepPoints: true, windows: true })
  .partial();

/** S4 of the vocabulary. */
export const GROUP_STATES = [
  'unprotected',
  'initialSync',
  'protected',
  'suspended',
  'error',
  'testing',
  'testComplete',
  'cleaning',
  'migrating',
  'failingOver',
  'partiallyRecovered',
  'invalid',
  'reprotecting',
  'partiallyReprotected',
] as const;
export type GroupState = (typeof GROUP_STATES)[number];
export type GroupEvent =
  | 'protect'
  | 'syncDone'
  | 'syncFailed'
  | 'linkDown'
  | 'datastoreFault'
  | 'suspend'
  | 'resume'
  | 'repaired'
  | 'unprotect'
  | 'planTest'
  | 'testDone'
  | 'testFailed'
  | 'cleanup'
  | 'cleanupDone'
  | 'cleanupFailed'
  | 'planMigrate'
  | 'migrated'
  | 'givenUp'
  | 'planFailover'
  | 'recovered'
  | 'stepFailed'
  | 'rerunMigrate'
  | 'rerunFailover'
  | 'rollback'
  | 'reprotect'
  | 'reprotected'
  | 'rerunReprotect';

/**
 * The total table. Readings beyond S4:
 * - a migration that stops before the roles have changed can be taken back (`rollback`): the group is protected as before;
 * - a switch that was refused before it did anything leaves the group as it was (`givenUp`);
 * - a group whose test is not cleaned up can be failed over all the same: a disaster does not wait for a clean-up;
 * - a group in `invalid` can be failed over again, back to a site that holds a copy, when the new primary is lost;
 * - a test that has failed can be run again before it is cleaned up, and a clean-up that hangs does not keep a disaster waiting.
 */
export const groupMachine = /* @__PURE__ */ stateMachine<GroupState, GroupEvent>('protected group', {
  unprotected: { protect: 'initialSync' },
  initialSync: { syncDone: 'protected', linkDown: 'error', syncFailed: 'error', unprotect: 'unprotected' },
  protected: {
    suspend: 'suspended',
    linkDown: 'error',
    datastoreFault: 'error',
    planTest: 'testing',
    planMigrate: 'migrating',
    planFailover: 'failingOver',
    unprotect: 'unprotected',
  },
  suspended: { resume: 'protected', unprotect: 'unprotected', planFailover: 'failingOver' },
  error: { repaired: 'protected', planFailover: 'failingOver', unprotect: 'unprotected', suspend: 'suspended' },
  testing: { testDone: 'testComplete', testFailed: 'testComplete' },
  testComplete: { planTest: 'testing', cleanup: 'cleaning', planFailover: 'failingOver' },
  cleaning: { cleanupDone: 'protected', cleanupFailed: 'cleaning', planFailover: 'failingOver' },
  migrating: { migrated: 'invalid', stepFailed: 'partiallyRecovered', givenUp: 'protected' },
  failingOver: { recovered: 'invalid', stepFailed: 'partiallyRecovered', givenUp: 'error' },
  partiallyRecovered: { rerunMigrate: 'migrating', rerunFailover: 'failingOver', rollback: 'protected' },
  invalid: { reprotect: 'reprotecting', planFailover: 'failingOver', unprotect: 'unprotected' },
  reprotecting: { reprotected: 'protected', stepFailed: 'partiallyReprotected' },
  partiallyReprotected: { rerunReprotect: 'reprotecting' },
});

/** VMs that are protected together: their writes have one order, and they are switched to another site together (DR-3, DR-6). */
export interface ProtectedGroup {
  id: string;
  tenantId: string;
  vdcId: string;
  name: string;
  state: GroupState;
  /** Why it is in this state, when that needs words. */
  reason?: string;
  vms: string[];
  /** Members no more, whose copies are still to be removed. */
  leaving?: string[];
  replication: ReplicationSpec;
  /** The site whose copy has, or is being given, the right to write (DR-7). Raised with `epoch`, in one write. */
  primarySiteId: string;
  epoch: number;
  /** Version of the order that the primary is given (`GroupOrder.version`). */
  orderVersion: number;
  /** Legs from the primary, and on. Without any after a switch, until it is reprotected. */
  legs: GroupLeg[];
  /**
   * What it holds of links, Mbit/s by id of the link. Kept over a switch, when there are no legs: the way back must not be
   * taken by others.
   */
  links: Record<string, number>;
  /** The former primary, from a switch on until it is reprotected or forgotten. */
  former?: FormerPrimary;
  /**
   * The epoch under which that site is being given the right to write. Written before the site is told, so that whoever goes
   * on after a crash uses the same one, and no two sites are ever given the same.
   */
  promoting?: { siteId: string; epoch: number };
  /** Since when a synchronous leg may be behind, as the guests were allowed to go on alone, ms. Noted before they are. */
  aloneSince?: number;
  /**
   * Number of the last order to go on alone; it only rises. While `aloneSince` is noted a site may obey it; the note goes
   * once the primary has confirmed that it obeys it no more.
   */
  aloneOrder?: number;
  /** When the watch had the sites told anew last, ms. */
  takenUpAt?: number;
  /** The plan whose execution uses it (DR-19). */
  usedBy?: string;
  /** The operation that holds it. */
  claim?: string;
  operationId: string;
  version: number;
  createdAt: number;
}

export interface GroupLeg {
  siteId: string;
  from: string;
  mode: 'sync' | 'async';
  linkId: string;
  /** What it holds of the link, Mbit/s. */
  mbps: number;
  /** `standby`: it sends only when another one cannot (DR-18, star). */
  standby?: true;
}

export interface FormerPrimary {
  siteId: string;
  epoch: number;
  /** It has confirmed that it writes no more. */
  demoted?: true;
  /** Writes that it alone has, once it could be asked (DR-14). */
  divergent?: { count: number; bytes: number; from?: number; to?: number; discarded: boolean };
  /** The execution whose loss is settled by that. */
  executionId?: string;
  /** Somebody answers for it that the site does not come back: nobody waits for it any more. It is fenced all the same. */
  abandoned?: { at: number; by: string; reason: string };
}

/** Whether a former primary is still waited for: it was not heard, and nobody has said that it does not come back. */
export const waitsForFormer = ({ former }: Pick<ProtectedGroup, 'former'>): boolean =>
  former !== undefined && former.demoted !== true && former.abandoned === undefined;

/** What a VM's membership means for it. On the VM, so that all ledgers follow from VMs alone. */
export interface Protection {
  groupId: string;
  /** Its placeholders (DR-21): volumes that hold its copy, by site. They count in the ledgers of datastores, not in quotas. */
  replicas: Replica[];
  /** It has changed since the policy was executed last: what is protected is not what it is (DR-17). */
  outdated?: string;
}
export interface Replica {
  siteId: string;
  volumes: { id: string; name: string; sizeGiB: number; datastoreId: string }[];
}

/** What the copies of a VM hold of datastores, by site. */
export const replicaHoldsOf = (vm: {
  protection?: Pick<Protection, 'replicas'>;
}): { siteId: string; datastoreId: string; gib: number }[] =>
  (vm.protection?.replicas ?? []).flatMap(({ siteId, volumes }) =>
    volumes.map(({ datastoreId, sizeGiB }) => ({ siteId, datastoreId, gib: sizeGiB })),
  );
