import { PLANS_PER_PART, type SitePlan, type SiteSwitchPart } from '../../shared/model/site-switch.ts';
import { plansOfSite } from '../../shared/plans/at-site.ts';
import { inOrder } from '../../shared/recovery/site-order.ts';
import { keys } from '../../shared/store/keys.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { loadSwitch, recordChange } from './records.ts';

/**
 * Lists the plans of the site in their order. That the record says how many there are is what makes the list final: until
 * then nothing was begun, and it may be made anew.
 */
export async function listPlans(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const { record } = await loadSwitch(state, deps);
  if (record.plans !== undefined) return {};
  const { plans } = await plansOfSite(deps.store, record.siteId);
  const entries = inOrder(plans, record.ranks).map(
    ({ plan, rank }, turn): SitePlan => ({
      planId: plan.id,
      tenantId: plan.tenantId,
      name: plan.name,
      rank,
      turn,
      outcome: 'waiting',
    }),
  );
  for (let n = 0; n * PLANS_PER_PART < entries.length; n++) {
    const some = entries.slice(n * PLANS_PER_PART, (n + 1) * PLANS_PER_PART);
    const part: SiteSwitchPart = {
      switchId: record.id,
      n,
      plans: Object.fromEntries(some.map((entry) => [entry.planId, entry])),
      version: 1,
    };
    await deps.store.put(keys.siteSwitchPart(record.id, n), part);
  }
  await deps.store.update(keys.siteSwitch(record.id), recordChange(record, { plans: entries.length }));
  return {};
}
