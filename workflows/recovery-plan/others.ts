import type { Link } from '../../shared/model/inventory.ts';
import {
  type GroupLeg,
  type ProtectedGroup,
  type ReplicationSpec,
  RPO_MINUTES,
} from '../../shared/model/protection.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { completed, legsOf, targetsOf } from '../../shared/replication/legs.ts';
import { orderOf } from '../../shared/replication/order.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { LinkFull, shiftLinks } from '../../shared/store/ledger.ts';
import { renewSiteLease } from '../../shared/store/site-lease.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { StepDeps } from '../engine/step-table.ts';
import { arrived, asRead, type Case, groupKey } from './case.ts';
import { ifHeard } from './roles.ts';

/**
 * I8: the copy at a site that took no part in a switch goes on from the new primary at once, from where it stands. Not where
 * it may have writes that the new primary has not: those are nobody's to overwrite but a person's, by a reprotection.
 * Answers the groups as they are then. What a site does not hear now it is told by the watch.
 */
export async function goOnToOthers(found: Case, deps: StepDeps): Promise<ProtectedGroup[]> {
  const links = await new Inventory(deps.store, SYSTEM).links();
  const after: ProtectedGroup[] = [];
  const here = new Set(arrived(found).map((g) => g.id));
  for (const group of found.groups) after.push(here.has(group.id) ? await goOn(group, found, links, deps) : group);
  return after;
}

async function goOn(
  group: ProtectedGroup,
  found: Case,
  links: readonly Link[],
  deps: StepDeps,
): Promise<ProtectedGroup> {
  const { primarySiteId, former } = group;
  const members = await new TenantData(deps.store, SYSTEM).vmsById(group.vms);
  if (!former || members.length === 0 || members.some((vm) => vm.siteId !== primarySiteId)) return group;
  if (group.legs.length > 0) return told(group, members, links, deps);
  const sites = targetsOf(group.replication).filter((id) => id !== primarySiteId && id !== former.siteId);
  const point = found.execution.groups.find((g) => g.groupId === group.id)?.point?.sequence;
  const spare = { legs: [] as GroupLeg[], links: group.links };
  for (const siteId of sites) {
    if (point === undefined || !(await holdsNoMore(group, siteId, point, deps))) continue;
    const made = legsOf(toOne(group.replication, siteId), primarySiteId, links, spare.links);
    if (made.refusals.length > 0) continue;
    spare.legs.push(...made.legs);
    spare.links = withMost(spare.links, made.links);
  }
  if (spare.legs.length === 0) return group;
  const set = { ...spare, orderVersion: group.orderVersion + 1 };
  const tx = new Transaction().update(groupKey(group), { set, add: { version: 1 }, ...asRead('group', group) });
  shiftLinks(tx, group.links, spare.links);
  try {
    await deps.store.commit(tx);
  } catch (error) {
    // Another group has taken what was free of the link: the copy stays as it is.
    if (error instanceof LinkFull) return group;
    throw error;
  }
  return told({ ...group, ...set, version: group.version + 1 }, members, links, deps);
}

/** The policy of an asynchronous leg to one site. */
const toOne = ({ topology: _, thirdSiteId: __, onLinkLoss: ___, ...spec }: ReplicationSpec, targetSiteId: string) =>
  completed({ ...spec, targetSiteId, mode: 'async', rpoMinutes: spec.rpoMinutes ?? RPO_MINUTES.default });

const withMost = (held: Readonly<Record<string, number>>, more: Readonly<Record<string, number>>) => ({
  ...held,
  ...Object.fromEntries(Object.entries(more).map(([id, mbps]) => [id, Math.max(mbps, held[id] ?? 0)])),
});

/** By its own word; of one that is silent nobody knows. */
async function holdsNoMore(group: ProtectedGroup, siteId: string, point: number, { port }: StepDeps): Promise<boolean> {
  const [status] = (await ifHeard(() => port.groupStatus(siteId, [group.id]))) ?? [];
  return status?.role === 'secondary' && (status.copy?.points ?? []).every((p) => p.sequence <= point);
}

async function told(
  group: ProtectedGroup,
  members: readonly Vm[],
  links: readonly Link[],
  deps: StepDeps,
): Promise<ProtectedGroup> {
  await ifHeard(async () => {
    await renewSiteLease(deps, group.primarySiteId, [group], deps.clock.now());
    await deps.port.configureGroups(group.primarySiteId, [orderOf(group, members, links)]);
  });
  return group;
}
