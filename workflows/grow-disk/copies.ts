import { PortTimeout } from '../../shared/hypervisor/port.ts';
import { type GroupLeg, type ProtectedGroup, type Replica, replicaHoldsOf } from '../../shared/model/protection.ts';
import type { Disk, Vm } from '../../shared/model/vm.ts';
import { behindAt, isSwitched } from '../../shared/replication/growth.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { shiftReplicas } from '../../shared/store/ledger.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type StepDeps, TryAgain } from '../engine/step-table.ts';
import { unchanged, vmKey } from '../vm/records.ts';

/**
 * Makes the copies of a disk as large as it is going to be. Where a site does not answer, and the group is known not to be
 * kept up to date there, nothing more is sent to it and the VM is outdated (DR-17), until the policy is executed again.
 * @throws TryAgain while a copy must be waited for
 */
export async function enlargeCopies(vm: Vm, disk: Disk, deps: StepDeps): Promise<void> {
  const { protection } = vm;
  if (!protection) return;
  const given = behindAt(vm, disk);
  const silent: string[] = [];
  for (const replica of protection.replicas)
    if (!given.includes(replica.siteId) && !(await grown(vm, disk, replica, deps))) silent.push(replica.siteId);
  const left = [...given, ...silent];
  if (left.length === 0) return;
  const group = await new TenantData(deps.store, SYSTEM).find('group', protection.groupId);
  const legs = (group?.legs ?? []).filter((leg) => left.includes(leg.siteId));
  if (group) mustGoOnWithout(group, legs, left);
  if (silent.length > 0) await leaveBehind(vm, disk, silent, deps);
  if (group) await rest(group, legs, deps);
}

/** Whether the copy is as large; one that is not made yet will be. */
async function grown(vm: Vm, disk: Disk, { siteId, volumes }: Replica, { port }: StepDeps): Promise<boolean> {
  const volume = volumes.find((v) => v.name === disk.name);
  if (!volume) return true;
  const order = { id: volume.id, vmId: vm.id, name: disk.name, sizeGiB: disk.sizeGiB };
  try {
    const [result] = await port.growVolumes(siteId, [order]);
    if (result?.outcome === 'waits') throw new TryAgain(result.reason ?? `its copy at ${siteId} is not ready`);
    return result?.outcome === 'done' || result?.outcome === 'absent';
  } catch (error) {
    if (!(error instanceof PortTimeout)) throw error;
    return false;
  }
}

/**
 * Guests of a pair may write alone only after that was noted (`aloneSince`), and never where the policy holds them back: so
 * it is waited until the group is suspended or in error, and its guests go on.
 */
function mustGoOnWithout(group: ProtectedGroup, legs: readonly GroupLeg[], sites: readonly string[]): void {
  const words = `the copy at ${sites.join(', ')} has not been made larger yet: the site, or its storage, does not answer`;
  if (isSwitched(group)) throw new TryAgain(`protected group ${group.name} is ${group.state}`);
  const alone = legs.every((leg) => leg.mode === 'async' || group.aloneSince !== undefined);
  const known = group.state === 'suspended' || (group.state === 'error' && alone);
  if (legs.length > 0 && !known) throw new TryAgain(words);
}

/** The copies there keep the size that they had, and what was taken for them is given back. */
async function leaveBehind(vm: Vm, disk: Disk, sites: readonly string[], { store }: StepDeps): Promise<void> {
  const fromGiB = disk.resizing?.fromGiB ?? disk.sizeGiB;
  const replicas = (vm.protection?.replicas ?? []).map((replica) =>
    sites.includes(replica.siteId)
      ? { ...replica, volumes: replica.volumes.map((v) => (v.name === disk.name ? { ...v, sizeGiB: fromGiB } : v)) }
      : replica,
  );
  const outdated = `its disk ${disk.name} has ${disk.sizeGiB} GiB, and the copy at ${sites.join(', ')} has ${fromGiB}: it was not to be reached when the disk was made larger`;
  const tx = new Transaction().update(vmKey(vm), {
    set: { 'protection.replicas': replicas, 'protection.outdated': outdated },
    add: { version: 1 },
    ...unchanged(vm),
  });
  shiftReplicas(tx, replicaHoldsOf(vm), replicaHoldsOf({ protection: { replicas } }));
  await store.commit(tx);
}

/** What the guest writes from now on could not be written there. The point that it holds stays usable. */
async function rest(group: ProtectedGroup, legs: readonly GroupLeg[], { port }: StepDeps): Promise<void> {
  if (legs.length === 0) return;
  const { id: groupId, epoch, primarySiteId, orderVersion: version } = group;
  const orders = legs.map(({ siteId }) => ({ groupId, epoch, siteId, version, suspended: true }));
  const refused = (await port.suspendLegs(primarySiteId, orders)).find((r) => r.outcome === 'refused');
  if (refused) throw new TryAgain(refused.reason ?? `${primarySiteId} does not obey`);
}
