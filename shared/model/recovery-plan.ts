import * as z from 'zod';
import { stateMachine } from './state-machine.ts';

/** Groups of a plan at most; declared. */
const PLAN_GROUPS_MAX = 20;
/** Priority groups of a plan (DR-11): 1 starts first. */
export const PRIORITIES = { first: 1, last: 5, default: 3 } as const;
/** A pause or a call-out waits so long at most, minutes. Declared. */
export const STEP_MINUTES_MAX = 1_440;
/** Records of executions that are kept of a plan (DR-3): by number, not by age, so that a plan seldom used keeps its history. */
export const EXECUTIONS_KEPT = 1_000;
/** A plan as it is stored has so many bytes at most: with its records it stays within one item of the table (400 KB). */
export const PLAN_BYTES_MAX = 256 * 1024;
/** A plan can be drilled so seldom at most, days. Declared. */
const DRILL_DAYS_MAX = 366;

const id = z.string().min(1).max(128);
const steps = z.strictObject({
  name: z.string().trim().min(1).max(64),
  at: z
    .enum(['beforeShutdown', 'afterShutdown', 'beforeStart', 'afterStart'])
    .describe('before or after the VMs of the priority are stopped or started'),
  priority: z.int().min(PRIORITIES.first).max(PRIORITIES.last).optional().describe('of which priority; the first'),
  kind: z.enum(['pause', 'callOut']).describe('pause: until a person resumes the execution'),
  message: z.string().trim().min(1).max(500).optional().describe('what the person is to do or check'),
  timeoutMinutes: z.int().min(1).max(STEP_MINUTES_MAX).optional().describe('how long it is waited for; 60'),
  onTimeout: z.enum(['goOn', 'fail']).optional().describe('fail'),
});
export const recoveryPlanSpec = z.strictObject({
  name: z.string().trim().min(1).max(128),
  groups: z.array(id).min(1).max(PLAN_GROUPS_MAX).describe('ids of protected groups, in the order of their switch'),
  priorities: z
    .record(id, z.int().min(PRIORITIES.first).max(PRIORITIES.last))
    .optional()
    .describe('priority group by VM: 1 starts first and stops last; 3'),
  dependsOn: z
    .record(id, z.array(id).max(16))
    .optional()
    .describe('by VM, VMs of the same priority that serve before it starts'),
  delays: z
    .record(z.string().regex(/^[1-5]$/), z.int().min(0).max(3_600))
    .optional()
    .describe('by priority, seconds that are waited after its VMs are ready; 0'),
  networkMap: z
    .record(id, id)
    .optional()
    .describe('by network, the one in its place at the recovery site; a network that reaches that site stays'),
  ipMap: z
    .record(id, z.ipv4())
    .optional()
    .describe('by NIC, its address in the mapped network; without it the same one, or the next that is free'),
  clusterMap: z.record(id, id).optional().describe('by cluster, the one of the recovery site; any that has room'),
  reserve: z
    .enum(['none', 'full'])
    .optional()
    .describe('full: CPU and memory of its VMs are kept at the recovery site, and nobody else gets them (DR-21); none'),
  steps: z.array(steps).max(32).optional(),
  rtoMinutes: z
    .int()
    .min(1)
    .max(10_080)
    .optional()
    .describe('expected RTO: from the word to the last VM of the most urgent priority (DR-20)'),
  drillEveryDays: z.int().min(1).max(DRILL_DAYS_MAX).optional().describe('how often it is to be tested'),
  takeOver: z
    .enum(['byHand', 'automatic'])
    .optional()
    .describe(
      'automatic: of synchronous groups; when both the control plane and the other copy have lost the site, and nothing can be lost, the plan switches by itself; byHand',
    ),
});
/** A change: what is left out stays as it is; null takes an objective away. */
export const recoveryPlanChange = recoveryPlanSpec
  .extend({
    rtoMinutes: recoveryPlanSpec.shape.rtoMinutes.nullable(),
    drillEveryDays: recoveryPlanSpec.shape.drillEveryDays.nullable(),
  })
  .partial();
