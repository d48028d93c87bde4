import { Refused } from '../refusal.ts';
import { evenly, type Size } from './topology.ts';

/** A NUMA node as a guest sees it (NUMA-2). */
export type Vnode = Size;

/**
 * The vnodes of a VM (NUMA-2, NUMA-3); they add up to its size. vCPUs are equal; the MiB of memory that do not divide go
 * to the first vnodes.
 * @throws `Refused` NUMA-3 when the vCPUs do not divide, or a vnode would have no memory.
 */
export function splitVm(vm: Size & { nodes: number }): Vnode[] {
  const { vcpus, memoryMiB, nodes } = vm;
  const whole = [vcpus, memoryMiB, nodes].every((figure) => Number.isInteger(figure) && figure >= 1);
  if (!whole || vcpus % nodes !== 0 || memoryMiB < nodes)
    throw new Refused({
      rule: 'NUMA-3',
      reason: `${vcpus} vCPUs and ${memoryMiB} MiB cannot be spread over ${nodes} vnodes`,
      fix: 'give whole figures, a number of vnodes that divides the vCPUs, and at least 1 MiB for each',
      figures: { ...vm },
    });
  return evenly(memoryMiB, nodes).map((mib) => ({ vcpus: vcpus / nodes, memoryMiB: mib }));
}
