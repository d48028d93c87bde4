import { clusterOf, holdsOf, storageHoldsOf } from '../../shared/hypervisor/demand.ts';
import { PortTimeout } from '../../shared/hypervisor/port.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { asTenant } from '../../shared/store/context.ts';
import { HostFull, shiftDatastores, shiftHosts } from '../../shared/store/ledger.ts';
import {
  readPlaceholders,
  SeatsMoved,
  type SeatUse,
  seatItem,
  seatShift,
  useSeats,
} from '../../shared/store/placeholders.ts';
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
  ...(vm.seatOf === undefined ? [] : [seatItem({ groupId: vm.seatOf })]),
  ...vm.nics.map((n) => n.id),
  ...holdsOf(vm).map((h) => h.hostId),
  ...storageHoldsOf(vm).map((h) => h.datastoreId),
];

/** Seats that were lent to copies, each as it stands again without its copy. */
async function lentTo(copies: readonly Vm[], { store }: StepDeps): Promise<SeatUse[]> {
  const groups = new Set(copies.flatMap((vm) => vm.seatOf ?? []));
  if (groups.size === 0) return [];
  const ids = new Set(copies.map((vm) => vm.id));
  const kept = await readPlaceholders(store, (copies[0] as Vm).tenantId, [...groups]);
  return kept.flatMap(({ tenantId, groupId, seats }) =>
    Object.entries(seats).flatMap(([vmId, was]): SeatUse[] => {
      const { lentTo: copy, ...is } = was;
      return copy !== undefined && ids.has(copy) ? [{ tenantId, groupId, vmId, was, is }] : [];
    }),
  );
}

/**
 * Their seats are kept again in the same transaction, so that nobody comes between. Where the host has no room for that, as a
 * copy had gone to another one, the seat is given up: the watch looks for another.
 */
async function forget(siteId: string, wave: readonly Vm[], deps: StepDeps): Promise<void> {
  const back = await lentTo(wave, deps);
  try {
    await deps.store.commit(forgets(siteId, wave, back));
  } catch (error) {
    if (!(error instanceof HostFull && back.length > 0)) {
      if (error instanceof SeatsMoved) throw new TryAgain(error.message);
      throw error;
    }
    const up = back.map(({ is: _, ...use }): SeatUse => use);
    await deps.store.commit(forgets(siteId, wave, up));
  }
}

/** No quota was charged for them, so none is given back. */
function forgets(siteId: string, wave: readonly Vm[], seats: readonly SeatUse[]): Transaction {
  const tx = new Transaction();
  const clusters = new Map(wave.flatMap((vm) => holdsOf(vm).map((h) => [h.hostId, clusterOf(vm)(h.hostId)] as const)));
  for (const { was } of seats) clusters.set(was.hostId, was.clusterId);
  for (const vm of wave) {
    tx.delete(vmKey(vm), unchanged(vm));
    for (const nic of vm.nics) tx.delete(addressKey(vm.tenantId, nic));
  }
  useSeats(tx, seats);
  shiftHosts(tx, (id) => clusters.get(id) as string, wave.flatMap(holdsOf), [], new Map(), seatShift(seats));
  shiftDatastores(tx, siteId, wave.flatMap(storageHoldsOf), []);
  return tx;
}
