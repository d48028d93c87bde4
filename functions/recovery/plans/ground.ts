import type { Flaw } from '../../../shared/kernel/errors.ts';
import type { Execution, PlanAction } from '../../../shared/model/execution.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import type { Asked, Decided } from '../../../shared/recovery/actions.ts';
import { type Capacity, rehearsePlan } from '../../../shared/recovery/capacity.ts';
import { keys } from '../../../shared/store/keys.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import type { Call } from '../../http/call.ts';
import { PlanReader } from './facts.ts';
import type { ActionBody } from './points.ts';

/** Those that are about VMs one by one. */
export const WITH_VMS: readonly PlanAction[] = ['test', 'migrate', 'failover', 'failback', 'rollback'];

/** All that was read for one decision. */
export interface Ground {
  reader: PlanReader;
  asked: Asked;
  body: ActionBody;
  vms: Vm[];
}
interface Weighed {
  flaws: Flaw[];
  capacity: Capacity | undefined;
}

/** @throws `not-found`, `precondition-failed` */
export async function readGround(call: Call<never>, action: PlanAction): Promise<Ground> {
  const { store } = call.deps;
  const body = call.body as ActionBody;
  const plan = await new TenantData(store, call.context).get('plan', call.param('planId'));
  call.checkVersion(plan);
  const reader = new PlanReader(store, call.tenantId);
  const groups = await reader.groups(plan.groups);
  const [vms, previous] = await Promise.all([
    reader.vms(groups),
    plan.executionId ? store.get<Execution>(keys.execution(call.tenantId, plan.id, plan.executionId)) : undefined,
  ]);
  const overridden = body?.override !== undefined;
  return { reader, asked: { action, plan, groups, previous, toSiteId: body?.toSiteId, overridden }, body, vms };
}

/** What stands in the way at the recovery site. What is gone on with was looked at when it began. */
export async function weighing({ reader, asked, vms }: Ground, { route, rerunOf }: Decided): Promise<Weighed> {
  const { action, plan, groups } = asked;
  if (!WITH_VMS.includes(action) || action === 'rollback' || rerunOf) return { flaws: [], capacity: undefined };
  const [flaws, picture, seats] = await Promise.all([
    reader.flaws(plan, groups, vms, route),
    reader.picture(route.toSiteId),
    reader.seats(plan, route.toSiteId),
  ]);
  return { flaws, capacity: rehearsePlan(plan, vms, route, picture, { copies: action === 'test', seats }) };
}
