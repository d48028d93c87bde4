import * as z from 'zod';
import { PLANS_AT_ONCE, RANKS, SITE_ACTIONS, SITE_PLAN_OUTCOMES, SITE_SWITCH_STATES } from '../model/site-switch.ts';
import { type ApiOperation, get, post } from './operation.ts';
import { lostWrites, override } from './recovery.ts';
import * as s from './shapes.ts';

/** Ranks that one request gives at most. */
const RANKS_MOST = 1_000;

const count = z.int().min(0);
const seconds = z.number().min(0);
const siteSwitch = z.object({
  id: z.string().describe('the id of its operation'),
  siteId: z.string(),
  action: z.enum(SITE_ACTIONS),
  state: z.enum(SITE_SWITCH_STATES),
  reason: z.string().optional(),
  operationId: z.string(),
  startedBy: z.string(),
  startedAt: s.time,
  finishedAt: s.time.optional(),
  seconds: seconds.optional().describe('from the word to its end'),
  override: z.object({ by: z.string(), reason: z.string() }).optional(),
  toSiteId: z.string().optional(),
  before: s.time.optional(),
  onError: z.enum(['stop', 'goOn']),
  atOnce: z.int(),
  warnings: z.array(z.string()).optional(),
  plans: count.optional().describe('absent until they were listed'),
  version: z.int(),
});
const plan = z.object({
  planId: z.string(),
  plan: z.string(),
  tenantId: z.string(),
  rank: z.int(),
  turn: z.int().describe('its place in the order in which plans begin'),
  outcome: z.enum(SITE_PLAN_OUTCOMES).describe('as its execution stands now'),
  code: z.string().optional().describe('of a refusal'),
  reason: z.string().optional(),
  joined: z.boolean().optional().describe('its tenant had begun it already'),
  executionId: z.string().optional(),
  operationId: z.string().optional(),
  toSiteId: z.string().optional(),
  begunAt: s.time.optional(),
  endedAt: s.time.optional(),
  vms: z.object({ all: count, ready: count, left: count, failed: count }).optional(),
  rtoSeconds: seconds.optional().describe('from the word of its own execution to its last VM'),
  readySeconds: seconds.optional().describe('from the word for the site to its last VM'),
  rpoSeconds: seconds.optional(),
  lostWrites: lostWrites.optional(),
});
const report = siteSwitch.extend({
  outcomes: z.partialRecord(z.enum(SITE_PLAN_OUTCOMES), count),
  vms: z.object({ all: count, ready: count, left: count, failed: count }),
  rtoSeconds: seconds.optional().describe('from the word to the last VM of all plans; absent while one is not ready'),
  rpoSeconds: seconds.describe('the worst of all plans'),
  lostWrites: lostWrites.describe('the sum of all plans'),
  items: z.array(plan).describe('in the order in which they begin'),
  nextPageToken: z.string().optional(),
});

const id = z.string().max(128);
const body = z.strictObject({
  override: override.describe(
    'begins plans without a successful test too (I11); each execution and the audit trail say so',
  ),
  toSiteId: id.optional().describe('another site that holds copies, as of three centres'),
  ranks: z
    .record(id, z.int().min(RANKS.first).max(RANKS.last))
    .refine((ranks) => Object.keys(ranks).length <= RANKS_MOST, `has more than ${RANKS_MOST} entries`)
    .optional()
    .describe(
      `by plan or tenant: 1 begins first, ${RANKS.default} without one; a rank begins when no plan of the one before is under way. Within a rank the shortest RTO that was promised goes first`,
    ),
  atOnce: z
    .int()
    .min(1)
    .max(PLANS_AT_ONCE.most)
    .optional()
    .describe(`plans that are under way at once; ${PLANS_AT_ONCE.default}`),
});
export const siteFailoverBody = body.extend({
  before: s.time.optional().describe('the newest point of each group that is not later'),
});
export const siteMigrateBody = body.extend({
  onError: z
    .enum(['stop', 'goOn'])
    .optional()
    .describe('stop: no further plan is begun after one that did not come to a good end (DR-9); stop'),
});

const accepted = { status: 202, schema: s.operation, description: 'the operation; its id is that of the report' };
const ok = (schema: z.ZodType, description: string) => ({ status: 200, schema, description });
const action = (word: string, summary: string, of: z.ZodType, problems: ApiOperation['problems'] = []) =>
  post('system', `/v1/system/sites/{siteId}/${word}`, {
    tag: 'sites at once',
    summary,
    body: of.optional(),
    example: { override: { reason: 'site a burns' } },
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['operation-in-progress', 'not-ready', ...problems],
  });
const base = '/v1/system/site-switches';

/** All recovery plans of a site at once (DR-2), on the operator's face. */
export const siteSwitchContract = {
  failoverSite: action(
    'failover',
    'A site is lost: fail over all recovery plans of all tenants that are there, each by an execution of its own; a dry run says what would happen, and whether all of them find room',
    siteFailoverBody,
  ),
  migrateSite: action(
    'migrate',
    'A site is to be emptied: migrate all recovery plans of all tenants that are there; nothing is lost',
    siteMigrateBody,
    ['no-capacity'],
  ),
  listSiteSwitches: get('system', base, {
    tag: 'sites at once',
    summary: 'List switches of sites, newest first',
    query: s.listQuery.extend({ siteId: z.string().optional(), state: z.string().optional() }),
    response: ok(s.listOf(siteSwitch), 'a page of switches'),
  }),
  getSiteSwitch: get('system', `${base}/{switchId}`, {
    tag: 'sites at once',
    summary: 'Report a switch of a site: what became of each plan, RTO and RPO, what was lost',
    query: s.listQuery,
    response: ok(report, 'the report, with a page of its plans'),
  }),
  cancelSiteSwitch: post('system', `${base}/{switchId}/cancel`, {
    tag: 'sites at once',
    summary: 'Begin no further plan; those that are under way go on',
    body: s.noBody.optional(),
    example: {},
    response: accepted,
    longRunning: true,
    problems: ['illegal-transition'],
  }),
} satisfies Record<string, ApiOperation>;
