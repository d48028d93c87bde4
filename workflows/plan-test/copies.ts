import { holdsOf, storageHoldsOf } from '../../shared/hypervisor/demand.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import type { ExecutionVm } from '../../shared/model/execution.ts';
import { type HeldSeat, seatsAt } from '../../shared/model/placeholder.ts';
import type { Replica } from '../../shared/model/protection.ts';
import type { Disk, Nic, Seat, Vm } from '../../shared/model/vm.ts';
import { ClusterPromise } from '../../shared/placement/promise.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { DatastoreFull, HostFull, shiftDatastores, shiftHosts } from '../../shared/store/ledger.ts';
import {
  placeholdersOf,
  SeatsMoved,
  type SeatUse,
  seatItem,
  seatShift,
  useSeats,
} from '../../shared/store/placeholders.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { type Case, enterPhase, loadCase } from '../recovery-plan/case.ts';
import { moveAddresses } from '../recovery-plan/nics.ts';
import { entriesOf, readParts, withEntries, writeParts } from '../recovery-plan/parts.ts';
import { inOrder, noHost, pictureOf, siteWithout } from '../recovery-plan/place.ts';
import { copiesOf, removeCopies } from '../recovery-plan/test-copies.ts';
import { vmKey } from '../vm/records.ts';
import { inWaves } from '../vm/waves.ts';

/**
 * Gives every VM of the plan a copy at the recovery site (DR-8): a VM of its own, in a network that nobody else is in, with
 * the same addresses. It holds room on a host and on the datastore, and no quota. Ids are written down first, so that a
 * repetition makes none twice; what an earlier test has left is removed before.
 */
export async function createCopies(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'create test VMs', deps);
  await removeCopies(
    (await copiesOf(found.plan, deps)).filter((vm) => vm.testOf?.executionId !== found.execution.id),
    deps,
  );
  const parts = await readParts(found.execution, deps.store);
  const tag = tagOfTenant(found.plan.tenantId);
  const named = entriesOf(parts)
    .filter((entry) => entry.testVmId === undefined && entry.outcome === 'waiting')
    .map((entry) => ({ ...entry, testVmId: deps.ids.make('vm', tag) }));
  const known = await writeParts(parts, withEntries(parts, named), deps.store);
  const open = entriesOf(known).filter((entry) => entry.outcome === 'waiting');
  const said = await place(found, open, deps);
  await mustSpare(await copiesOf(found.plan, deps), deps);
  await writeParts(known, withEntries(known, said), deps.store);
  return { at: 0 };
}

/**
 * Asks once more, on what the tables say now, whether the clusters keep what they keep for failures (HA-13): others may have
 * been placed at the same time. Copies on seats that were kept for their VMs take nothing more. When it is not kept the copies
 * go at once: nothing has been started.
 * @throws GiveUp
 */
async function mustSpare(copies: readonly Vm[], deps: StepDeps): Promise<void> {
  const inventory = new Inventory(deps.store, SYSTEM);
  const taking = copies.filter((vm) => vm.hostId !== null && vm.seatOf === undefined);
  for (const clusterId of new Set(taking.map((vm) => vm.clusterId))) {
    const cluster = await inventory.cluster(clusterId);
    const { kind } = cluster.ha.admission;
    if (kind !== 'slots' && kind !== 'percentage') continue;
    const hosts = await inventory.hostsOf(clusterId, { consistent: true });
    const [broken] = new ClusterPromise(cluster, hosts).now().broken;
    if (!broken) continue;
    await removeCopies(copies, deps);
    throw new GiveUp('failover-capacity', `a test must not use what is kept for failures: ${broken.reason} (HA-13)`);
  }
}

async function place(found: Case, open: readonly ExecutionVm[], deps: StepDeps): Promise<ExecutionVm[]> {
  const { plan, route, execution } = found;
  const data = new TenantData(deps.store, SYSTEM);
  const [vms, made] = await Promise.all([
    data.vmsById(open.map((entry) => entry.id)),
    data.vmsById(open.map((entry) => entry.testVmId as string)),
  ]);
  const there = new Map(made.map((vm) => [vm.id, vm]));
  const entries = new Map(open.map((entry) => [entry.id, entry]));
  const seats = seatsAt(await placeholdersOf(deps.store, plan), route.toSiteId);
  // A test is no disaster: what is kept for failures stays kept (HA-13).
  const terms = { seats, spares: true };
  const site = siteWithout(route.toSiteId, await pictureOf(route.toSiteId, deps.store), [], terms);
  const copies: Copy[] = [];
  const said = new Map<string, ExecutionVm>();
  for (const vm of inOrder(plan, vms)) {
    const entry = entries.get(vm.id) as ExecutionVm;
    const before = there.get(entry.testVmId as string);
    const replica = vm.protection?.replicas.find((r) => r.siteId === route.toSiteId);
    if (before) said.set(vm.id, startsAs(entry, before));
    else if (vm.desired !== 'running') said.set(vm.id, left(entry));
    else if (!replica) said.set(vm.id, failed(entry, `it has no copy at ${route.toSiteId}`));
    else {
      const chosen = site.place(vm, plan, route);
      if (!chosen.ok) {
        said.set(vm.id, failed(entry, noHost(chosen)));
        continue;
      }
      const copy = copyOf(vm, entry, replica, { ...chosen, execution, now: deps.clock.now() }, deps);
      copies.push({ vm: copy, ...(chosen.held ? { uses: lends(vm, chosen.held, copy) } : {}) });
      said.set(vm.id, startsAs(entry, copy));
    }
  }
  await write(copies, deps);
  return open.map((entry) => said.get(entry.id) ?? failed(entry, 'it was deleted'));
}