export type RecoveryPlanSpec = z.infer<typeof recoveryPlanSpec>;
export type PlanStep = z.infer<typeof steps>;

/** S5 of the vocabulary. */
export const PLAN_STATES = [
  'ready',
  'testing',
  'testComplete',
  'testPartialFailure',
  'cleaning',
  'cleanupPartialFailure',
  'migrating',
  'migratePartialFailure',
  'failingOver',
  'failoverPartialFailure',
  'recoveredPeerPending',
  'recovered',
  'reprotecting',
  'reprotectPartialFailure',
] as const;
export type PlanState = (typeof PLAN_STATES)[number];
export type PlanEvent =
  | 'test'
  | 'testDone'
  | 'testFailed'
  | 'cleanup'
  | 'cleaned'
  | 'cleanupFailed'
  | 'migrate'
  | 'migrated'
  | 'migrateFailed'
  | 'failover'
  | 'failedOver'
  | 'failoverFailed'
  | 'peerSettled'
  | 'reprotect'
  | 'reprotected'
  | 'reprotectFailed'
  | 'rollback'
  | 'givenUp';

/**
 * The total table. A rerun is the same action once more. Readings beyond S5:
 * - what is refused before it has done anything leads back to `ready` (`givenUp`);
 * - a disaster does not wait for the clean-up of a test: `failover` is taken while one is not cleaned up;
 * - a failover that left VMs behind can be completed by `failover` again, and reprotected without them.
 */
export const planMachine = /* @__PURE__ */ stateMachine<PlanState, PlanEvent>('recovery plan', {
  ready: { test: 'testing', migrate: 'migrating', failover: 'failingOver' },
  testing: { testDone: 'testComplete', testFailed: 'testPartialFailure', givenUp: 'ready' },
  testComplete: { cleanup: 'cleaning', failover: 'failingOver' },
  testPartialFailure: { test: 'testing', cleanup: 'cleaning', failover: 'failingOver' },
  cleaning: { cleaned: 'ready', cleanupFailed: 'cleanupPartialFailure' },
  cleanupPartialFailure: { cleanup: 'cleaning', failover: 'failingOver' },
  migrating: { migrated: 'recovered', migrateFailed: 'migratePartialFailure', givenUp: 'ready' },
  migratePartialFailure: { migrate: 'migrating', failover: 'failingOver', rollback: 'ready' },
  failingOver: { failedOver: 'recoveredPeerPending', failoverFailed: 'failoverPartialFailure', givenUp: 'ready' },
  failoverPartialFailure: { failover: 'failingOver', peerSettled: 'recovered' },
  recoveredPeerPending: { peerSettled: 'recovered' },
  recovered: { reprotect: 'reprotecting' },
  reprotecting: { reprotected: 'ready', reprotectFailed: 'reprotectPartialFailure' },
  reprotectPartialFailure: { reprotect: 'reprotecting' },
});

/** How the VMs of some groups are brought to another site: in which order, and with what mapped to what (DR-3, DR-11). */
export interface RecoveryPlan extends RecoveryPlanSpec {
  id: string;
  tenantId: string;
  state: PlanState;
  reason?: string;
  /** Where its VMs were when it was made: going there again is going back, and maps the other way round (DR-13). */
  homeSiteId: string;
  /** The last test that was successful (I11), of the plan as it is: a change of the plan makes it void. */
  testedAt?: number;
  /** What the test that is meant by `testedAt`, or is under way, was a test of: see `printOf`. */
  testPrint?: string;
  /** The last test that was successful before `testedAt` was made void: for the calendar of drills. */
  drilledAt?: number;
  /** Records of executions that are kept of it. */
  executions: number;
  /** The execution that is under way, or was last. */
  executionId?: string;
  /** The test that was last: whatever it has made is cleaned up by its name. */
  testExecutionId?: string;
  claim?: string;
  operationId?: string;
  version: number;
  createdAt: number;
}

/** The priority group of a VM. */
export const priorityOf = (plan: Pick<RecoveryPlanSpec, 'priorities'>, vmId: string): number =>
  plan.priorities?.[vmId] ?? PRIORITIES.default;
