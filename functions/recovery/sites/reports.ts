import { busy, DomainError, notFound } from '../../../shared/kernel/errors.ts';
import type { Execution, ExecutionPart } from '../../../shared/model/execution.ts';
import { PLANS_PER_PART, type SiteSwitch, type SiteSwitchPart } from '../../../shared/model/site-switch.ts';
import { partKeys } from '../../../shared/plans/records.ts';
import { siteReport } from '../../../shared/recovery/site-report.ts';
import { decideAnew, Raced } from '../../../shared/store/anew.ts';
import { SYSTEM } from '../../../shared/store/context.ts';
import { keys } from '../../../shared/store/keys.ts';
import { cancel, Operations, StateChanged } from '../../../shared/store/outbox.ts';
import { filledPage } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import { type Call, resource } from '../../http/call.ts';
import { slicePage } from '../../http/paging.ts';
import { operationView } from '../../http/views.ts';
import { planView, reportView, switchView } from './views.ts';

/** @throws `not-found` */
async function read(call: Call<never>): Promise<SiteSwitch> {
  const id = call.param('switchId');
  const record = await call.deps.store.get<SiteSwitch>(keys.siteSwitch(id));
  if (!record) throw notFound('switch of a site', id);
  return record;
}

export const siteReportHandlers = {
  async listSiteSwitches(call: Call<never>) {
    const { siteId, state } = call.query;
    const { pk } = keys.siteSwitch('');
    const paging = call.paging(pk, { siteId, state });
    const page = await filledPage<SiteSwitch>(call.deps.store, pk, 'control', { ...paging.options, newestFirst: true });
    return paging.answer(page, switchView);
  },

  /** Made from the records of the executions as they stand now: what one that was paused has done since is in it too. */
  async getSiteSwitch(call: Call<never>) {
    const { store } = call.deps;
    const record = await read(call);
    const parts = await store.getMany<SiteSwitchPart>(
      Array.from({ length: Math.ceil((record.plans ?? 0) / PLANS_PER_PART) }, (_, n) =>
        keys.siteSwitchPart(record.id, n),
      ),
    );
    const plans = parts.flatMap((part) => Object.values(part.plans));
    const executions = await store.getMany<Execution>(
      plans.flatMap((p) => (p.executionId ? [keys.execution(p.tenantId, p.planId, p.executionId)] : [])),
    );
    const vms = await store.getMany<ExecutionPart>(executions.flatMap(partKeys));
    const byExecution = new Map(
      [...Map.groupBy(vms, (part) => part.executionId)].map(([id, some]) => [
        id,
        some.flatMap((part) => Object.values(part.vms)),
      ]),
    );
    const report = siteReport(record, plans, new Map(executions.map((e) => [e.planId, e])), byExecution);
    const { list, options } = call.paging('');
    const turns = report.plans.map((plan) => ({ plan, id: String(plan.turn).padStart(8, '0') }));
    const { items, nextPageToken } = slicePage(turns, options.limit, call.query.pageToken, list);
    const body = { ...switchView(record), ...reportView(report), items: items.map(({ plan }) => planView(plan)) };
    return resource(200, { ...body, ...(nextPageToken ? { nextPageToken } : {}) });
  },

  cancelSiteSwitch: (call: Call<never>) =>
    decideAnew(async () => {
      const record = await read(call);
      call.checkVersion(record);
      const { state } = record;
      if (record.finishedAt !== undefined)
        throw new DomainError('illegal-transition', `Switch ${record.id} has ended: ${state}.`, { figures: { state } });
      const operation = await new Operations(call.deps.store, SYSTEM).get(record.id);
      const tx = new Transaction();
      const cancelled = cancel(tx, operation);
      const headers = { 'operation-location': `/v1/system/operations/${operation.id}`, 'retry-after': '1' };
      const data = { kind: operation.kind, target: operation.target };
      try {
        return await call.commit(
          tx,
          { status: 202, body: operationView(cancelled), headers },
          { event: { type: 'operation.cancelled', subject: operation.id, data } },
        );
      } catch (error) {
        if (error instanceof StateChanged) throw new Raced(busy(`Switch ${record.id} moves on; try again.`));
        throw error;
      }
    }),
};