/** A copy that is about to be made, on the seat that is kept for its VM where there is one (DR-21). */
interface Copy {
  vm: Vm;
  uses?: SeatUse;
}

const lends = (of: Vm, was: HeldSeat, copy: Vm): SeatUse => ({
  tenantId: of.tenantId,
  groupId: of.protection?.groupId as string,
  vmId: of.id,
  was,
  is: { ...was, lentTo: copy.id },
});

const failed = (entry: ExecutionVm, reason: string): ExecutionVm => ({ ...without(entry), outcome: 'failed', reason });
const left = (entry: ExecutionVm): ExecutionVm => ({
  ...without(entry),
  outcome: 'left',
  reason: 'it is wanted stopped',
});
const without = ({ testVmId: _, ...entry }: ExecutionVm): ExecutionVm => entry;
const startsAs = (entry: ExecutionVm, copy: Vm): ExecutionVm => ({
  ...entry,
  outcome: 'starting',
  ...(copy.hostId ? { hostId: copy.hostId } : {}),
  epoch: copy.epoch,
});

interface Place {
  clusterId: string;
  seat: Seat;
  held?: HeldSeat;
  execution: Case['execution'];
  now: number;
}

function copyOf(vm: Vm, entry: ExecutionVm, replica: Replica, at: Place, { ids }: StepDeps): Vm {
  const { execution, seat, clusterId, now, held } = at;
  const { id: executionId, planId, operationId } = execution;
  const tag = tagOfTenant(vm.tenantId);
  const { dependsOn: _, ...ha } = vm.ha;
  return {
    id: entry.testVmId as string,
    tenantId: vm.tenantId,
    vdcId: vm.vdcId,
    vpcId: vm.vpcId,
    // No name that a person can give: whoever asks for the VM by its name still finds it alone.
    name: `${vm.name} (test)`,
    state: 'starting',
    desired: 'running',
    cpu: vm.cpu,
    memory: vm.memory,
    guest: vm.guest,
    disks: replica.volumes.map((volume): Disk => {
      const disk = vm.disks.find((d) => d.name === volume.name) as Disk;
      return { ...disk, id: ids.make('volume', tag), sizeGiB: volume.sizeGiB, datastoreId: volume.datastoreId };
    }),
    nics: vm.nics.map(
      ({ home: _, ...nic }): Nic => ({
        ...nic,
        id: ids.make('nic', tag),
        spaceId: `test:${executionId}:${nic.networkId}`,
      }),
    ),
    ha: { ...ha, enabled: false },
    ...(vm.numa ? { numa: vm.numa } : {}),
    siteId: execution.toSiteId,
    clusterId,
    ...seat,
    testOf: { vmId: vm.id, planId, executionId },
    ...(held ? { seatOf: vm.protection?.groupId as string } : {}),
    runsOn: seat.hostId,
    epoch: 1,
    version: 1,
    createdAt: now,
    claim: operationId,
    operationId,
  };
}

/** Records, addresses and room of the copies: as many in one transaction as fit. */
async function write(copies: readonly Copy[], { store }: StepDeps): Promise<void> {
  const items = ({ vm, uses }: Copy) => [
    vm.id,
    ...(uses ? [seatItem(uses)] : []),
    ...vm.nics.map((n) => n.id),
    ...holdsOf(vm).map((h) => h.hostId),
    ...vm.disks.map((d) => d.datastoreId),
  ];
  for (const some of inWaves(copies, items)) {
    const tx = new Transaction();
    const wave = some.map(({ vm }) => vm);
    const uses = some.flatMap((copy) => copy.uses ?? []);
    const clusters = new Map(wave.map((vm) => [vm.hostId as string, vm.clusterId]));
    for (const vm of wave) {
      tx.put(vmKey(vm), vm, { ifAbsent: () => new TryAgain(`${vm.id} was made meanwhile`) });
      moveAddresses(tx, vm, [], vm.nics);
    }
    useSeats(tx, uses);
    const runOn = new Map(wave.map((vm) => [vm.hostId as string, {}]));
    shiftHosts(tx, (id) => clusters.get(id) as string, [], wave.flatMap(holdsOf), runOn, seatShift(uses));
    shiftDatastores(tx, (wave[0] as Vm).siteId, [], wave.flatMap(storageHoldsOf));
    try {
      await store.commit(tx);
    } catch (error) {
      if (error instanceof HostFull || error instanceof SeatsMoved) throw new TryAgain(error.message);
      if (error instanceof DatastoreFull)
        throw new GiveUp('no-capacity', `datastore ${error.datastore?.id} has no room for the copies of a test`);
      throw error;
    }
  }
}
