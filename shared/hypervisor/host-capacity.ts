import { type Amounts, nodeMiB, nodeVcpus } from '../model/amounts.ts';
import type { Cluster, HostHardware } from '../model/inventory.ts';
import { virtualisationDomain } from './cpu/capacity.ts';
import { pageMiB } from './memory/pages.ts';
import { nodesOf } from './numa/topology.ts';
import { HOST_MIGRATION_BUDGET, VMS_PER_HOST } from './parameters.ts';

/** Memory that a host sets aside for VMs on huge pages, MiB (MEM-12). */
export const hugePoolMiB = ({ hugePages = {} }: Pick<HostHardware, 'hugePages'>): number =>
  (hugePages['2m'] ?? 0) * pageMiB('2m') + (hugePages['1g'] ?? 0) * pageMiB('1g');

/** All that a host has for VMs, as its ledger counts it. Nodes are counted where guests may see them (NUMA-4). */
export function hostCapacity(hardware: HostHardware, guestNuma: boolean): Amounts {
  const domain = virtualisationDomain(hardware);
  const memoryMiB = Math.max(0, domain.memoryMiB - hugePoolMiB(hardware));
  const capacity: Amounts = {
    ...domain,
    memoryMiB,
    reservedMiB: memoryMiB,
    vms: VMS_PER_HOST,
    migrations: HOST_MIGRATION_BUDGET,
  };
  const { hugePages = {}, devices = [] } = hardware;
  if (hugePages['2m']) capacity.pages2m = hugePages['2m'];
  if (hugePages['1g']) capacity.pages1g = hugePages['1g'];
  for (const { kind, functions } of devices)
    capacity[`${kind}Functions`] = (capacity[`${kind}Functions`] ?? 0) + functions;
  return guestNuma ? { ...capacity, ...nodeAmounts(hardware) } : capacity;
}

/** The part of the ledger that counts NUMA nodes. */
export function nodeAmounts(hardware: HostHardware): Partial<Amounts> {
  const amounts: Partial<Amounts> = {};
  for (const node of nodesOf(hardware)) {
    amounts[nodeVcpus(node.id)] = node.vcpus;
    amounts[nodeMiB(node.id)] = node.memoryMiB;
  }
  return amounts;
}

/** vCPUs that may be promised on top of what a host has for VMs. */
export const overcommitVcpus = (vcpus: number, ratioPercent: number): number =>
  Math.floor((vcpus * (ratioPercent - 100)) / 100);

/** All that may be promised on top. */
export const promisedExtra = (
  capacity: Amounts,
  { overcommit, vcpuRatioPercent }: Pick<Cluster, 'overcommit' | 'vcpuRatioPercent'>,
) => ({
  overcommitMiB: overcommitMiB(capacity.memoryMiB, overcommit),
  overcommitVcpus: overcommitVcpus(capacity.vcpus, vcpuRatioPercent),
});

/** Memory that may be promised on top of what a host has (OVC-5), MiB. */
export const overcommitMiB = (memoryMiB: number, overcommit: { enabled: boolean; ratioPercent: number }): number =>
  overcommit.enabled ? Math.floor((memoryMiB * (overcommit.ratioPercent - 100)) / 100) : 0;
