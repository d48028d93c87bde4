import { DR_REPORT_FIELDS } from '../../../shared/contract/recovery-report.ts';
import { iso } from '../../../shared/kernel/clock.ts';
import type { Execution } from '../../../shared/model/execution.ts';
import type { Tenant } from '../../../shared/model/tenant.ts';
import { PlanReader } from '../../../shared/plans/facts.ts';
import { csvOf, type PlanRow, rowOf, totalsOf } from '../../../shared/recovery/overview.ts';
import { asTenant } from '../../../shared/store/context.ts';
import { Inventory } from '../../../shared/store/inventory.ts';
import { keys } from '../../../shared/store/keys.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { slicePage } from '../../http/paging.ts';

export const reportHandlers = {
  /** Totals are those of the rows that are shown, so that a page adds up by itself. */
  async getDrReport(call: Call<never>): Promise<Answer> {
    const { store } = call.deps;
    const { list, options } = call.paging('');
    const tenants = await new Inventory(store, call.context).tenants();
    const { items, nextPageToken } = slicePage(tenants, options.limit, call.query.pageToken, list);
    const rows: PlanRow[] = [];
    for (const tenant of items) rows.push(...(await rowsOf(call, tenant)));
    const shown = rows.map(rowView);
    if (call.query.format === 'csv')
      return {
        status: 200,
        body: csvOf(DR_REPORT_FIELDS, shown),
        headers: { 'content-type': 'text/csv; charset=utf-8' },
      };
    const body = { at: iso(call.now), totals: totalsOf(rows), items: shown };
    return { status: 200, body: { ...body, ...(nextPageToken ? { nextPageToken } : {}) } };
  },
};

async function rowsOf(call: Call<never>, tenant: Tenant): Promise<PlanRow[]> {
  const { store } = call.deps;
  const plans = await new TenantData(store, asTenant(tenant.id)).all('plan');
  if (plans.length === 0) return [];
  const [groups, executions] = await Promise.all([
    new PlanReader(store, tenant.id).groups(plans.flatMap((p) => p.groups)),
    store.getMany<Execution>(
      plans.flatMap((p) => (p.executionId ? [keys.execution(tenant.id, p.id, p.executionId)] : [])),
    ),
  ]);
  const byId = new Map(groups.map((g) => [g.id, g]));
  const last = new Map(executions.map((e) => [e.planId, e]));
  return plans.map((plan) =>
    rowOf(
      tenant,
      plan,
      plan.groups.flatMap((id) => byId.get(id) ?? []),
      last.get(plan.id),
      call.now,
    ),
  );
}

const rowView = ({ last, lastDrillAt, nextDrillDue, ...row }: PlanRow) => ({
  ...row,
  ...(lastDrillAt === undefined ? {} : { lastDrillAt: iso(lastDrillAt) }),
  ...(nextDrillDue === undefined ? {} : { nextDrillDue: iso(nextDrillDue) }),
  ...(last
    ? {
        lastAction: last.action,
        lastState: last.state,
        lastStartedAt: iso(last.startedAt),
        ...(last.finishedAt === undefined ? {} : { lastFinishedAt: iso(last.finishedAt) }),
        rpoSeconds: last.rpoSeconds,
        lostWrites: last.lost.count,
        lostKnown: last.lost.known,
      }
    : {}),
});
