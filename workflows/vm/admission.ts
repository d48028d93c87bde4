import { demandOf } from '../../shared/hypervisor/demand.ts';
import type { Cluster } from '../../shared/model/inventory.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { extraSlots } from '../../shared/placement/load.ts';
import { ClusterPromise } from '../../shared/placement/promise.ts';
import { isReserved } from '../../shared/placement/reserved.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { noteSlots } from '../../shared/store/slots.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type StepDeps, TryAgain } from '../engine/step-table.ts';
import { unchanged, vmKey } from './records.ts';

/** A start that is given up for what its cluster has promised to keep (HA-13). Its name is the code on the operation. */
class NotAdmitted extends Error {
  constructor(reason: string) {
    super(`${reason} (HA-13)`);
    this.name = 'failover-capacity';
  }
}

/**
 * Asks once more whether VMs may be powered on that hold their place already, on what the tables say now. Whoever admitted
 * them looked at a picture: of several that were admitted at once the last one to come here sees all the others, so the
 * promise of the cluster is never broken by what runs. A start that belongs to a recovery does not come here.
 * @throws NotAdmitted
 */
export async function mustBeAdmitted(vms: readonly Vm[], deps: StepDeps): Promise<void> {
  const inventory = new Inventory(deps.store, SYSTEM);
  for (const [clusterId, group] of Map.groupBy(vms, (vm) => vm.clusterId)) {
    const cluster = await inventory.cluster(clusterId);
    if (group.some((vm) => isReserved(cluster, vm.hostId as string)))
      throw new NotAdmitted('the host that was chosen has been kept free for failures since; try again');
    const { kind } = cluster.ha.admission;
    if (kind !== 'slots' && kind !== 'percentage') continue;
    await note(cluster, group, deps);
    // What is read from here on holds every VM that was noted or placed before.
    const [now, hosts] = await Promise.all([
      inventory.cluster(clusterId),
      inventory.hostsOf(clusterId, { consistent: true }),
    ]);
    const [broken] = new ClusterPromise(now, hosts).now().broken;
    if (broken) throw new NotAdmitted(`what is kept for failures would not be kept: ${broken.reason}`);
  }
}

/** Once for each epoch of a VM: a step that is repeated notes nothing twice. */
async function note(cluster: Cluster, vms: readonly Vm[], { store }: StepDeps): Promise<void> {
  const { admission } = cluster.ha;
  if (admission.kind !== 'slots') return;
  const fresh = vms.filter((vm) => vm.slotsNoted !== vm.epoch).map((vm) => ({ vm, need: demandOf(vm) }));
  const tx = new Transaction();
  noteSlots(tx, cluster, fresh, () => new TryAgain(`cluster ${cluster.id} was changed meanwhile`));
  if (tx.actions.length === 0) return;
  for (const { vm, need } of fresh)
    if (extraSlots(need, admission.slotCap) > 0)
      tx.update(vmKey(vm), { set: { slotsNoted: vm.epoch }, ...unchanged(vm) });
  await store.commit(tx);
}
