import { holdsOf } from '../hypervisor/demand.ts';
import type { Operation } from '../model/operation.ts';
import { type Migration, nextEpoch, type Vm, vmMachine } from '../model/vm.ts';
import { CapacitySnapshot } from '../placement/snapshot.ts';
import { SYSTEM } from './context.ts';
import { Inventory } from './inventory.ts';
import { keys } from './keys.ts';
import { shiftHosts } from './ledger.ts';
import type { Store } from './store.ts';
import { type OnFail, Transaction } from './transaction.ts';

/**
 * What accepts a live migration: the VM is claimed, and holds its place at the target besides the one that it has
 * (MIG-6). The operation itself is the caller's to add.
 * @throws `illegal-transition` for a VM that does not run
 */
export function migrationBegins(
  vm: Vm,
  to: Pick<Migration, 'seat' | 'options'>,
  operation: Operation,
  onFail: OnFail,
): Transaction {
  // Its guest goes on seeing the CPU features that it was started with.
  const seat = { ...to.seat, ...(vm.generation ? { generation: vm.generation } : {}) };
  const migration: Migration = { ...to, seat, epoch: nextEpoch(vm) };
  const tx = new Transaction().update(keys.vm(vm.tenantId, vm.id), {
    set: {
      state: vmMachine.next(vm.state, 'liveMigrate'),
      migration,
      claim: operation.id,
      operationId: operation.id,
    },
    add: { version: 1 },
    remove: ['reason'],
    condition: '#version = :version AND attribute_not_exists(#claimed)',
    names: { '#version': 'version', '#claimed': 'claim' },
    values: { ':version': vm.version },
    onFail,
  });
  shiftHosts(tx, () => vm.clusterId, holdsOf(vm), holdsOf({ ...vm, migration }));
  return tx;
}

/** A picture of one cluster as the tables say now: VMs move within it. */
export async function clusterPicture(store: Store, clusterId: string): Promise<CapacitySnapshot> {
  const inventory = new Inventory(store, SYSTEM);
  const cluster = await inventory.cluster(clusterId);
  const [hosts, datastores] = await Promise.all([
    inventory.hostsOf(clusterId, { consistent: true }),
    inventory.datastores(cluster.siteId),
  ]);
  return new CapacitySnapshot([cluster], hosts, datastores);
}
