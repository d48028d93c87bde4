import { SITE_LEASE_MARGIN_MS } from '../../shared/model/site-lease.ts';
import { revokeSiteLease } from '../../shared/store/site-lease.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { enterPhase, loadCase, notArrived } from '../recovery-plan/case.ts';
import { believe, demote, intend, pointsAsked, promoteAt, waiting } from '../recovery-plan/roles.ts';

/**
 * Takes the right to write from the old site (DR-7): its lease is revoked in the table first, so that no renewal covers the
 * groups any more; then the site is told, if it can be. A site that is silent is waited for no longer than its lease.
 */
export async function fenceOld(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'fence old site', deps);
  const { fromSiteId, toSiteId } = found.execution;
  const groups = notArrived(found);
  await intend(groups, toSiteId, deps);
  const until = groups.length === 0 ? 0 : await revokeSiteLease(deps.store, fromSiteId, groups);
  const { heads } = await demote(groups, fromSiteId, deps);
  return { leaseUntil: until + SITE_LEASE_MARGIN_MS, demoted: [...heads.keys()] };
}

/**
 * Gives the right to write to the recovery site, as things were at a complete point (DR-10). A group that cannot be given it
 * does not stop the others: it is reported, and tried again by a rerun.
 */
export async function promote(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'promote', deps);
  const groups = notArrived(found);
  const how = {
    points: pointsAsked(state),
    leaseUntil: Number(state.leaseUntil ?? 0),
    demoted: (state.demoted as string[] | undefined) ?? [],
  };
  const results = await promoteAt(groups, found.execution.toSiteId, how, deps);
  const of = (id: string) => results.find((r) => r.groupId === id);
  const promotions = groups.flatMap((group) => {
    const result = of(group.id);
    const done = result?.outcome === 'promoted' || result?.outcome === 'already';
    return result && done ? [{ group, result, demoted: how.demoted.includes(group.id) }] : [];
  });
  const refused = results.flatMap((r) =>
    r.outcome === 'refused' ? [{ groupId: r.groupId, reason: r.reason ?? 'the site refused it' }] : [],
  );
  await believe(found, promotions, refused, deps);
  return waiting(results);
}
