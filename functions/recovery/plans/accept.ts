import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import type { PlanAction } from '../../../shared/model/execution.ts';
import { beginAction } from '../../../shared/plans/begin.ts';
import { type Asker, readGround } from '../../../shared/plans/ground.ts';
import type { ActionBody } from '../../../shared/plans/points.ts';
import { decideAnew } from '../../../shared/store/anew.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { operationView } from '../../http/views.ts';
import { rehearseAction } from './dry-run.ts';

/** Accepts an action of a plan in one transaction, or says what would happen. */
export const acceptAction = (call: Call<never>, port: HypervisorPort, action: PlanAction): Promise<Answer> =>
  decideAnew(async () => {
    const { now, tenantId, deps, caller } = call;
    const asker: Asker = { now, tenantId, deps, name: caller.actor };
    const plan = await new TenantData(deps.store, call.context).get('plan', call.param('planId'));
    call.checkVersion(plan);
    const ground = await readGround(asker, plan, action, call.body as ActionBody);
    if (call.dryRun) return rehearseAction(call, port, ground);
    const { tx, operation } = await beginAction(asker, port, ground);
    const answer: Answer = {
      status: 202,
      body: operationView(operation),
      headers: { 'operation-location': `/v1/operations/${operation.id}`, 'retry-after': '1' },
    };
    return call.commit(tx, answer, { operation });
  });
