import { placeVnodes } from '../hypervisor/numa/place.ts';
import { nodesOf } from '../hypervisor/numa/topology.ts';
import type { Refusal } from '../hypervisor/refusal.ts';
import { nodeMiB, nodeVcpus } from '../model/amounts.ts';
import type { Host } from '../model/inventory.ts';

/** The node of the host for each virtual NUMA node, by what the ledger says is free; or why there is none (NUMA-4). */
export function homeOn(host: Host, vnodes: readonly { vcpus: number; memoryMiB: number }[]): number[] | Refusal {
  const free = nodesOf(host).map(({ id }) => ({
    id,
    vcpus: host.free[nodeVcpus(id)] ?? 0,
    memoryMiB: host.free[nodeMiB(id)] ?? 0,
  }));
  const placed = placeVnodes(free, vnodes);
  return placed.ok ? placed.nodes : placed.refusal;
}
