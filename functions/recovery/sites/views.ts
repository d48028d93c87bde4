import { iso, SECOND } from '../../../shared/kernel/clock.ts';
import type { SiteSwitch } from '../../../shared/model/site-switch.ts';
import type { SitePlanReport, SiteReport } from '../../../shared/recovery/site-report.ts';
import { lostView } from '../executions/views.ts';

const optional = <T>(fields: Record<string, T | undefined>) =>
  Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined));
const time = (at: number | undefined) => (at === undefined ? undefined : iso(at));

export const switchView = (s: SiteSwitch) => ({
  id: s.id,
  siteId: s.siteId,
  action: s.action,
  state: s.state,
  operationId: s.id,
  startedBy: s.by.actor,
  startedAt: iso(s.startedAt),
  ...optional<unknown>({
    reason: s.reason,
    finishedAt: time(s.finishedAt),
    seconds: s.finishedAt === undefined ? undefined : (s.finishedAt - s.startedAt) / SECOND,
    override: s.override && { by: s.by.actor, reason: s.override.reason },
    toSiteId: s.toSiteId,
    before: s.before,
    warnings: s.warnings,
    plans: s.plans,
  }),
  onError: s.onError,
  atOnce: s.atOnce,
  version: s.version,
});

export const reportView = ({ outcomes, vms, rtoSeconds, rpoSeconds, lost }: SiteReport) => ({
  outcomes,
  vms,
  ...optional({ rtoSeconds }),
  rpoSeconds,
  lostWrites: lostView(lost),
});

export const planView = (p: SitePlanReport) => ({
  planId: p.planId,
  plan: p.name,
  tenantId: p.tenantId,
  rank: p.rank,
  turn: p.turn,
  outcome: p.outcome,
  ...optional<unknown>({
    code: p.code,
    reason: p.reason,
    joined: p.joined,
    executionId: p.executionId,
    operationId: p.operationId,
    toSiteId: p.toSiteId,
    begunAt: time(p.begunAt),
    endedAt: time(p.endedAt),
    vms: p.vms,
    rtoSeconds: p.rtoSeconds,
    readySeconds: p.readySeconds,
    rpoSeconds: p.rpoSeconds,
    lostWrites: p.lost && lostView(p.lost),
  }),
});
