import type { Execution } from '../model/execution.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { RecoveryPlan } from '../model/recovery-plan.ts';
import { isHalfWay, plansAt } from '../recovery/site-order.ts';
import { keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';

/** What stands for a plan, or a group, where the system finds all of them without looking through tenants. */
interface Mark {
  tenantId: string;
  planId?: string;
  groupId?: string;
}

export interface SitePlans {
  /** Plans that a switch of the site is about, whosever they are. */
  plans: RecoveryPlan[];
  /** Those of all plans, by id. */
  groups: Map<string, ProtectedGroup>;
  /** Groups at the site that no plan names: nothing can be begun with them. */
  withoutPlan: ProtectedGroup[];
}

/** Reads by the marks of plans and groups: the cost follows their number, not that of tenants. */
export async function plansOfSite(store: Store, siteId: string): Promise<SitePlans> {
  const [planned, protectedOnes] = await Promise.all(
    [keys.plannedPlan('').pk, keys.protectedGroup('').pk].map((pk) =>
      store.queryAll<Mark>(pk, 'control', { consistent: true }),
    ),
  );
  const all = await store.getMany<RecoveryPlan>(
    (planned ?? []).flatMap(({ tenantId, planId }) => (planId ? [keys.plan(tenantId, planId)] : [])),
  );
  const named = all.flatMap((plan) => plan.groups.map((id) => keys.group(plan.tenantId, id)));
  const marked = (protectedOnes ?? []).flatMap(({ tenantId, groupId }) =>
    groupId ? [keys.group(tenantId, groupId)] : [],
  );
  const [found, last] = await Promise.all([
    store.getMany<ProtectedGroup>([...named, ...marked]),
    store.getMany<Execution>(
      all.flatMap((p) => (isHalfWay(p) && p.executionId ? [keys.execution(p.tenantId, p.id, p.executionId)] : [])),
    ),
  ]);
  const groups = new Map(found.map((g) => [g.id, g]));
  const inPlans = new Set(all.flatMap((p) => p.groups));
  return {
    plans: plansAt(siteId, all, groups, new Map(last.map((e) => [e.planId, e]))),
    groups,
    withoutPlan: found
      .filter((g) => g.primarySiteId === siteId && !inPlans.has(g.id))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}
