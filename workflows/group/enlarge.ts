import type { GrowOrder } from '../../shared/hypervisor/port.ts';
import { replicaHoldsOf } from '../../shared/model/protection.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { enlarged, roomToCatchUp } from '../../shared/replication/growth.ts';
import { DatastoreFull, shiftReplicas } from '../../shared/store/ledger.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { unchanged, vmKey } from '../vm/records.ts';

/** VMs that are written in one transaction. */
const WAVE = 50;

/**
 * Takes room for copies that are smaller than the disks they are of (DR-17): of members that have grown while a site was
 * not to be reached. Answers the members as they are then.
 * @throws GiveUp where a datastore has not so much left
 */
export async function takeRoom(members: readonly Vm[], { store }: StepDeps): Promise<Vm[]> {
  const all: Vm[] = [];
  for (const vm of members) {
    const { protection } = vm;
    if (!protection || roomToCatchUp([vm]).length === 0) {
      all.push(vm);
      continue;
    }
    const replicas = enlarged(protection.replicas, vm.disks);
    const after: Vm = { ...vm, version: vm.version + 1, protection: { ...protection, replicas } };
    const tx = new Transaction().update(vmKey(vm), {
      set: { 'protection.replicas': replicas },
      add: { version: 1 },
      ...unchanged(vm),
    });
    shiftReplicas(tx, replicaHoldsOf(vm), replicaHoldsOf(after));
    try {
      await store.commit(tx);
    } catch (error) {
      if (!(error instanceof DatastoreFull)) throw error;
      const needed = roomToCatchUp([vm]).reduce((sum, room) => sum + room.gib, 0);
      throw new GiveUp(
        'no-capacity',
        `the copies of VM ${vm.name} need ${needed} GiB more, and a datastore has ${error.datastore?.freeGiB ?? 0} left`,
      );
    }
    all.push(after);
  }
  return all;
}

/** Volumes of copies that may be smaller than they are believed to be: of members that have changed. */
const orders = (members: readonly Vm[], siteId: string): GrowOrder[] =>
  members
    .filter((vm) => vm.protection?.outdated !== undefined || vm.disks.some((d) => d.resizing))
    .flatMap((vm) =>
      (vm.protection?.replicas ?? [])
        .filter((replica) => replica.siteId === siteId)
        .flatMap(({ volumes }) => volumes.map(({ id, name, sizeGiB }) => ({ id, vmId: vm.id, name, sizeGiB }))),
    );

/** The copies at a site are as large as they are believed to be. @throws TryAgain while its storage does not answer */
export async function enlargeAt(siteId: string, members: readonly Vm[], { port }: StepDeps): Promise<void> {
  const grow = orders(members, siteId);
  if (grow.length === 0) return;
  const failed = (await port.growVolumes(siteId, grow)).find((r) => r.outcome !== 'done');
  if (failed) throw new TryAgain(failed.reason ?? `a copy at ${siteId} is ${failed.outcome}, and too small`);
}

/** What is protected is what they are. */
export async function upToDate(members: readonly Vm[], { store }: StepDeps): Promise<void> {
  const outdated = members.filter((vm) => vm.protection?.outdated !== undefined);
  for (let i = 0; i < outdated.length; i += WAVE) {
    const tx = new Transaction();
    for (const vm of outdated.slice(i, i + WAVE))
      tx.update(vmKey(vm), { remove: ['protection.outdated'], add: { version: 1 }, ...unchanged(vm) });
    await store.commit(tx);
  }
}
