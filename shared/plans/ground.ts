import type { Flaw } from '../kernel/errors.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Random } from '../kernel/random.ts';
import type { Execution, PlanAction } from '../model/execution.ts';
import type { RecoveryPlan } from '../model/recovery-plan.ts';
import type { Vm } from '../model/vm.ts';
import type { Asked, Decided } from '../recovery/actions.ts';
import { type Capacity, rehearsePlan } from '../recovery/capacity.ts';
import { keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { PlanReader } from './facts.ts';
import type { ActionBody } from './points.ts';

/** Those that are about VMs one by one. */
export const WITH_VMS: readonly PlanAction[] = ['test', 'migrate', 'failover', 'failback', 'rollback'];

/** Who asks for an action, and of which tenant's plan. */
export interface Asker {
  tenantId: string;
  /** Who it was, as the record of the execution tells the tenant. */
  name: string;
  now: number;
  deps: { store: Store; ids: Ids; random: Random };
}

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

/** What an action of this plan depends on, as it stands now. */
export async function readGround(
  { deps, tenantId }: Asker,
  plan: RecoveryPlan,
  action: PlanAction,
  body: ActionBody,
): Promise<Ground> {
  const reader = new PlanReader(deps.store, tenantId);
  const groups = await reader.groups(plan.groups);
  const [vms, previous] = await Promise.all([
    reader.vms(groups),
    plan.executionId ? deps.store.get<Execution>(keys.execution(tenantId, plan.id, plan.executionId)) : undefined,
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
