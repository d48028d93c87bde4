import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import type { SiteClaim, SiteSwitch } from '../../../shared/model/site-switch.ts';
import type { SitePlans } from '../../../shared/plans/at-site.ts';
import { seenOf } from '../../../shared/plans/facts.ts';
import { capacityFigures, capacityWords } from '../../../shared/recovery/capacity.ts';
import { keys } from '../../../shared/store/keys.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { noRoom, nothingThere } from './refusals.ts';
import { rehearsePlans } from './rehearse.ts';

/**
 * What a switch of the site would do, plan by plan in their order: whether each would begin, how ready it is, what would be
 * lost as of now; and whether all of them together find room where they go (DR-21).
 */
export async function rehearseSite(
  call: Call<never>,
  port: HypervisorPort,
  record: SiteSwitch,
  found: SitePlans,
): Promise<Answer> {
  const { plans, groups, withoutPlan } = found;
  const claim = await call.deps.store.get<SiteClaim>(keys.siteClaim(record.siteId));
  const named = [...new Set(plans.flatMap((p) => p.groups))].flatMap((id) => groups.get(id) ?? []);
  const { items, capacities } = await rehearsePlans(call, record, found, await seenOf(port, named));
  const none = plans.length === 0 ? nothingThere(record) : noRoom(record, capacities);
  return {
    status: 200,
    body: {
      dryRun: true,
      siteId: record.siteId,
      action: record.action,
      wouldAnswer: claim
        ? { status: 409, code: 'operation-in-progress', operationId: claim.switchId }
        : none
          ? { status: none.status, code: none.code }
          : { status: 202 },
      plans: items.length,
      wouldBegin: items.filter((i) => i.wouldBegin).length,
      warnings: [...(record.warnings ?? []), ...capacities.flatMap((c) => capacityWords(c) ?? [])],
      capacity: capacities.map(capacityFigures),
      withoutPlan: withoutPlan.map((g) => ({ groupId: g.id, tenantId: g.tenantId, name: g.name, vms: g.vms.length })),
      items,
    },
  };
}
