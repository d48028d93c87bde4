import type { GroupStatus } from '../../shared/hypervisor/replication-port.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import { GiveUp, type State, type StepDeps } from '../engine/step-table.ts';
import { arrived, type Case, enterPhase, loadCase, notArrived } from '../recovery-plan/case.ts';
import { takeBack } from '../recovery-plan/take-back.ts';

/**
 * Both sites answer, and every group has a complete copy that still gets what is written (DR-9): nothing is stopped for a
 * migration that could not end. A roll-back needs the source alone.
 */
export async function check(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'check', deps);
  if (state.rollback === true) {
    const [over] = arrived(found);
    if (over)
      throw new GiveUp(
        'too-late',
        `group ${over.name} is at ${over.primarySiteId} already: what has switched goes on, or comes back by a failback`,
      );
    await takeBackAll(found, state, deps);
    return { way: 'back', at: 0 };
  }
  const { fromSiteId, toSiteId } = found.execution;
  const groups = notArrived(found);
  const ids = groups.map((g) => g.id);
  const [sources, targets] = [await deps.port.groupStatus(fromSiteId, ids), await deps.port.groupStatus(toSiteId, ids)];
  for (const group of groups) {
    const of = (all: readonly GroupStatus[]) => all.find((s) => s.groupId === group.id);
    const why = hindrance(group, of(sources), of(targets), toSiteId);
    if (why) throw new GiveUp('not-ready', `group ${group.name}: ${why}`);
  }
  return { way: 'over', at: 0 };
}

/** A group that an earlier run has demoted, or even promoted, is gone on with. */
function hindrance(
  { promoting }: ProtectedGroup,
  source: GroupStatus | undefined,
  target: GroupStatus | undefined,
  toSiteId: string,
): string | undefined {
  if (!source || !target) return `${source ? toSiteId : 'its site'} does not know it`;
  if (target.role === 'primary' && promoting?.siteId === toSiteId) return undefined;
  if (source.role !== 'primary' && promoting?.siteId !== toSiteId) return 'its site has not the right to write';
  const { copy } = target;
  if (!copy || copy.points.length === 0) return `there is no complete copy at ${toSiteId} yet`;
  if (copy.state === 'suspended') return 'its replication is suspended';
  return copy.linkUp ? undefined : `the link to ${toSiteId} is down`;
}

/** Gives the right to write back to the source where it was given up, before the VMs start there again. */
async function takeBackAll({ groups, execution }: Case, state: State, deps: StepDeps): Promise<void> {
  const reload = async () => (await loadCase(state, deps)).groups;
  const { why } = await takeBack(groups, execution.fromSiteId, reload, deps);
  const [first] = why;
  if (first) throw new GiveUp('refused', `group ${first[0]} could not be given back: ${first[1]}`);
}
