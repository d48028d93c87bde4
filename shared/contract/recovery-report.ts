import * as z from 'zod';
import { PLAN_ACTIONS } from '../model/execution.ts';
import { PLAN_STATES } from '../model/recovery-plan.ts';
import { type ApiOperation, get } from './operation.ts';
import * as s from './shapes.ts';

const count = z.int().min(0);
const row = z.object({
  tenantId: z.string(),
  tenant: z.string(),
  planId: z.string(),
  plan: z.string(),
  state: z.enum(PLAN_STATES),
  groups: count,
  protected: count.describe('groups that are what they should be'),
  vms: count,
  tested: z.boolean().describe('a test of it as it is now was successful'),
  lastDrillAt: s.time.optional(),
  nextDrillDue: s.time.optional(),
  drillOverdueDays: count.optional(),
  lastAction: z.enum(PLAN_ACTIONS).optional(),
  lastState: z.string().optional(),
  lastStartedAt: s.time.optional(),
  lastFinishedAt: s.time.optional(),
  rpoSeconds: z.number().optional(),
  lostWrites: count.optional(),
  lostKnown: z.enum(['exact', 'atLeast', 'pending']).optional(),
});
export const DR_REPORT_FIELDS = Object.keys(row.shape) as (keyof typeof row.shape)[];

/** The operator's report on disaster recovery, from the function of recovery plans. */
export const recoveryReportContract = {
  getDrReport: get('system', '/v1/system/reports/dr', {
    tag: 'watch',
    summary: 'Report recovery plans of all tenants: whether they are tested, drills that are due, what was done last',
    query: s.listQuery.extend({ format: z.enum(['json', 'csv']).optional().describe('json') }),
    response: {
      status: 200,
      schema: z.object({
        at: s.time,
        totals: z
          .object({ plans: count, vms: count, untested: count, drillsOverdue: count, notProtected: count })
          .describe('of this page'),
        items: z.array(row),
        nextPageToken: z.string().optional(),
      }),
      description: 'the plans, in pages by tenant',
      text: true,
    },
  }),
} satisfies Record<string, ApiOperation>;
