import * as z from 'zod';
import { topologyRefusals } from '../cpu/admission.ts';
import type { Interconnect } from '../numa/distance.ts';
import { freeOf, type NodeUse } from '../numa/free.ts';
import { type Home, homeNodes } from '../numa/home.ts';
import { accessSlowdown } from '../numa/locality.ts';
import { placeVnodes } from '../numa/place.ts';
import { type NumaNode, nodesOf, type Size } from '../numa/topology.ts';
import { splitVm } from '../numa/vnodes.ts';
import { figure, list } from '../performance/words.ts';
import { Refused } from '../refusal.ts';
import { LAB_CORES, LAB_MEMORY_MIB, LAB_NODES, LAB_SOCKETS, LAB_VCPUS, LAB_VMS } from './limits.ts';
import { vmId, vmsOf } from './spec.ts';
import { refuseFirst, within } from './within.ts';
import { count } from './words.ts';

const vm = z.strictObject({
  id: vmId,
  vcpus: z.int().min(1).max(LAB_VCPUS),
  coresPerSocket: z.int().min(1).max(LAB_VCPUS).optional(),
  memoryMiB: z.int().min(1).max(LAB_MEMORY_MIB),
  vnodes: z.int().min(1).max(LAB_NODES).optional().describe('NUMA nodes that its guest sees; without a figure none'),
});

/** Which NUMA nodes VMs are at home on (NUMA-1 to NUMA-4). */
export const numaSpec = z.strictObject({
  experiment: z.literal('numa'),
  host: z.strictObject({
    sockets: z.int().min(1).max(LAB_SOCKETS),
    coresPerSocket: z.int().min(1).max(LAB_CORES),
    threadsPerCore: z.int().min(1).max(2).default(2),
    memoryMiB: z.int().min(1).max(LAB_MEMORY_MIB),
    numaNodes: z.int().min(1).max(LAB_NODES).optional().describe('without a figure one for each socket'),
  }),
  interconnect: z.enum(['full', 'ring']).default('full'),
  vms: vmsOf(vm, LAB_VMS),
});
type Question = z.infer<typeof numaSpec>;
type Part = NodeUse & { vnode: number };
type Placed = Home & { vnodes?: Part[] };

/**
 * Places the vnodes of VMs first, in their order, then all other VMs.
 * @throws RefusedAt NUMA-1 for cores that do not divide, ELA-1 and NUMA-3 for a VM of an impossible shape, NUMA-4 when
 * the nodes have no room
 */
export function numaLab({ experiment, host, interconnect, vms }: Question) {
  const { numaNodes, ...hardware } = host;
  const nodes = within('host', () => nodesOf({ ...hardware, ...(numaNodes ? { numaNodes } : {}) }));
  const placed = new Map<string, Placed>();
  const pinned: NodeUse[] = [];
  for (const [i, { id, vnodes, coresPerSocket, ...size }] of vms.entries()) {
    const shape = { ...size, ...(coresPerSocket && { coresPerSocket }), ...(vnodes && { numaNodes: vnodes }) };
    refuseFirst(`vms.${i}`, topologyRefusals(shape));
    if (vnodes === undefined) continue;
    const parts = within(`vms.${i}`, () => placeParts(nodes, pinned, { ...size, nodes: vnodes }, interconnect));
    pinned.push(...parts);
    placed.set(id, homeOf(nodes, id, parts));
  }
  const floating = vms.filter((v) => v.vnodes === undefined);
  for (const home of within('vms', () => homeNodes(nodes, pinned, floating, interconnect))) placed.set(home.id, home);
  const homes = vms.map((v) => placed.get(v.id) as Placed);
  return {
    experiment,
    summary: sayHomes(nodes, homes),
    interconnect,
    nodes: nodes.map((node, i) => ({
      ...node,
      usedVcpus: homes.reduce((sum, h) => sum + (h.vcpusOn[i] as number), 0),
      usedMiB: homes.reduce((sum, h) => sum + (h.memoryOn[i] as number), 0),
      vms: homes.filter((h) => h.vcpusOn[i] || h.memoryOn[i]).map((h) => h.id),
    })),
    vms: homes.map(({ memoryOn, ...home }) => ({
      ...home,
      memoryMiBOn: memoryOn,
      accessSlowdown: accessSlowdown(home.localShare),
    })),
  };
}

/** A physical node for each vnode, all of it on one (NUMA-2, NUMA-4). */
function placeParts(
  nodes: readonly NumaNode[],
  pinned: readonly NodeUse[],
  size: Size & { nodes: number },
  interconnect: Interconnect,
): Part[] {
  const vnodes = splitVm(size);
  const placement = placeVnodes(freeOf(nodes, pinned), vnodes, interconnect);
  if (!placement.ok) throw new Refused(placement.refusal);
  return vnodes.map((part, vnode) => ({ vnode, node: placement.nodes[vnode] as number, ...part }));
}

/** Its guest sees the nodes, so what runs in it can keep to the memory beside its vCPUs (NUMA-2): nothing is remote. */
function homeOf(nodes: readonly NumaNode[], id: string, parts: Part[]): Placed {
  const on = (of: (part: Part) => number) =>
    nodes.map((node) => parts.filter((p) => p.node === node.id).reduce((sum, p) => sum + of(p), 0));
  return {
    id,
    vcpusOn: on((p) => p.vcpus),
    memoryOn: on((p) => p.memoryMiB),
    localShare: 1,
    remoteShare: 0,
    spilled: false,
    why: `each vnode lies whole on one node: ${list(parts.map((p) => `vnode ${p.vnode} on node ${p.node}`))}`,
    vnodes: parts,
  };
}

function sayHomes(nodes: readonly NumaNode[], homes: readonly Placed[]): string[] {
  const spilled = homes.filter((h) => h.spilled);
  return [
    `${count(homes.length, 'VM')} on ${count(nodes.length, 'node')}; node 0 has less for VMs, since the management domain sits there.`,
    spilled.length === 0
      ? 'Every VM has its memory beside its vCPUs: all accesses stay inside a node.'
      : `${count(spilled.length, 'VM')} had to be spread over several nodes.`,
    ...spilled.map((h) => {
      const slower = figure((accessSlowdown(h.localShare) - 1) * 100);
      return `${h.id}: ${h.why}; ${figure(h.remoteShare * 100)} % of its accesses leave their node, so memory is ${slower} % slower.`;
    }),
  ];
}
