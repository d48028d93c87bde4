import { type Amounts, nodeMiB, nodeVcpus, nothing, plus } from '../model/amounts.ts';
import type { Seat, StorageMoves, Vm } from '../model/vm.ts';
import { hugePagesOf } from './memory/pages.ts';
import { splitVm, type Vnode } from './numa/vnodes.ts';
import { DATASTORE_MIGRATION_COST, HOST_MIGRATION_COST } from './parameters.ts';

export type Demanding = Pick<Vm, 'cpu' | 'memory' | 'numa' | 'home'> & {
  disks: readonly { io: string }[];
  nics: readonly { io: string }[];
};

/**
 * What a VM takes from a host's ledger. A VM on huge pages takes them from the pool that was set aside, and no ordinary
 * memory (MEM-12); what its virtual NUMA nodes take is known once they have a home.
 * @throws Refused MEM-11 for a size that is no whole number of its pages, NUMA-3 for nodes that do not divide it
 */
export function demandOf(vm: Demanding): Amounts {
  const { sizeMiB, pageSize, reservationMiB } = vm.memory;
  const huge = pageSize === '2m' || pageSize === '1g' ? pageSize : undefined;
  const demand: Amounts = {
    vcpus: vm.cpu.vcpus,
    mhz: vm.cpu.reservationMhz ?? 0,
    memoryMiB: huge ? 0 : sizeMiB,
    vms: 1,
  };
  if (reservationMiB && !huge) demand.reservedMiB = reservationMiB;
  if (huge) demand[`pages${huge}`] = hugePagesOf(sizeMiB, huge).count;
  const nics = vm.nics.filter((n) => n.io === 'passthrough').length;
  const disks = vm.disks.filter((d) => d.io === 'passthrough').length;
  if (nics > 0) demand.nicFunctions = nics;
  if (disks > 0) demand.diskFunctions = disks;
  const vnodes = vm.home ? vnodesOf(vm) : [];
  for (const [i, node] of (vm.home ?? []).entries()) {
    const vnode = vnodes[i] as Vnode;
    demand[nodeVcpus(node)] = (demand[nodeVcpus(node)] ?? 0) + vnode.vcpus;
    demand[nodeMiB(node)] = (demand[nodeMiB(node)] ?? 0) + vnode.memoryMiB;
  }
  return demand;
}

/** The virtual NUMA nodes of a VM; none when its guest is shown none. @throws Refused NUMA-3 */
export const vnodesOf = (vm: Pick<Demanding, 'cpu' | 'memory' | 'numa'>): Vnode[] =>
  vm.numa ? splitVm({ vcpus: vm.cpu.vcpus, memoryMiB: vm.memory.sizeMiB, nodes: vm.numa.nodes }) : [];

/** Attributes of a VM that go with its seat. */
export const SEAT = ['home', 'generation'] as const;

/** The VM as it is in that seat. */
export function seated<V extends Pick<Vm, 'home' | 'generation'>>(vm: V, seat: Seat): Omit<V, keyof Seat> & Seat {
  const { home: _, generation: __, ...rest } = vm;
  return { ...rest, ...seat } as Omit<V, keyof Seat> & Seat;
}

export interface Hold {
  hostId: string;
  amounts: Amounts;
}

/** All that a VM holds in the ledgers of hosts: its seat, that of a move under way (MIG-6, MIG-9), and turns (MIG-7). */
export function holdsOf(vm: Demanding & Pick<Vm, 'hostId' | 'migration' | 'conversion' | 'storageMoves'>): Hold[] {
  const slot: Amounts = { ...nothing(), ...(vm.migration?.begun ? { migrations: HOST_MIGRATION_COST.live } : {}) };
  const holds: Hold[] = [];
  if (vm.hostId) holds.push({ hostId: vm.hostId, amounts: plus(demandOf(vm), slot) });
  if (vm.migration) {
    const { seat } = vm.migration;
    holds.push({ hostId: seat.hostId, amounts: plus(demandOf(seated(vm, seat)), slot) });
  }
  const other = vm.conversion?.seat;
  if (other) holds.push({ hostId: other.hostId, amounts: demandOf(seated(vm, other)) });
  // The turn belongs to the host that copies, even when a recovery has taken the VM to another one since.
  const copier = vm.storageMoves?.begun?.hostId;
  if (!copier) return holds;
  const turn: Amounts = { ...nothing(), migrations: HOST_MIGRATION_COST.storage };
  const seat = holds.find((hold) => hold.hostId === copier);
  if (seat) seat.amounts = plus(seat.amounts, turn);
  else holds.push({ hostId: copier, amounts: turn });
  return holds;
}

export interface StorageHold {
  datastoreId: string;
  gib: number;
  /** Cost units of its budget (MIG-7). */
  migrations: number;
}

/** All that a VM holds in the ledgers of datastores: its disks, their room where they are moved to, and turns. */
export function storageHoldsOf(vm: {
  disks: readonly { name: string; datastoreId: string; sizeGiB: number }[];
  storageMoves?: Pick<StorageMoves, 'disks' | 'begun'>;
}): StorageHold[] {
  const holds = vm.disks.map((d): StorageHold => ({ datastoreId: d.datastoreId, gib: d.sizeGiB, migrations: 0 }));
  const moves = (vm.storageMoves?.disks ?? []).map(({ name, datastoreId }) => ({
    datastoreId,
    disk: vm.disks.find((d) => d.name === name),
  }));
  for (const { datastoreId, disk } of moves) holds.push({ datastoreId, gib: disk?.sizeGiB ?? 0, migrations: 0 });
  if (!vm.storageMoves?.begun) return holds;
  const ends = new Set(moves.flatMap(({ datastoreId, disk }) => [datastoreId, disk?.datastoreId ?? datastoreId]));
  for (const datastoreId of ends) holds.push({ datastoreId, gib: 0, migrations: DATASTORE_MIGRATION_COST.storage });
  return holds;
}

/** The cluster of a host that the VM holds something of. */
export const clusterOf =
  (vm: Pick<Vm, 'clusterId' | 'conversion'>) =>
  (hostId: string): string =>
    vm.conversion?.seat?.hostId === hostId ? vm.conversion.clusterId : vm.clusterId;
