import { Refused } from '../refusal.ts';
import type { NumaNode, Size } from './topology.ts';

/** What a vnode, or a VM's part, takes of one node. */
export interface NodeUse extends Size {
  /** The node's id. */
  node: number;
}

/**
 * What is free on each node: always capacity less all that is placed, so that it returns when a VM stops (NUMA-4).
 * @throws `Refused` NUMA-4 when a node holds more than it has or less than nothing, or is not among `nodes`.
 */
export function freeOf(nodes: readonly NumaNode[], placed: readonly NodeUse[]): NumaNode[] {
  const free = nodes.map(({ id, vcpus, memoryMiB }) => ({ id, vcpus, memoryMiB }));
  const byId = new Map(free.map((node) => [node.id, node]));
  for (const { node, vcpus, memoryMiB } of placed) {
    const room = byId.get(node);
    const within = (used: number, has: number) => used >= 0 && used <= has;
    if (!room || !within(vcpus, room.vcpus) || !within(memoryMiB, room.memoryMiB))
      throw new Refused({
        rule: 'NUMA-4',
        reason: room
          ? `node ${node} has ${room.vcpus} vCPUs and ${room.memoryMiB} MiB left, ${vcpus} and ${memoryMiB} are placed on it`
          : `there is no node ${node}`,
        fix: 'place no more on a node than it has',
        figures: { node, vcpus, memoryMiB },
      });
    room.vcpus -= vcpus;
    room.memoryMiB -= memoryMiB;
  }
  return free;
}
