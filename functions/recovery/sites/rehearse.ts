import type { GroupStatus } from '../../../shared/hypervisor/replication-port.ts';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import { OPERATOR } from '../../../shared/model/execution.ts';
import type { ProtectedGroup } from '../../../shared/model/protection.ts';
import type { RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import type { SiteSwitch } from '../../../shared/model/site-switch.ts';
import type { SitePlans } from '../../../shared/plans/at-site.ts';
import type { PlanReader } from '../../../shared/plans/facts.ts';
import { type Asker, readGround } from '../../../shared/plans/ground.ts';
import { type Asked, decide, weigh } from '../../../shared/recovery/actions.ts';
import type { Capacity } from '../../../shared/recovery/capacity.ts';
import { readinessOf } from '../../../shared/recovery/readiness.ts';
import { type Route, routeOf } from '../../../shared/recovery/route.ts';
import type { SitePicture } from '../../../shared/recovery/site.ts';
import { SiteRehearsal } from '../../../shared/recovery/site-capacity.ts';
import { inOrder, isUnderWay } from '../../../shared/recovery/site-order.ts';
import { type Standing, standingOf } from '../../../shared/recovery/standing.ts';
import type { Call } from '../../http/call.ts';

type Seen = Map<string, Map<string, GroupStatus>>;
const seconds = (ms: number) => Math.round(ms) / SECOND;

/** What is the same for all plans, or must be remembered from one to the next. */
interface Rehearsal {
  record: SiteSwitch;
  /** What sites say of each group; of those that were not asked nothing. */
  seen: Seen;
  pictures: Map<string, Promise<SitePicture>>;
  room: SiteRehearsal;
  /** Groups that plans before would have, by the plan's id (DR-19). */
  taken: Map<string, string>;
}

/** What each plan of the site would find, in their order, and what all of them need together. */
export async function rehearsePlans(
  call: Call<never>,
  record: SiteSwitch,
  { plans }: SitePlans,
  seen: Seen,
): Promise<{ items: PlanRehearsal[]; capacities: Capacity[] }> {
  const rehearsal: Rehearsal = { record, seen, pictures: new Map(), room: new SiteRehearsal(), taken: new Map() };
  const items: PlanRehearsal[] = [];
  for (const { plan, rank } of inOrder(plans, record.ranks))
    items.push({ rank, turn: items.length, ...(await rehearse(call, plan, rehearsal)) });
  return { items, capacities: rehearsal.room.capacities };
}
type PlanRehearsal = { rank: number; turn: number } & Awaited<ReturnType<typeof rehearse>>;

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
    capacity = room.add(plan, vms, way, { picture, seats: await reader.seats(plan, way.toSiteId) });
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
