import type { HostHardware } from '../../model/inventory.ts';
import { vnodesOf } from '../demand.ts';
import type { NodeUse } from '../numa/free.ts';
import { homeNodes } from '../numa/home.ts';
import { type NumaNode, nodesOf } from '../numa/topology.ts';
import type { Vnode } from '../numa/vnodes.ts';
import type { HostObservation, RunningVm, VmObservation } from './observation.ts';

/** A VM with the memory of the host that it has, MiB. */
export interface Housed {
  vm: RunningVm;
  hasMiB: number;
}

/**
 * Where VMs are on the nodes of their host, in their order, and what that leaves of each node. VMs with virtual NUMA
 * nodes are where they were placed (NUMA-2), the others where host NUMA puts them (NUMA-1), with the memory that they
 * have. vCPUs that are promised more than once share the CPUs of a node, so it then takes as many times more.
 * @throws Refused NUMA-1, NUMA-4 for VMs that the host cannot have taken
 */
export function houseVms(
  hardware: HostHardware,
  housed: readonly Housed[],
): { nodes: HostObservation['numa']; vms: VmObservation['numa'][] } {
  const nodes = nodesOf(hardware);
  const vnodes = housed.map(({ vm, hasMiB }) => pinnedOf(vm, hasMiB));
  const floating = housed
    .filter((_, i) => vnodes[i] === undefined)
    .map(({ vm, hasMiB }) => ({ id: vm.id, vcpus: vm.machine.cpu.vcpus, memoryMiB: Math.max(1, Math.floor(hasMiB)) }));
  const pinned = vnodes.flatMap((uses) => uses ?? []);
  const homes = new Map(homeNodes(roomy(nodes, housed), pinned, floating).map((home) => [home.id, home]));
  const vms = housed.map(({ vm }, i): VmObservation['numa'] => {
    const home = homes.get(vm.id);
    const uses = vnodes[i];
    if (!home) return ofVnodes(uses ?? []);
    const { vcpusOn, memoryOn, localShare, remoteShare, spilled } = home;
    // What is free on the nodes is nothing for a tenant to know.
    const why = spilled ? 'no single node of the host has room for all of it' : home.why;
    const on = nodes.map(({ id }, at) => ({ node: id, vcpus: vcpusOn[at] ?? 0, memoryMiB: memoryOn[at] ?? 0 }));
    return { nodes: on.filter((n) => n.vcpus + n.memoryMiB > 0), localShare, remoteShare, spilled, why };
  });
  return { nodes: usedOf(nodes, vms), vms };
}

/** The vnodes of a VM on their nodes. Memory that was reclaimed is missing from all of them alike (declared). */
function pinnedOf({ machine }: RunningVm, hasMiB: number): NodeUse[] | undefined {
  const { home, numa, memory } = machine;
  if (!home || !numa) return undefined;
  const vnodes = vnodesOf(machine);
  return home.map((node, i) => {
    const { vcpus, memoryMiB } = vnodes[i] as Vnode;
    return { node, vcpus, memoryMiB: Math.floor((memoryMiB * hasMiB) / memory.sizeMiB) };
  });
}

/** The guest sees its nodes, and keeps the work of a vnode inside of it. */
const ofVnodes = (uses: readonly NodeUse[]): VmObservation['numa'] => ({
  nodes: uses.map(({ node, vcpus, memoryMiB }) => ({ node, vcpus, memoryMiB })),
  localShare: 1,
  remoteShare: 0,
  spilled: false,
  why: 'its guest sees NUMA nodes of its own, each whole on one node of the host',
});

/** Nodes that take all vCPUs that were promised, and a whole MiB of each VM that has less. */
function roomy(nodes: readonly NumaNode[], housed: readonly Housed[]): NumaNode[] {
  const promised = housed.reduce((sum, { vm }) => sum + vm.machine.cpu.vcpus, 0);
  const vcpus = nodes.reduce((sum, node) => sum + node.vcpus, 0);
  const times = Math.max(1, vcpus > 0 ? promised / vcpus : 1);
  const slackMiB = housed.filter(({ hasMiB }) => hasMiB < 1).length;
  return nodes.map((n) => ({ id: n.id, vcpus: Math.ceil(n.vcpus * times), memoryMiB: n.memoryMiB + slackMiB }));
}

function usedOf(nodes: readonly NumaNode[], vms: readonly VmObservation['numa'][]): HostObservation['numa'] {
  const used = new Map(
    nodes.map((n) => [n.id, { node: n.id, vcpus: n.vcpus, usedVcpus: 0, memoryMiB: n.memoryMiB, usedMiB: 0 }]),
  );
  for (const { node, vcpus, memoryMiB } of vms.flatMap((vm) => vm.nodes)) {
    const at = used.get(node);
    if (!at) continue;
    at.usedVcpus += vcpus;
    at.usedMiB += memoryMiB;
  }
  return [...used.values()];
}
