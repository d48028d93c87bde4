import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import type { RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import { PlanReader, seenOf } from '../../../shared/plans/facts.ts';
import { rehearsePlan } from '../../../shared/recovery/capacity.ts';
import { readinessOf } from '../../../shared/recovery/readiness.ts';
import { routeOf } from '../../../shared/recovery/route.ts';
import { type Standing, standingOf } from '../../../shared/recovery/standing.ts';
import { startWaves } from '../../../shared/recovery/waves.ts';
import type { Call } from '../../http/call.ts';
import { readinessView } from './views.ts';

/** How ready a plan is, by what is believed and by what its sites say now. */
export async function readReadiness(call: Call<never>, port: HypervisorPort, plan: RecoveryPlan) {
  const { now } = call;
  const reader = new PlanReader(call.deps.store, call.tenantId);
  const groups = await reader.groups(plan.groups);
  const [first] = groups;
  const route = first && routeOf(plan, first);
  const vms = await reader.vms(groups);
  const [flaws, picture, seats, seen] = await Promise.all([
    reader.flaws(plan, groups, vms, route),
    route ? reader.picture(route.toSiteId) : undefined,
    route ? reader.seats(plan, route.toSiteId) : undefined,
    route ? seenOf(port, groups) : undefined,
  ]);
  const capacity = route && picture ? rehearsePlan(plan, vms, route, picture, seats ? { seats } : {}) : undefined;
  const standings = route ? groups.map((g): Standing => standingOf(g, route, seen?.get(g.id) ?? new Map(), now)) : [];
  const found = readinessOf({ plan, groups, vms, standings, flaws, now, seats, ...(capacity ? { capacity } : {}) });
  const ids = vms.map((vm) => vm.id);
  return readinessView(plan, found, {
    standings,
    waves: startWaves(plan, ids),
    now,
    ...(route ? { route } : {}),
    ...(capacity ? { capacity } : {}),
  });
}
