import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { PortTimeout } from '../../../shared/hypervisor/port.ts';
import type { GroupStatus } from '../../../shared/hypervisor/replication-port.ts';
import { iso, SECOND } from '../../../shared/kernel/clock.ts';
import type { ProtectedGroup } from '../../../shared/model/protection.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import { diskRefusals } from '../../../shared/replication/eligibility.ts';
import { afterLoss, type LegStanding, promisedMs, standingOf } from '../../../shared/replication/standing.ts';
import { SYSTEM } from '../../../shared/store/context.ts';
import { Inventory } from '../../../shared/store/inventory.ts';
import { readPlaceholders } from '../../../shared/store/placeholders.ts';
import type { Answer } from '../../http/answer.ts';
import { type Call, resource } from '../../http/call.ts';
import { placeholderViews } from '../../http/placeholders.ts';
import { readGroup } from './begin.ts';
import { membersOf } from './change.ts';
import { groupView, legView } from './views.ts';

/** The group with how far its copies are, as its sites say now; of those that do not answer belief alone is shown. */
export async function read(call: Call, port: HypervisorPort): Promise<Answer> {
  const group = await readGroup(call);
  const members = await membersOf(call, group);
  const [answers, outdated, [kept]] = await Promise.all([
    ask(port, group),
    outdatedOf(call, members),
    readPlaceholders(call.deps.store, call.tenantId, [group.id]),
  ]);
  const silent = sitesOf(group).filter((id) => !answers.has(id));
  const legs = standingOf(group, answers, call.now);
  const losses = group.legs.length > 0 ? afterLoss(group, legs) : [];
  const view = {
    ...groupView(group),
    legs: legs.map((standing) => ({ ...legView(standing.leg), ...standingView(standing, group) })),
    ...(outdated.length > 0 ? { outdated } : {}),
    placeholders: members.flatMap((vm) => placeholderViews(vm, kept).map((view) => ({ vmId: vm.id, ...view }))),
    ...(kept ? { reservedBy: kept.planId } : {}),
    ...(silent.length > 0 ? { silentSites: silent } : {}),
    ...(losses.length > 0
      ? {
          afterLoss: losses.map(({ lost, siteId, lossMs, why }) => ({
            lost,
            ...(siteId === undefined ? {} : { siteId }),
            ...(lossMs === undefined ? {} : { lossSeconds: lossMs / SECOND }),
            why,
          })),
        }
      : {}),
  };
  return resource(200, view);
}

/** Every site that has or had a copy of a group. */
export const sitesOf = ({ primarySiteId, legs, former }: ProtectedGroup): string[] => [
  ...new Set([primarySiteId, ...legs.map((l) => l.siteId), ...(former ? [former.siteId] : [])]),
];

/** What each site says of the group; sites that do not answer are missing. */
async function ask(port: HypervisorPort, group: ProtectedGroup): Promise<Map<string, GroupStatus | undefined>> {
  const answers = new Map<string, GroupStatus | undefined>();
  await Promise.all(
    sitesOf(group).map(async (siteId) => {
      try {
        const [status] = await port.groupStatus(siteId, [group.id]);
        answers.set(siteId, status);
      } catch (error) {
        if (!(error instanceof PortTimeout)) throw error;
      }
    }),
  );
  return answers;
}

/** Members that are not protected as they are (DR-17): as noted, or as their disks have come to lie. */
async function outdatedOf(call: Call, members: readonly Vm[]): Promise<{ vmId: string; reason: string }[]> {
  const sites = [...new Set(members.map((vm) => vm.siteId))];
  const inventory = new Inventory(call.deps.store, SYSTEM);
  const datastores = (await Promise.all(sites.map((id) => inventory.datastores(id)))).flat();
  return members.flatMap((vm) => {
    const reason = vm.protection?.outdated ?? growth(vm) ?? diskRefusals(vm, datastores)[0]?.reason;
    return reason === undefined ? [] : [{ vmId: vm.id, reason }];
  });
}

/** A disk that its copies are too small for, or that has none. */
function growth(vm: Vm): string | undefined {
  const copies = vm.protection?.replicas ?? [];
  const disk = vm.disks.find((d) =>
    copies.some((r) => (r.volumes.find((v) => v.name === d.name)?.sizeGiB ?? 0) < d.sizeGiB),
  );
  return disk && `its disk ${disk.name} is larger than its copy`;
}

const standingView = (s: LegStanding, group: ProtectedGroup) => ({
  ...(s.state === undefined ? {} : { state: s.state }),
  ...(s.linkUp === undefined ? {} : { linkUp: s.linkUp }),
  ...(s.backlogBytes === undefined ? {} : { backlogBytes: s.backlogBytes }),
  ...(s.lagMs === undefined ? {} : { lagSeconds: s.lagMs / SECOND }),
  ...(s.rpo === undefined ? {} : { rpo: s.rpo }),
  ...(s.lacks === undefined ? {} : { lacks: s.lacks }),
  rpoMinutes: promisedMs(s.leg, group) / (60 * SECOND),
  points: s.points.map((p) => ({ sequence: p.sequence, stateAt: iso(p.stateAt), usableAt: iso(p.usableAt) })),
});
