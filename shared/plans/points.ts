import type * as z from 'zod';
import type { failoverBody } from '../contract/recovery.ts';
import type { HypervisorPort } from '../hypervisor/port.ts';
import type { Point } from '../hypervisor/replication-port.ts';
import { iso } from '../kernel/clock.ts';
import { DomainError, type Flaw, invalid } from '../kernel/errors.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { Route } from '../recovery/route.ts';
import { seenOf } from './facts.ts';

export type ActionBody = z.infer<typeof failoverBody> | undefined;

/** Points that a refusal lists, the newest. */
const LISTED = 8;

/**
 * The points that were asked for, by group: only those that the recovery site has. Undefined where nothing was asked: the
 * newest is taken then, whichever that is when the time comes.
 * @throws `invalid-request` with every group that has no such point, `site-unreachable` when nobody can say
 */
export async function chosenPoints(
  port: HypervisorPort,
  body: ActionBody,
  groups: readonly ProtectedGroup[],
  route: Route,
): Promise<Record<string, number> | undefined> {
  const { point, points, before } = body ?? {};
  const asked = Object.entries({ point, points, before }).filter(([, v]) => v !== undefined);
  if (asked.length === 0) return undefined;
  const flaws: Flaw[] = [];
  if (asked.length > 1)
    flaws.push({
      location: `body.${asked[1]?.[0]}`,
      message: `${asked.map(([name]) => name).join(' and ')} cannot be given together`,
      fix: 'give one of them',
    });
  if (point !== undefined && groups.length > 1)
    flaws.push({
      location: 'body.point',
      message: `the plan has ${groups.length} groups, each with points of its own`,
      fix: 'give points, by group, or before',
    });
  for (const id of Object.keys(points ?? {}))
    if (!groups.some((g) => g.id === id))
      flaws.push({ location: `body.points.${id}`, message: 'is no group of the plan', fix: 'name groups of the plan' });
  if (flaws.length > 0) throw invalid(flaws);
  const seen = await seenOf(port, groups);
  const chosen: Record<string, number> = {};
  for (const group of groups) {
    const wish = point ?? points?.[group.id];
    if (wish === undefined && before === undefined) continue;
    const there = seen.get(group.id)?.get(route.toSiteId)?.copy?.points;
    if (!there)
      throw new DomainError(
        'site-unreachable',
        `Site ${route.toSiteId} cannot say now which points it has of ${group.name}.`,
        {
          figures: { retryAfterSeconds: 5, siteId: route.toSiteId, groupId: group.id },
        },
      );
    const limit = before === undefined ? undefined : Date.parse(before);
    const found = there.findLast((p) => (limit === undefined ? p.sequence === wish : p.stateAt <= limit));
    if (found) chosen[group.id] = found.sequence;
    else
      flaws.push(
        noPoint(
          group,
          there,
          before === undefined ? `with sequence ${wish}` : `up to ${before}`,
          point === undefined && before === undefined
            ? `body.points.${group.id}`
            : before === undefined
              ? 'body.point'
              : 'body.before',
        ),
      );
  }
  if (flaws.length > 0) throw invalid(flaws);
  return chosen;
}

const noPoint = (group: ProtectedGroup, there: readonly Point[], what: string, location: string): Flaw => ({
  location,
  message: `${group.name} (${group.id}) has no complete point ${what}; it has ${there.length}`,
  fix:
    there.length === 0
      ? 'leave it out, and wait for its first copy'
      : `choose one of ${there
          .slice(-LISTED)
          .map((p) => `${p.sequence} (${iso(p.stateAt)})`)
          .join(', ')}`,
});
