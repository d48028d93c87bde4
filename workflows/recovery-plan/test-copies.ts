import { clusterOf, holdsOf, storageHoldsOf } from '../../shared/hypervisor/demand.ts';
import { PortTimeout } from '../../shared/hypervisor/port.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { asTenant } from '../../shared/store/context.ts';
import { shiftDatastores, shiftHosts } from '../../shared/store/ledger.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type StepDeps, TryAgain } from '../engine/step-table.ts';
import { addressKey, bySite, unchanged, vmKey } from '../vm/records.ts';
import { deleteVolumes } from '../vm/remove.ts';
import { stopProcesses } from '../vm/stop.ts';
import { inWaves } from '../vm/waves.ts';

/** All copies that tests of a plan have made, whichever execution it was: nothing is left behind for want of a note. */
export const copiesOf = async ({ id, tenantId }: RecoveryPlan, { store }: StepDeps): Promise<Vm[]> =>
  (await new TenantData(store, asTenant(tenantId)).all('vm')).filter((vm) => vm.testOf?.planId === id);

/**
 * Removes copies with all that they hold: processes, volumes, room, addresses, records. Repeating it goes on with what is
 * left.
 * @throws TryAgain while a host or a datastore cannot be asked
 */
export async function removeCopies(copies: readonly Vm[], deps: StepDeps): Promise<void> {
  if (copies.length === 0) return;
  await stopProcesses(copies, deps);
  await deleteVolumes(copies, deps);
  for (const [siteId, all] of bySite(copies))
    for (const wave of inWaves(all, itemsOf)) await forget(siteId, wave, deps);
}

/** The same where something else matters more: what cannot be removed now is left for the next chance. */
export async function removeCopiesIfHeard(plan: RecoveryPlan, deps: StepDeps): Promise<void> {
  try {
    await removeCopies(await copiesOf(plan, deps), deps);
  } catch (error) {
    if (!(error instanceof PortTimeout || error instanceof TryAgain)) throw error;
    deps.log.info('copies of a test are left for later', { planId: plan.id, why: error.message });
  }
}

const itemsOf = (vm: Vm): string[] => [
  vm.id,
  ...vm.nics.map((n) => n.id),
  ...holdsOf(vm).map((h) => h.hostId),
  ...storageHoldsOf(vm).map((h) => h.datastoreId),
];

/** No quota was charged for them, so none is given back. */
async function forget(siteId: string, wave: readonly Vm[], { store }: StepDeps): Promise<void> {
  const tx = new Transaction();
  const clusters = new Map(wave.flatMap((vm) => holdsOf(vm).map((h) => [h.hostId, clusterOf(vm)(h.hostId)] as const)));
  for (const vm of wave) {
    tx.delete(vmKey(vm), unchanged(vm));
    for (const nic of vm.nics) tx.delete(addressKey(vm.tenantId, nic));
  }
  shiftHosts(tx, (id) => clusters.get(id) as string, wave.flatMap(holdsOf), []);
  shiftDatastores(tx, siteId, wave.flatMap(storageHoldsOf), []);
  await store.commit(tx);
}
