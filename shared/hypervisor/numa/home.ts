import { Refused } from '../refusal.ts';
import type { Interconnect } from './distance.ts';
import { freeOf, type NodeUse } from './free.ts';
import { localShareOf } from './locality.ts';
import { spread } from './spread.ts';
import type { NumaNode, Size } from './topology.ts';

/** A VM without vnodes, whose host chooses its nodes. vCPUs and MiB are whole and above zero. */
export interface FloatingVm extends Size {
  id: string;
}

/** Where a floating VM is at home. */
export interface Home {
  id: string;
  /** vCPUs on each node, in the order of the nodes. */
  vcpusOn: number[];
  /** MiB on each node, in the order of the nodes. */
  memoryOn: number[];
  /** Share of memory accesses that stay inside a node, 0 to 1; local and remote make 1. */
  localShare: number;
  remoteShare: number;
  /** On several nodes, because no single one had room. */
  spilled: boolean;
  why: string;
}

/**
 * Host NUMA (NUMA-1): the home of each floating VM, in their order. Vnodes, in `pinned`, hold what they have (NUMA-4).
 * Then the largest VM comes first, by its share of the host, ties by id; each goes to the node where it leaves the least
 * room. VMs that fit no node are spread at the end, so that they break up no room that another VM fits in.
 * @throws `Refused` NUMA-4 when pinned vnodes exceed a node or floating VMs exceed what is left of the host; NUMA-1 for
 * an id given twice or a size that is not whole and above zero.
 */
export function homeNodes(
  nodes: readonly NumaNode[],
  pinned: readonly NodeUse[],
  floating: readonly FloatingVm[],
  interconnect: Interconnect = 'full',
): Home[] {
  const free = freeOf(nodes, pinned);
  const total = sum(nodes);
  requireVms(floating);
  requireRoom(sum(free), sum(floating));
  const homes = new Map<string, Home>();
  const wide: FloatingVm[] = [];
  for (const vm of largestFirst(floating, total)) {
    const at = bestFit(free, vm, total);
    if (at < 0) wide.push(vm);
    else homes.set(vm.id, settle(free, vm, at));
  }
  for (const vm of wide) homes.set(vm.id, spill(nodes, free, vm, interconnect));
  return floating.map((vm) => homes.get(vm.id) as Home);
}

const sum = (sizes: readonly Size[]): Size => {
  const all = { vcpus: 0, memoryMiB: 0 };
  for (const { vcpus, memoryMiB } of sizes) {
    all.vcpus += vcpus;
    all.memoryMiB += memoryMiB;
  }
  return all;
};

function largestFirst(vms: readonly FloatingVm[], total: Size): FloatingVm[] {
  const shares = (vm: FloatingVm) => [vm.vcpus / total.vcpus, vm.memoryMiB / total.memoryMiB] as const;
  const sized = vms.map((vm) => {
    const [cpu, memory] = shares(vm);
    return { vm, larger: Math.max(cpu, memory), smaller: Math.min(cpu, memory) };
  });
  sized.sort((a, b) => b.larger - a.larger || b.smaller - a.smaller || (a.vm.id < b.vm.id ? -1 : 1));
  return sized.map(({ vm }) => vm);
}

/** Index of the node that fits with the least room left, by shares of the host; the first of equals; -1 for none. */
function bestFit(free: readonly NumaNode[], vm: FloatingVm, total: Size): number {
  let [best, leastLeft] = [-1, Number.POSITIVE_INFINITY];
  for (const [index, node] of free.entries()) {
    if (node.vcpus < vm.vcpus || node.memoryMiB < vm.memoryMiB) continue;
    const left = (node.vcpus - vm.vcpus) / total.vcpus + (node.memoryMiB - vm.memoryMiB) / total.memoryMiB;
    if (left < leastLeft) [best, leastLeft] = [index, left];
  }
  return best;
}

function settle(free: NumaNode[], vm: FloatingVm, at: number): Home {
  const node = free[at] as NumaNode;
  node.vcpus -= vm.vcpus;
  node.memoryMiB -= vm.memoryMiB;
  const on = (amount: number) => free.map((_, index) => (index === at ? amount : 0));
  const why = `node ${node.id} has room for all of it`;
  return {
    id: vm.id,
    vcpusOn: on(vm.vcpus),
    memoryOn: on(vm.memoryMiB),
    localShare: 1,
    remoteShare: 0,
    spilled: false,
    why,
  };
}

function spill(nodes: readonly NumaNode[], free: NumaNode[], vm: FloatingVm, interconnect: Interconnect): Home {
  const tooWide = nodes.every((node) => node.vcpus < vm.vcpus || node.memoryMiB < vm.memoryMiB);
  const rooms = free.map((node) => `node ${node.id}: ${node.vcpus} vCPUs, ${node.memoryMiB} MiB`).join('; ');
  const { vcpusOn, memoryOn } = spread(free, vm, interconnect);
  const localShare = localShareOf(vcpusOn, memoryOn);
  const why = `${vm.vcpus} vCPUs and ${vm.memoryMiB} MiB ${tooWide ? 'are more than any node has' : 'are free on no single node'} (free: ${rooms})`;
  return { id: vm.id, vcpusOn, memoryOn, localShare, remoteShare: 1 - localShare, spilled: true, why };
}

function requireVms(vms: readonly FloatingVm[]): void {
  const ids = new Set<string>();
  for (const { id, vcpus, memoryMiB } of vms) {
    const whole = Number.isInteger(vcpus) && Number.isInteger(memoryMiB) && vcpus > 0 && memoryMiB > 0;
    if (!whole || ids.has(id))
      throw new Refused({
        rule: 'NUMA-1',
        reason: whole ? `VM ${id} is given twice` : `VM ${id} has ${vcpus} vCPUs and ${memoryMiB} MiB`,
        fix: 'give each VM once, with whole vCPUs and MiB above zero',
        figures: { id, vcpus, memoryMiB },
      });
    ids.add(id);
  }
}

function requireRoom(free: Size, wanted: Size): void {
  if (wanted.vcpus <= free.vcpus && wanted.memoryMiB <= free.memoryMiB) return;
  throw new Refused({
    rule: 'NUMA-4',
    reason: `VMs want ${wanted.vcpus} vCPUs and ${wanted.memoryMiB} MiB, the nodes have ${free.vcpus} and ${free.memoryMiB} free`,
    fix: 'place no more VMs on a host than it has room for',
    figures: { vcpus: wanted.vcpus, memoryMiB: wanted.memoryMiB, freeVcpus: free.vcpus, freeMiB: free.memoryMiB },
  });
}
