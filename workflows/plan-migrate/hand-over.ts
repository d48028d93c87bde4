import { PortTimeout } from '../../shared/hypervisor/port.ts';
import { MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import { GiveUp, type State, type StepDeps } from '../engine/step-table.ts';
import { enterPhase, loadCase, notArrived } from '../recovery-plan/case.ts';
import { believe, demote, intend, promoteAt } from '../recovery-plan/roles.ts';

/** How long the last writes may take to the other site, ms. Declared. */
const SYNC_PATIENCE_MS = 15 * MINUTE;
/** It is looked after them so often at least and at most, s. */
const LOOK_S = { least: 1, most: 60, unknown: 10 } as const;

/** A point with all that was written, at the other site too: `wait` until it is there. */
interface Sync {
  turn: 'wait' | 'done';
  seconds: number;
}

/**
 * Brings what was written to the target while the source has the right to write still: what takes long is done before
 * anything is given away. The VMs are stopped, so nothing more is written (DR-9).
 */
export async function finalSync(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'final synchronisation', deps);
  const since = Number(state.syncSince ?? deps.clock.now());
  const open = notArrived(found).filter((g) => g.promoting?.siteId !== found.execution.toSiteId);
  const token = `${state.operationId}/final`;
  const sync = await synced(open, found.execution, { token, since, heads: new Map() }, deps);
  return { ...sync, syncSince: since };
}

/**
 * The source gives the right to write up and says what its last write was; the target must have it before it is promoted.
 * Where it has not, it is waited for: also a former primary sends what it has, as long as nobody has followed it.
 */
export async function demoteSource(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'demote source', deps);
  const { fromSiteId, toSiteId } = found.execution;
  const since = Number(state.demotedSince ?? deps.clock.now());
  await intend(notArrived(found), toSiteId, deps);
  const groups = notArrived(await loadCase(state, deps));
  const { heard, heads, refused } = await demote(groups, fromSiteId, deps);
  if (!heard) throw new PortTimeout(fromSiteId, 'demoteGroups');
  const [why] = refused.values();
  if (why !== undefined) throw new GiveUp('refused', why);
  const token = `${state.operationId}/demoted`;
  const sync = await synced(groups, found.execution, { token, since, heads }, deps);
  return { ...sync, demotedSince: since, heads: Object.fromEntries(heads) };
}

async function synced(
  groups: readonly ProtectedGroup[],
  { fromSiteId, toSiteId }: { fromSiteId: string; toSiteId: string },
  want: { token: string; since: number; heads: ReadonlyMap<string, number> },
  { port, clock }: StepDeps,
): Promise<Sync> {
  if (groups.length === 0) return { turn: 'done', seconds: 0 };
  const ids = groups.map((g) => g.id);
  const cuts = await port.cutPoints(
    fromSiteId,
    groups.map(({ id, epoch }) => ({ groupId: id, epoch, token: want.token })),
  );
  const refused = cuts.find((c) => c.outcome === 'refused');
  if (refused) throw new GiveUp('refused', refused.reason ?? `site ${fromSiteId} cuts no point`);
  const statuses = await port.groupStatus(toSiteId, ids);
  const now = clock.now();
  const missing = cuts.filter((cut) => {
    const status = statuses.find((s) => s.groupId === cut.groupId);
    // One that an earlier try has promoted has all that it was promoted with.
    if (status?.role === 'primary') return false;
    const needed = Math.max(cut.sequence ?? 0, want.heads.get(cut.groupId) ?? 0);
    // Who has joined and is not there entirely would be left behind.
    return !status?.copy?.points.some((p) => p.sequence >= needed) || (status.copy.lacks ?? []).length > 0;
  });
  if (missing.length === 0) return { turn: 'done', seconds: 0 };
  if (now - want.since > SYNC_PATIENCE_MS)
    throw new GiveUp(
      'not-synced',
      `the last writes of ${missing.length} groups have not come to ${toSiteId} within ${SYNC_PATIENCE_MS / MINUTE} minutes`,
    );
  const ends = missing.map((c) => (c.usableAt === undefined ? LOOK_S.unknown : Math.ceil((c.usableAt - now) / SECOND)));
  return { turn: 'wait', seconds: Math.min(LOOK_S.most, Math.max(LOOK_S.least, ...ends)) };
}

/** Gives the right to write to the target, at the very point that holds the last write of the source. */
export async function promote(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'promote', deps);
  const groups = notArrived(found);
  const points = state.heads as Record<string, number>;
  const demoted = groups.map((g) => g.id);
  const results = await promoteAt(groups, found.execution.toSiteId, { points, leaseUntil: 0, demoted }, deps);
  const promotions = groups.flatMap((group) => {
    const result = results.find((r) => r.groupId === group.id);
    const done = result?.outcome === 'promoted' || result?.outcome === 'already';
    return result && done ? [{ group, result, demoted: true }] : [];
  });
  const refused = results.flatMap((r) =>
    r.outcome === 'refused' || r.outcome === 'waits'
      ? [{ groupId: r.groupId, reason: r.reason ?? 'the site refused it' }]
      : [],
  );
  await believe(found, promotions, refused, deps);
  if (promotions.length === 0 && refused.length > 0 && notArrived(found).length === found.groups.length)
    throw new GiveUp('refused', refused[0]?.reason ?? 'the site refused it');
  return { at: 0 };
}
