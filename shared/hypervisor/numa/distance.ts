import { HOP_DISTANCE, LOCAL_DISTANCE } from '../parameters.ts';

/** How nodes are wired: each with each other, or in a ring by id. */
export type Interconnect = 'full' | 'ring';

/** Distance between two of `count` nodes by id, ACPI SLIT units: 10 for the node itself, 10 more for each hop. */
export function nodeDistance(a: number, b: number, count: number, interconnect: Interconnect): number {
  const apart = Math.abs(a - b);
  const hops = interconnect === 'full' ? Math.sign(apart) : Math.min(apart, count - apart);
  return LOCAL_DISTANCE + hops * HOP_DISTANCE;
}
