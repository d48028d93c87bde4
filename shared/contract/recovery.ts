import * as z from 'zod';
import { PLAN_ACTIONS } from '../model/execution.ts';
import { GROUP_STATES } from '../model/protection.ts';
import { PLAN_STATES, recoveryPlanChange, recoveryPlanSpec, STEP_MINUTES_MAX } from '../model/recovery-plan.ts';
import { type ApiOperation, get, patch, post, remove } from './operation.ts';
import * as s from './shapes.ts';

/** Most VMs that a page of executions lists, over all its executions. */
export const EXECUTION_VMS_LISTED = 1_000;

const recoveryPlan = recoveryPlanSpec.extend({
  id: z.string(),
  state: z.enum(PLAN_STATES),
  reason: z.string().optional(),
  homeSiteId: z.string().describe('where its VMs were when it was made'),
  testedAt: s.time.optional().describe('the last successful test; a change of the plan makes it void'),
  lastDrillAt: s.time.optional(),
  nextDrillDue: s.time.optional(),
  drillOverdueDays: z.int().optional(),
  executionId: z.string().optional().describe('the execution that is under way, or was last'),
  operationId: z.string().optional().describe('the operation that is under way, or was last'),
  version: z.int(),
  createdAt: s.time,
});

const seconds = z.number().min(0);
export const lostWrites = z.object({
  count: z.int(),
  bytes: z.int(),
  from: s.time.optional().describe('when the oldest was acknowledged'),
  to: s.time.optional(),
  known: z
    .enum(['exact', 'atLeast', 'pending'])
    .describe('atLeast: as far as the recovery site was told; settled when the former primary could be asked'),
});
const execution = z.object({
  id: z.string(),
  planId: z.string(),
  action: z.enum(PLAN_ACTIONS),
  state: z.enum(['running', 'paused', 'success', 'partial', 'failed']),
  operationId: z.string(),
  rerunOf: z.string().optional().describe('the execution that failed in parts, which this one goes on with'),
  startedAt: s.time,
  startedBy: z
    .string()
    .optional()
    .describe('who began it; `operator`: whoever runs the cloud, for all plans of a site'),
  finishedAt: s.time.optional(),
  reason: z.string().optional(),
  override: z.object({ by: z.string(), reason: z.string() }).optional(),
  warnings: z.array(z.string()).optional(),
  fromSiteId: z.string(),
  toSiteId: z.string(),
  phases: z
    .array(
      z.object({ name: z.string(), startedAt: s.time, finishedAt: s.time.optional(), detail: z.string().optional() }),
    )
    .describe('without a gap: they sum up to the whole time'),
  vmCount: z.int(),
  vms: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      groupId: z.string(),
      priority: z.int(),
      outcome: z.enum(['waiting', 'starting', 'ready', 'left', 'failed']),
      ready: z.boolean(),
      readyAt: s.time.optional(),
      rtoSeconds: seconds.optional().describe('from the word until it served'),
      reason: z.string().optional(),
      testVmId: z.string().optional(),
    }),
  ),
  moreVms: z.int().optional().describe('of a list: VMs that are not shown; read the execution for them'),
  nextPageToken: z.string().optional().describe('of one execution: the next page of its VMs'),
  rto: z
    .object({
      criticalSeconds: seconds.optional().describe('the last VM of the most urgent priority (DR-20)'),
      allSeconds: seconds.optional(),
      expectedSeconds: seconds.optional(),
      met: z.boolean().optional(),
    })
    .optional(),
  rpoSeconds: seconds.describe('how much acknowledged work was lost; the worst of its groups'),
  lostWrites,
  groups: z.array(
    z.object({
      groupId: z.string(),
      reason: z.string().optional().describe('why it was not brought to the other site'),
      epoch: z.int().optional(),
      point: z.object({ sequence: z.int(), stateAt: s.time }).optional(),
      without: z
        .array(z.string())
        .optional()
        .describe('VMs that were left behind, as their first copy was not complete at that point'),
      rpo: z.object({ expectedSeconds: seconds, achievedSeconds: seconds.optional(), met: z.boolean().optional() }),
      lostWrites: lostWrites.optional(),
    }),
  ),
  waits: z
    .array(
      z.object({
        name: z.string(),
        kind: z.enum(['pause', 'callOut']),
        message: z.string().optional(),
        since: s.time,
        until: s.time,
        ended: z
          .object({
            at: s.time,
            how: z.enum(['resumed', 'answered', 'timedOut']),
            by: z.string().optional(),
            note: z.string().optional(),
          })
          .optional(),
      }),
    )
    .describe('pauses and call-outs that came up'),
  version: z.int(),
});

