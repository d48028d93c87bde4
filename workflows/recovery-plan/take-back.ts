import type { ProtectedGroup } from '../../shared/model/protection.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { StepDeps } from '../engine/step-table.ts';
import { asRead, groupKey } from './case.ts';
import { epochFor, ifHeard, intend } from './roles.ts';

/**
 * Gives the right to write back to the source, under a new epoch, where it was asked to give it up and nobody has followed.
 * Answers the groups that stand as before; of the others the site could not be asked, or the target has taken over in truth.
 */
export async function takeBack(
  groups: readonly ProtectedGroup[],
  siteId: string,
  reload: () => Promise<ProtectedGroup[]>,
  deps: StepDeps,
): Promise<{ back: Set<string>; why: Map<string, string> }> {
  const back = new Set(groups.filter((g) => g.promoting === undefined).map((g) => g.id));
  const why = new Map<string, string>();
  const open = groups.filter((g) => g.promoting !== undefined);
  if (open.length === 0) return { back, why };
  const status = await ifHeard(() =>
    deps.port.groupStatus(
      siteId,
      open.map((g) => g.id),
    ),
  );
  const roleOf = (id: string) => status?.find((s) => s.groupId === id);
  // One that was never told to give it up, or was given it back before this was written down.
  const stands = open.filter((g) => roleOf(g.id)?.role === 'primary');
  const demoted = open.filter((g) => roleOf(g.id)?.role === 'demoted');
  await intend(demoted, siteId, deps);
  const intended = (await reload()).filter((g) => demoted.some((d) => d.id === g.id));
  const results = await ifHeard(() =>
    deps.port.promoteGroups(
      siteId,
      intended.map((group) => ({ groupId: group.id, epoch: epochFor(group, siteId), former: 'demoted' as const })),
    ),
  );
  const tx = new Transaction();
  for (const group of (await reload()).filter((g) => open.some((o) => o.id === g.id))) {
    const result = results?.find((r) => r.groupId === group.id);
    const epoch = stands.some((s) => s.id === group.id)
      ? roleOf(group.id)?.epoch
      : result?.outcome === 'promoted' || result?.outcome === 'already'
        ? epochFor(group, siteId)
        : undefined;
    if (epoch === undefined) {
      why.set(group.id, result?.reason ?? `site ${siteId} cannot be asked`);
      continue;
    }
    back.add(group.id);
    // An epoch that the target may have been told of is never given to anybody else: a later one is higher than both.
    tx.update(groupKey(group), {
      set: { epoch },
      add: { version: 1 },
      remove: ['promoting'],
      ...asRead('group', group),
    });
  }
  if (tx.actions.length > 0) await deps.store.commit(tx);
  return { back, why };
}
