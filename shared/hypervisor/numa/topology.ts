import type { HostHardware } from '../../model/inventory.ts';
import { hostVcpus, virtualisationDomain } from '../cpu/capacity.ts';
import { Refused } from '../refusal.ts';

/** An amount of CPU and memory that belongs together. */
export interface Size {
  vcpus: number;
  memoryMiB: number;
}

/** A NUMA node, with what it has for VMs or what of that is free. */
export interface NumaNode extends Size {
  id: number;
}

/** What the management domain has of a node (CPU-21). */
export interface ManagedNode extends NumaNode {
  managementVcpus: number;
  managementMiB: number;
}

export type NumaHardware = Pick<HostHardware, 'sockets' | 'coresPerSocket' | 'threadsPerCore' | 'memoryMiB'> & {
  /** One for each socket when left out. */
  numaNodes?: number;
};

/**
 * The nodes of a host, with what each has for VMs; they add up to the host's virtualisation domain (NUMA-1, CPU-21).
 * Cores are spread evenly. Memory is too; the MiB that do not divide go to the first nodes. The management domain sits
 * on node 0; what does not fit there is taken from the next node, and so on.
 * @throws `Refused` NUMA-1 when the nodes do not divide the cores.
 */
export function nodesOf(hardware: NumaHardware): ManagedNode[] {
  const { sockets, coresPerSocket, threadsPerCore, memoryMiB, numaNodes = sockets } = hardware;
  const cores = sockets * coresPerSocket;
  if (!Number.isInteger(numaNodes) || numaNodes < 1 || cores % numaNodes !== 0)
    throw new Refused({
      rule: 'NUMA-1',
      reason: `${cores} cores cannot be spread evenly over ${numaNodes} nodes`,
      fix: 'give a number of nodes that divides the cores',
      figures: { cores, numaNodes },
    });
  // The clock of the cores has no part in this.
  const cpu = { sockets, coresPerSocket, threadsPerCore, memoryMiB, mhz: 0 };
  const domain = virtualisationDomain(cpu);
  let vcpusToTake = hostVcpus(cpu) - domain.vcpus;
  let mibToTake = memoryMiB - domain.memoryMiB;
  return evenly(memoryMiB, numaNodes).map((nodeMiB, id) => {
    const nodeVcpus = (cores / numaNodes) * threadsPerCore;
    const managementVcpus = Math.min(nodeVcpus, vcpusToTake);
    const managementMiB = Math.min(nodeMiB, mibToTake);
    vcpusToTake -= managementVcpus;
    mibToTake -= managementMiB;
    return {
      id,
      vcpus: nodeVcpus - managementVcpus,
      memoryMiB: nodeMiB - managementMiB,
      managementVcpus,
      managementMiB,
    };
  });
}

/** `total` in whole parts that differ by one at most, the larger ones first. */
export function evenly(total: number, parts: number): number[] {
  const [each, rest] = [Math.floor(total / parts), total % parts];
  return Array.from({ length: parts }, (_, i) => each + (i < rest ? 1 : 0));
}