const amounts = z.object({ vcpus: z.int(), mhz: z.int(), memoryMiB: z.int() });
const counted = amounts.extend({ vms: z.int() });
export const capacity = z.object({
  siteId: z.string(),
  needed: counted,
  free: amounts,
  lacking: amounts.partial().describe('what is not even there in sum'),
  clusters: z.array(
    z.object({
      clusterId: z.string(),
      name: z.string(),
      hosts: z.int(),
      free: amounts,
      mostOnOneHost: amounts,
      needed: counted,
    }),
  ),
  placed: z.int(),
  homelessVms: z.int(),
  homeless: z
    .array(
      z.object({
        vmId: z.string(),
        name: z.string(),
        priority: z.int(),
        needs: amounts,
        ruledOut: z.record(z.string(), z.int()).describe('per rule of the placement, how many hosts'),
        help: z.array(z.string()),
      }),
    )
    .describe('the first of them'),
  reserved: counted.describe('what the plan keeps there for these VMs (DR-21); it counts among what is free'),
  failures: z
    .array(
      z.object({
        clusterId: z.string(),
        name: z.string(),
        reasons: z.array(z.string()),
        figures: z.record(z.string(), z.union([z.number(), z.string()])),
      }),
    )
    .describe('clusters that would not keep any more what they keep for failures (HA-13), were all VMs started there'),
  storage: z.array(z.object({ datastoreId: z.string(), neededGiB: z.int(), freeGiB: z.int() })),
});
const standing = z.object({
  groupId: z.string(),
  name: z.string(),
  state: z.enum(GROUP_STATES),
  mode: z.enum(['sync', 'async']),
  expectedRpoSeconds: seconds,
  heard: z.object({ primary: z.boolean(), target: z.boolean() }).describe('which of its sites have answered'),
  leg: z.enum(['initial', 'synced', 'behind', 'suspended']).optional(),
  linkUp: z.boolean().optional(),
  backlogBytes: z.int().optional(),
  newest: z.object({ sequence: z.int(), stateAt: s.time, usableAt: s.time }).optional(),
  rpoSeconds: seconds.optional().describe('age of the newest state that is complete at the recovery site'),
  rpo: z.enum(['met', 'atRisk', 'violated', 'unknown']),
  wouldLose: z.object({ count: z.int(), known: z.enum(['exact', 'atLeast']) }).optional(),
  divergent: z.object({ count: z.int(), bytes: z.int(), siteId: z.string() }).optional(),
});
const readiness = z.object({
  planId: z.string(),
  at: s.time,
  score: z.int().min(0).max(100),
  ready: z.boolean(),
  findings: z.array(
    z.object({
      code: z.string(),
      subject: z.string(),
      blocks: z.boolean().describe('nothing can be begun while it is there'),
      points: z.int(),
      message: z.string(),
      fix: z.string(),
      figures: z.record(z.string(), z.unknown()),
    }),
  ),
  fromSiteId: z.string().optional(),
  toSiteId: z.string().optional(),
  groups: z.array(standing),
  capacity: capacity.optional(),
  waves: z.array(z.object({ priority: z.int(), vms: z.int(), delaySeconds: z.int() })),
  drills: z.object({
    lastAt: s.time.optional(),
    everyDays: z.int().optional(),
    nextDue: s.time.optional(),
    overdueDays: z.int().optional(),
  }),
});

export const override = z
  .strictObject({ reason: z.string().trim().min(1).max(500) })
  .optional()
  .describe('begins it without a successful test (I11); stands in the execution and on the audit trail');
const toSiteId = z.string().max(128).optional().describe('another site that holds a copy, as of three centres');
const switchBody = z.strictObject({ override, toSiteId });
/** What may be said with an action; only a failover takes all of it. */
export const failoverBody = switchBody.extend({
  point: z.int().min(0).optional().describe('sequence of the point; of a plan with one group'),
  points: z.record(z.string().max(128), z.int().min(0)).optional().describe('sequence of the point, by group'),
  before: s.time.optional().describe('the newest point of each group that is not later'),
});
const resumeBody = z.strictObject({
  note: z.string().trim().min(1).max(500).optional().describe('what was done or checked; stands in the execution'),
});

const ok = (schema: z.ZodType, description: string) => ({ status: 200, schema, description });
const accepted = { status: 202, schema: s.operation, description: 'the operation; follow Operation-Location' };
const base = '/v1/recovery-plans';
const example = { name: 'erp', groups: ['pg_01k2m4q8z1abcdef23456789'], priorities: {}, drillEveryDays: 90 };

const action = (word: string, summary: string, body: z.ZodType, problems: ApiOperation['problems'] = []) =>
  post('tenant', `${base}/{planId}/${word}`, {
    tag: 'recovery plans',
    summary,
    body: body.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['illegal-transition', 'operation-in-progress', 'in-use', 'not-ready', ...problems],
  });

