import type { GroupOrder, LegLink, LegOrder } from '../hypervisor/replication-port.ts';
import type { Link } from '../model/inventory.ts';
import { type GroupLeg, KEPT_POINTS_DEFAULT, type ProtectedGroup, RPO_MINUTES } from '../model/protection.ts';
import type { Vm } from '../model/vm.ts';
import { periodMsOf } from './feasible.ts';

/** Volumes that cannot be matched are a flaw of the belief, told before any site is. */
class Unmatched extends Error {}

/**
 * What the primary of a group is told: all volumes of its members in one order, and for each leg the volume that stands for
 * each of them at its target, in the same order. Pure.
 * @throws Unmatched when a member has no copy of a disk at a target
 */
export function orderOf(
  group: Pick<ProtectedGroup, 'id' | 'epoch' | 'orderVersion' | 'vms' | 'legs' | 'replication' | 'primarySiteId'>,
  members: readonly Vm[],
  links: readonly Link[],
): GroupOrder {
  const vms = group.vms.flatMap((id) => members.filter((vm) => vm.id === id));
  const { rpoMinutes = RPO_MINUTES.default, keepPoints = KEPT_POINTS_DEFAULT, windows } = group.replication;
  // What stands by is ordered when it takes over.
  const active = group.legs.filter((leg) => !leg.standby);
  const linkOf = ({ linkId, mbps }: GroupLeg): LegLink => ({
    id: linkId,
    latencyMs: links.find((l) => l.id === linkId)?.latencyMs ?? 0,
    mbps,
  });
  const standby = group.legs
    .filter((leg) => leg.standby && leg.from === group.primarySiteId)
    .map((leg) => ({ siteId: leg.siteId, link: linkOf(leg) }));
  const legs = active.map((leg): LegOrder => {
    const { siteId, from, mode } = leg;
    return {
      siteId,
      from,
      mode,
      link: linkOf(leg),
      ...(mode === 'async' ? { periodMs: periodMsOf(rpoMinutes), ...(windows ? { windows } : {}) } : {}),
      keepPoints,
      volumes: vms.flatMap((vm) => vm.disks.map((disk) => ({ ...copyOf(vm, disk.name, siteId), vmId: vm.id }))),
    };
  });
  return {
    groupId: group.id,
    epoch: group.epoch,
    version: group.orderVersion,
    volumes: vms.flatMap((vm) => vm.disks.map(({ id, name }) => ({ id, vmId: vm.id, name }))),
    legs,
    ...(standby.length > 0 ? { standby } : {}),
  };
}

/** The copy of a disk at a site. */
function copyOf(vm: Vm, name: string, siteId: string) {
  const volume = vm.protection?.replicas.find((r) => r.siteId === siteId)?.volumes.find((v) => v.name === name);
  if (!volume) throw new Unmatched(`disk ${name} of VM ${vm.name} has no copy at ${siteId}`);
  return volume;
}
