import { type Interconnect, nodeDistance } from './distance.ts';
import type { NumaNode, Size } from './topology.ts';

/**
 * Spreads a VM that fits no single node, and takes it out of `free`: first on the node with the most room for it, then
 * on those closest to that one (NUMA-3). vCPUs come with their part of the memory as far as both fit, since only they
 * find it in their own node. The VM must fit on all nodes together.
 */
export function spread(
  free: readonly NumaNode[],
  vm: Size,
  interconnect: Interconnect,
): { vcpusOn: number[]; memoryOn: number[] } {
  const vcpusOn = free.map(() => 0);
  const memoryOn = free.map(() => 0);
  const left = { vcpus: vm.vcpus, memoryMiB: vm.memoryMiB };
  const take = (index: number, vcpus: number, memoryMiB: number) => {
    const node = free[index] as NumaNode;
    node.vcpus -= vcpus;
    node.memoryMiB -= memoryMiB;
    left.vcpus -= vcpus;
    left.memoryMiB -= memoryMiB;
    vcpusOn[index] = (vcpusOn[index] ?? 0) + vcpus;
    memoryOn[index] = (memoryOn[index] ?? 0) + memoryMiB;
  };
  const order = closeToTheRoomiest(free, vm, interconnect);
  for (const index of order) {
    const node = free[index] as NumaNode;
    const vcpus = Math.min(left.vcpus, node.vcpus, Math.floor((node.memoryMiB * vm.vcpus) / vm.memoryMiB));
    take(index, vcpus, Math.min(left.memoryMiB, Math.floor((vcpus * vm.memoryMiB) / vm.vcpus)));
  }
  for (const index of order) {
    const node = free[index] as NumaNode;
    take(index, Math.min(left.vcpus, node.vcpus), Math.min(left.memoryMiB, node.memoryMiB));
  }
  return { vcpusOn, memoryOn };
}

/** Indices of nodes: the one with room for the largest part of the VM, then by distance from it, room and id. */
function closeToTheRoomiest(free: readonly NumaNode[], vm: Size, interconnect: Interconnect): number[] {
  const room = free.map((node) => Math.min(1, node.vcpus / vm.vcpus, node.memoryMiB / vm.memoryMiB));
  const first = room.indexOf(Math.max(...room));
  const distance = free.map((_, index) => nodeDistance(first, index, free.length, interconnect));
  const by = (key: readonly number[], index: number) => key[index] as number;
  return free
    .map((_, index) => index)
    .sort((a, b) => by(distance, a) - by(distance, b) || by(room, b) - by(room, a) || a - b);
}
