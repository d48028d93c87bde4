import { type Amounts, nodeMiB, nodeVcpus } from '../model/amounts.ts';
import type { Vm } from '../model/vm.ts';
import { hugePagesOf } from './memory/pages.ts';
import { splitVm, type Vnode } from './numa/vnodes.ts';

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
  const demand: Amounts = { vcpus: vm.cpu.vcpus, mhz: vm.cpu.reservationMhz ?? 0, memoryMiB: huge ? 0 : sizeMiB };
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
