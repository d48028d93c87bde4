import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import type { GroupStatus } from '../../../shared/hypervisor/replication-port.ts';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import { OPERATOR } from '../../../shared/model/execution.ts';
import type { ProtectedGroup } from '../../../shared/model/protection.ts';
import type { RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import type { SiteClaim, SiteSwitch } from '../../../shared/model/site-switch.ts';
import type { SitePlans } from '../../../shared/plans/at-site.ts';
import { type PlanReader, seenOf } from '../../../shared/plans/facts.ts';
import { type Asker, readGround } from '../../../shared/plans/ground.ts';
import { type Asked, decide, weigh } from '../../../shared/recovery/actions.ts';
import { type Capacity, capacityFigures, capacityWords, type SitePicture } from '../../../shared/recovery/capacity.ts';
import { readinessOf } from '../../../shared/recovery/readiness.ts';
import type { Route } from '../../../shared/recovery/route.ts';
import { routeOf } from '../../../shared/recovery/route.ts';
import { SiteRehearsal } from '../../../shared/recovery/site-capacity.ts';
import { inOrder, isUnderWay } from '../../../shared/recovery/site-order.ts';
import { type Standing, standingOf } from '../../../shared/recovery/standing.ts';
import { keys } from '../../../shared/store/keys.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { nothingThere } from './refusals.ts';

const seconds = (ms: number) => Math.round(ms) / SECOND;

/** What is the same for all plans, or must be remembered from one to the next. */
interface Rehearsal {
  record: SiteSwitch;
  seen: Map<string, Map<string, GroupStatus>>;
  pictures: Map<string, Promise<SitePicture>>;
  room: SiteRehearsal;
  /** Groups that plans before would have, by the plan's id (DR-19). */
  taken: Map<string, string>;
}

/**
 * What a switch of the site would do, plan by plan in their order: whether each would begin, how ready it is, what would be
 * lost as of now; and whether all of them together find room where they go (DR-21).
 */
export async function rehearseSite(
  call: Call<never>,
  port: HypervisorPort,
  record: SiteSwitch,
  { plans, groups, withoutPlan }: SitePlans,
): Promise<Answer> {
  const claim = await call.deps.store.get<SiteClaim>(keys.siteClaim(record.siteId));
  const named = [...new Set(plans.flatMap((p) => p.groups))].flatMap((id) => groups.get(id) ?? []);
  const rehearsal: Rehearsal = {
    record,
    seen: await seenOf(port, named),
    pictures: new Map(),
    room: new SiteRehearsal(),
    taken: new Map(),
  };
  const items: Awaited<ReturnType<typeof rehearse>>[] = [];
  for (const { plan, rank } of inOrder(plans, record.ranks))
    items.push({ ...(await rehearse(call, plan, rehearsal)), rank, turn: items.length });
  const capacities = rehearsal.room.capacities;
  const none = plans.length === 0 ? nothingThere(record) : undefined;
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

async function rehearse(call: Call<never>, plan: RecoveryPlan, rehearsal: Rehearsal) {
  const { record, seen, taken } = rehearsal;
  const { override, toSiteId } = record;
  const asker: Asker = { tenantId: plan.tenantId, name: OPERATOR, now: call.now, deps: call.deps };
  const body = { ...(override ? { override } : {}), ...(toSiteId ? { toSiteId } : {}) };
  const { reader, asked, vms } = await readGround(asker, plan, record.action, body);
  const groups = asked.groups.map((g): ProtectedGroup => {
    const by = taken.get(g.id);
    return by === undefined || g.usedBy !== undefined ? g : { ...g, usedBy: by };
  });
  const refusals: DomainError[] = [];
  const joins = isUnderWay(plan, record.action);
  const route = joins ? undefined : routeUnless({ ...asked, groups }, refusals);
  const [first] = groups;
  const way = route ?? (first && routeOf(plan, first, toSiteId));
  let capacity: Capacity | undefined;
  let flaws: Awaited<ReturnType<PlanReader['flaws']>> = [];
  const warnings: string[] = [];
  if (way) {
    const picture = await pictureOf(way, reader, rehearsal);
    flaws = await reader.flaws(plan, groups, vms, way);
    // Only what would begin takes room from those after it.
    const room = refusals.length === 0 ? rehearsal.room : new SiteRehearsal();
    capacity = room.add(plan, vms, way, picture);
    try {
      warnings.push(...weigh(asked, { flaws, capacity }));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      refusals.push(error);
    }
  }
  if (refusals.length === 0) for (const g of groups) taken.set(g.id, plan.id);
  const standings = way ? groups.map((g): Standing => standingOf(g, way, seen.get(g.id) ?? new Map(), call.now)) : [];
  const ready = readinessOf({
    plan,
    groups,
    vms,
    standings,
    flaws,
    now: call.now,
    ...(capacity ? { capacity } : {}),
  });
  return {
    planId: plan.id,
    plan: plan.name,
    tenantId: plan.tenantId,
    rank: 0,
    turn: 0,
    state: plan.state,
    wouldBegin: refusals.length === 0,
    ...(joins ? { joins: true } : {}),
    refusals: refusals.map((r) => ({ code: r.code, detail: r.message })),
    warnings,
    vms: vms.length,
    ...(way ? { toSiteId: way.toSiteId } : {}),
    score: ready.score,
    findings: ready.findings.map(({ code, message, fix }) => ({ code, message, fix })),
    ...(plan.rtoMinutes === undefined ? {} : { expectedRtoSeconds: plan.rtoMinutes * 60 }),
    ...figuresOf(standings),
  };
}

function routeUnless(asked: Asked, refusals: DomainError[]): Route | undefined {
  try {
    return decide(asked).route;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    refusals.push(error);
    return undefined;
  }
}

function pictureOf({ toSiteId }: Route, reader: PlanReader, { pictures }: Rehearsal): Promise<SitePicture> {
  const there = pictures.get(toSiteId) ?? reader.picture(toSiteId);
  pictures.set(toSiteId, there);
  return there;
}

/** The worst of its groups, and what they would lose together. */
function figuresOf(standings: readonly Standing[]) {
  if (standings.length === 0) return {};
  const ages = standings.map((s) => s.rpoMs);
  const lost = standings.flatMap((s) => s.wouldLose ?? []);
  return {
    expectedRpoSeconds: seconds(Math.max(...standings.map((s) => s.expectedRpoMs))),
    ...(ages.every((a) => a !== undefined) ? { rpoSeconds: seconds(Math.max(...(ages as number[]))) } : {}),
    ...(lost.length === standings.length
      ? {
          wouldLose: {
            count: lost.reduce((sum, l) => sum + l.count, 0),
            known: lost.some((l) => l.known === 'atLeast') ? 'atLeast' : 'exact',
          },
        }
      : {}),
  };
}