/** Recovery plans and their executions, on the tenants' face. */
export const recoveryContract = {
  createRecoveryPlan: post('tenant', base, {
    tag: 'recovery plans',
    summary: 'Make a recovery plan for protected groups; only name and groups must be given',
    body: recoveryPlanSpec,
    example,
    query: s.dryRunQuery,
    response: { status: 201, schema: recoveryPlan, description: 'the plan' },
    problems: ['name-taken', 'no-capacity', 'in-use'],
  }),
  listRecoveryPlans: get('tenant', base, {
    tag: 'recovery plans',
    summary: 'List recovery plans, with the calendar of their drills',
    query: s.listQuery.extend({ state: z.string().optional(), name: z.string().optional() }),
    response: ok(s.listOf(recoveryPlan), 'a page of plans'),
  }),
  getRecoveryPlan: get('tenant', `${base}/{planId}`, {
    tag: 'recovery plans',
    summary: 'Read a recovery plan',
    response: ok(recoveryPlan, 'the plan'),
  }),
  patchRecoveryPlan: patch('tenant', `${base}/{planId}`, {
    tag: 'recovery plans',
    summary: 'Change a recovery plan; unless only its name or objectives change it must be tested again',
    body: recoveryPlanChange,
    example: { drillEveryDays: 30 },
    response: ok(recoveryPlan, 'the plan'),
    problems: ['name-taken', 'operation-in-progress', 'illegal-transition', 'no-capacity', 'in-use'],
  }),
  deleteRecoveryPlan: remove('tenant', `${base}/{planId}`, {
    tag: 'recovery plans',
    summary: 'Delete a recovery plan that is not in use, with the records of its executions',
    response: { status: 204, schema: z.null(), description: 'gone' },
    problems: ['in-use'],
  }),
  getRecoveryPlanReadiness: get('tenant', `${base}/{planId}/readiness`, {
    tag: 'recovery plans',
    summary: 'How ready a plan is, what is found, and what would mend it',
    response: ok(readiness, 'score 0 to 100, findings, figures'),
  }),
  testRecoveryPlan: action('test', 'Start copies of the VMs on an isolated network; to be cleaned up', s.noBody, [
    'no-capacity',
  ]),
  cleanupRecoveryPlan: action('cleanup', 'Remove everything that a test has made', s.noBody),
  migrateRecoveryPlan: action(
    'migrate',
    'Move the VMs to the other site while both are up; nothing is lost',
    switchBody,
    ['not-tested', 'no-capacity'],
  ),
  failoverRecoveryPlan: action(
    'failover',
    'Start the VMs at the other site from their newest complete point; goes on after errors of single VMs',
    failoverBody,
    ['not-tested', 'site-unreachable'],
  ),
  reprotectRecoveryPlan: action('reprotect', 'Protect the VMs the other way round after a switch', s.noBody),
  failbackRecoveryPlan: action('failback', 'Move the VMs home, and protect them as before', switchBody, [
    'not-tested',
    'no-capacity',
  ]),
  rollbackRecoveryPlan: action('rollback', 'Take back a migration that has stopped before the roles changed', s.noBody),
  listExecutions: get('tenant', `${base}/{planId}/executions`, {
    tag: 'recovery plans',
    summary: `List the executions of a plan, newest first, with ${EXECUTION_VMS_LISTED} VMs at most`,
    query: s.listQuery.extend({ action: z.enum(PLAN_ACTIONS).optional(), state: z.string().optional() }),
    response: ok(s.listOf(execution), 'a page of executions'),
  }),
  getExecution: get('tenant', `${base}/{planId}/executions/{executionId}`, {
    tag: 'recovery plans',
    summary: 'Report an execution: phases, RTO of each VM, RPO, what was lost; its VMs in pages of 1,000',
    query: s.listQuery,
    response: ok(execution, 'the report'),
  }),
  resumeExecution: post('tenant', `${base}/{planId}/executions/{executionId}/resume`, {
    tag: 'recovery plans',
    summary: `Let an execution go on that pauses, or answer its call-out (it waits ${STEP_MINUTES_MAX / 60} hours at most)`,
    body: resumeBody.optional(),
    example: { note: 'the DNS entries were changed' },
    response: ok(execution, 'the execution'),
    problems: ['illegal-transition'],
  }),
  cancelExecution: post('tenant', `${base}/{planId}/executions/{executionId}/cancel`, {
    tag: 'recovery plans',
    summary: 'Cancel an execution that can still be undone; where it comes too late it goes on',
    body: s.noBody.optional(),
    example: {},
    response: accepted,
    longRunning: true,
    problems: ['illegal-transition'],
  }),
} satisfies Record<string, ApiOperation>;
