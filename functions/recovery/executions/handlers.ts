import { EXECUTION_VMS_LISTED } from '../../../shared/contract/recovery.ts';
import { busy, DomainError, notFound } from '../../../shared/kernel/errors.ts';
import type { Execution, ExecutionPart, ExecutionVm, Wait } from '../../../shared/model/execution.ts';
import type { RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import { partKeys } from '../../../shared/plans/records.ts';
import { decideAnew, Raced } from '../../../shared/store/anew.ts';
import { keys, tenantPart } from '../../../shared/store/keys.ts';
import { cancel, Operations, StateChanged } from '../../../shared/store/outbox.ts';
import { filledPage, TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import { type Call, resource } from '../../http/call.ts';
import { slicePage } from '../../http/paging.ts';
import { operationView } from '../../http/views.ts';
import { executionView } from './views.ts';

const readPlan = (call: Call<never>): Promise<RecoveryPlan> =>
  new TenantData(call.deps.store, call.context).get('plan', call.param('planId'));

/** An execution of the tenant's plan. @throws `not-found` */
async function read(call: Call<never>): Promise<{ plan: RecoveryPlan; execution: Execution }> {
  const plan = await readPlan(call);
  const id = call.param('executionId');
  const execution = await call.deps.store.get<Execution>(keys.execution(call.tenantId, plan.id, id));
  if (!execution) throw notFound('execution', id);
  return { plan, execution };
}

/** VMs of an execution, the most urgent first. */
async function readVms(call: Call<never>, execution: Execution): Promise<ExecutionVm[]> {
  const parts = await call.deps.store.getMany<ExecutionPart>(partKeys(execution));
  return parts.flatMap((p) => Object.values(p.vms)).sort((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1));
}

const report = async (call: Call<never>, plan: RecoveryPlan, execution: Execution) => {
  const vms = await readVms(call, execution);
  const shown = vms.slice(0, EXECUTION_VMS_LISTED);
  return executionView(execution, { shown, whole: vms, more: vms.length - shown.length }, plan);
};

export const executionHandlers = {
  /** A page has so many VMs at most, whichever executions they are of: the newest have them first. */
  async listExecutions(call: Call<never>) {
    const { action, state } = call.query as Record<string, string | undefined>;
    const plan = await readPlan(call);
    const pk = tenantPart(call.tenantId, `EXEC#${plan.id}`);
    const paging = call.paging(pk, { action, state });
    const page = await filledPage<Execution>(call.deps.store, pk, 'control', { ...paging.options, newestFirst: true });
    const items = [];
    let left = EXECUTION_VMS_LISTED;
    for (const execution of page.items) {
      const whole = execution.vms <= left;
      const vms = left > 0 && execution.vms > 0 ? await readVms(call, execution) : [];
      const shown = vms.slice(0, left);
      left -= shown.length;
      const more = execution.vms - shown.length;
      items.push(executionView(execution, { shown, more, ...(whole ? { whole: vms } : {}) }, plan));
    }
    return paging.answer({ ...page, items }, (item) => item);
  },

  async getExecution(call: Call<never>) {
    const { plan, execution } = await read(call);
    const vms = await readVms(call, execution);
    const { list } = call.paging('');
    const limit = Math.min(Number(call.query.limit ?? EXECUTION_VMS_LISTED), EXECUTION_VMS_LISTED);
    const byId = slicePage(vms, limit, call.query.pageToken, list);
    const { items: shown, nextPageToken } = byId;
    return resource(
      200,
      executionView(execution, { shown, whole: vms, ...(nextPageToken ? { nextPageToken } : {}) }, plan),
    );
  },

  /** A person's word ends the pause or the call-out that the execution waits for; its workflow goes on with its next look. */
  resumeExecution: (call: Call<{ note?: string | undefined } | undefined>) =>
    decideAnew(async () => {
      const asked = call as unknown as Call<never>;
      const { plan, execution } = await read(asked);
      call.checkVersion(execution);
      const wait = openWait(execution);
      const ended: NonNullable<Wait['ended']> = {
        at: call.now,
        how: wait.step.kind === 'callOut' ? 'answered' : 'resumed',
        by: call.caller.actor,
        ...(call.body?.note ? { note: call.body.note } : {}),
      };
      const waits = execution.waits.map((w) => (w === wait ? { ...w, ended } : w));
      const after: Execution = { ...execution, state: 'running', waits, version: execution.version + 1 };
      const tx = new Transaction().update(keys.execution(call.tenantId, plan.id, execution.id), {
        set: { state: after.state, waits },
        add: { version: 1 },
        condition: '#version = :version',
        names: { '#version': 'version' },
        values: { ':version': execution.version },
        onFail: (found) =>
          found
            ? new Raced(busy(`Execution ${execution.id} moves on; try again.`))
            : notFound('execution', execution.id),
      });
      return call.commit(tx, resource(200, await report(asked, plan, after)), {
        event: {
          type: 'execution.resumed',
          subject: execution.id,
          data: { planId: plan.id, step: wait.step.name, how: ended.how },
        },
      });
    }),

  cancelExecution: (call: Call<never>) =>
    decideAnew(async () => {
      const { execution } = await read(call);
      call.checkVersion(execution);
      if (execution.finishedAt !== undefined) throw hasEnded(execution);
      const operation = await new Operations(call.deps.store, call.context).get(execution.operationId);
      const tx = new Transaction();
      const cancelled = cancel(tx, operation);
      const headers = { 'operation-location': `/v1/operations/${operation.id}`, 'retry-after': '1' };
      const data = { kind: operation.kind, target: operation.target, executionId: execution.id };
      try {
        return await call.commit(
          tx,
          { status: 202, body: operationView(cancelled), headers },
          { event: { type: 'operation.cancelled', subject: operation.id, data } },
        );
      } catch (error) {
        if (error instanceof StateChanged) throw new Raced(busy(`Execution ${execution.id} moves on; try again.`));
        throw error;
      }
    }),
};

const hasEnded = ({ id, state }: Execution): DomainError =>
  new DomainError('illegal-transition', `Execution ${id} has ended: ${state}.`, { figures: { state } });

/** What it waits for. @throws `illegal-transition` when that is nobody */
function openWait(execution: Execution): Wait {
  const wait = execution.waits.findLast((w) => w.ended === undefined);
  if (execution.finishedAt !== undefined) throw hasEnded(execution);
  if (wait) return wait;
  throw new DomainError('illegal-transition', `Execution ${execution.id} is ${execution.state} and waits for nobody.`, {
    figures: { state: execution.state },
  });
}
