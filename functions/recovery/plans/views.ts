import { iso, SECOND } from '../../../shared/kernel/clock.ts';
import type { RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import { type Capacity, capacityFigures } from '../../../shared/recovery/capacity.ts';
import type { Readiness } from '../../../shared/recovery/readiness.ts';
import type { Route } from '../../../shared/recovery/route.ts';
import type { Standing } from '../../../shared/recovery/standing.ts';
import { drillsOf, lastDrill } from '../../../shared/recovery/tested.ts';
import type { Wave } from '../../../shared/recovery/waves.ts';

const optional = <T>(fields: Record<string, T | undefined>) =>
  Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined));
const time = (at: number | undefined) => (at === undefined ? undefined : iso(at));
const seconds = (ms: number) => Math.round(ms) / SECOND;

export function planView(p: RecoveryPlan, now: number) {
  const drills = drillsOf(p, now);
  return {
    id: p.id,
    name: p.name,
    groups: p.groups,
    state: p.state,
    homeSiteId: p.homeSiteId,
    ...optional<unknown>({
      reason: p.reason,
      priorities: p.priorities,
      dependsOn: p.dependsOn,
      delays: p.delays,
      networkMap: p.networkMap,
      ipMap: p.ipMap,
      clusterMap: p.clusterMap,
      reserve: p.reserve,
      steps: p.steps,
      rtoMinutes: p.rtoMinutes,
      drillEveryDays: p.drillEveryDays,
      takeOver: p.takeOver,
      testedAt: time(p.testedAt),
      lastDrillAt: time(lastDrill(p)),
      nextDrillDue: time(drills?.nextDue),
      drillOverdueDays: drills?.overdueDays,
      executionId: p.executionId,
      operationId: p.operationId,
    }),
    version: p.version,
    createdAt: iso(p.createdAt),
  };
}

export const standingView = ({ expectedRpoMs, newest, rpoMs, ...s }: Standing) => ({
  ...s,
  expectedRpoSeconds: seconds(expectedRpoMs),
  ...(newest
    ? { newest: { sequence: newest.sequence, stateAt: iso(newest.stateAt), usableAt: iso(newest.usableAt) } }
    : {}),
  ...(rpoMs === undefined ? {} : { rpoSeconds: seconds(rpoMs) }),
});

export const readinessView = (
  plan: RecoveryPlan,
  found: Readiness,
  about: { route?: Route; standings: Standing[]; capacity?: Capacity; waves: Wave[]; now: number },
) => {
  const drills = drillsOf(plan, about.now);
  return {
    planId: plan.id,
    at: iso(about.now),
    ...found,
    ...(about.route ? { fromSiteId: about.route.fromSiteId, toSiteId: about.route.toSiteId } : {}),
    groups: about.standings.map(standingView),
    ...(about.capacity ? { capacity: capacityFigures(about.capacity) } : {}),
    waves: about.waves.map(({ priority, vms, delayMs }) => ({
      priority,
      vms: vms.length,
      delaySeconds: seconds(delayMs),
    })),
    drills: optional<unknown>({
      lastAt: time(lastDrill(plan)),
      everyDays: drills?.everyDays,
      nextDue: time(drills?.nextDue),
      overdueDays: drills?.overdueDays,
    }),
  };
};
