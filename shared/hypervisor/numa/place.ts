import { VNODE_SEARCH_STEPS } from '../parameters.ts';
import type { Refusal } from '../refusal.ts';
import { type Interconnect, nodeDistance } from './distance.ts';
import type { NumaNode } from './topology.ts';
import type { Vnode } from './vnodes.ts';

export type VnodePlacement =
  /** `nodes[i]` is the id of the physical node of vnode i: of all its vCPUs and all its memory (NUMA-2). */
  { ok: true; nodes: number[] } | { ok: false; refusal: Refusal };

/**
 * Physical nodes for the vnodes of one VM, by what is free on each node of its host; capacities are hard (NUMA-4). On as
 * many nodes as possible: vnodes share one only when there are more vnodes than nodes or no other node fits. Among
 * those placements the closest nodes are taken (NUMA-3), then the lowest ids. After VNODE_SEARCH_STEPS the best
 * placement so far is taken; without one, the refusal says that the search gave up. `free` lists all nodes of the host:
 * distances follow from their order by id.
 */
export function placeVnodes(
  free: readonly NumaNode[],
  vnodes: readonly Vnode[],
  interconnect: Interconnect = 'full',
): VnodePlacement {
  const search = new Search(free, vnodes, interconnect);
  const nodes = search.run();
  return nodes ? { ok: true, nodes } : { ok: false, refusal: noRoom(free, vnodes, search.stepsLeft > 0) };
}

/** Depth first over vnodes, the best placement so far bounding the rest. */
class Search {
  stepsLeft = VNODE_SEARCH_STEPS;
  private readonly room: NumaNode[];
  private readonly load: number[];
  private readonly order: number[];
  private readonly chosen: number[] = [];
  private best: { places: number[]; used: number; distance: number } | undefined;
  private readonly vnodes: readonly Vnode[];
  private readonly interconnect: Interconnect;

  constructor(free: readonly NumaNode[], vnodes: readonly Vnode[], interconnect: Interconnect) {
    this.vnodes = vnodes;
    this.interconnect = interconnect;
    this.room = free.map((node) => ({ ...node })).sort((a, b) => a.id - b.id);
    this.load = this.room.map(() => 0);
    // The largest first, since they have the fewest places; equal ones next to each other.
    this.order = vnodes.map((_, i) => i).sort((a, b) => larger(this.vnode(a), this.vnode(b)) || a - b);
  }

  /** The node of each vnode, or undefined when none was found. */
  run(): number[] | undefined {
    this.descend(0, 0, 0);
    if (!this.best) return undefined;
    const nodes = new Array<number>(this.vnodes.length);
    for (const [depth, place] of this.best.places.entries())
      nodes[this.order[depth] as number] = (this.room[place] as NumaNode).id;
    return nodes;
  }

  private descend(depth: number, used: number, distance: number): void {
    if (depth === this.order.length) {
      if (this.beatsBest(used, distance)) this.best = { places: [...this.chosen], used, distance };
      return;
    }
    const vnode = this.vnode(this.order[depth] as number);
    for (const place of this.places(depth, vnode)) {
      if (this.stepsLeft <= 0) return;
      this.stepsLeft--;
      const nowUsed = used + (this.load[place] === 0 ? 1 : 0);
      const nowDistance = distance + this.distanceTo(place);
      if (!this.beatsBest(nowUsed + this.order.length - depth - 1, nowDistance)) continue;
      this.take(place, vnode, 1);
      this.chosen.push(place);
      this.descend(depth + 1, nowUsed, nowDistance);
      this.chosen.pop();
      this.take(place, vnode, -1);
    }
  }

  /** Where a vnode fits: unused nodes first. One equal to its predecessor need not try the nodes before that one's. */
  private places(depth: number, vnode: Vnode): number[] {
    const previous = depth > 0 ? this.vnode(this.order[depth - 1] as number) : undefined;
    const from = previous && larger(previous, vnode) === 0 ? (this.chosen[depth - 1] as number) : 0;
    const fitting: number[] = [];
    for (let place = from; place < this.room.length; place++) {
      const { vcpus, memoryMiB } = this.room[place] as NumaNode;
      if (vcpus >= vnode.vcpus && memoryMiB >= vnode.memoryMiB) fitting.push(place);
    }
    return fitting.sort((a, b) => Math.sign(this.load[a] as number) - Math.sign(this.load[b] as number) || a - b);
  }

  private beatsBest(used: number, distance: number): boolean {
    if (!this.best) return true;
    const most = Math.min(used, this.room.length);
    return most > this.best.used || (most === this.best.used && distance < this.best.distance);
  }

  private distanceTo(place: number): number {
    let sum = 0;
    for (const other of this.chosen) sum += nodeDistance(place, other, this.room.length, this.interconnect);
    return sum;
  }

  private take(place: number, vnode: Vnode, sign: 1 | -1): void {
    const node = this.room[place] as NumaNode;
    node.vcpus -= sign * vnode.vcpus;
    node.memoryMiB -= sign * vnode.memoryMiB;
    this.load[place] = (this.load[place] as number) + sign;
  }

  private vnode(index: number): Vnode {
    return this.vnodes[index] as Vnode;
  }
}

const larger = (a: Vnode, b: Vnode): number => b.vcpus - a.vcpus || b.memoryMiB - a.memoryMiB;

function noRoom(free: readonly NumaNode[], vnodes: readonly Vnode[], searchedAll: boolean): Refusal {
  const list = (sizes: readonly Vnode[]) => sizes.map((s) => `${s.vcpus} vCPUs / ${s.memoryMiB} MiB`).join(', ');
  return {
    rule: 'NUMA-4',
    reason: searchedAll
      ? 'no placement has room for all vnodes, each whole on one node'
      : `no placement was found in ${VNODE_SEARCH_STEPS} steps`,
    fix: 'give the VM smaller vnodes, or stop VMs on this host',
    figures: { vnodes: list(vnodes), ...Object.fromEntries(free.map((n) => [`free on node ${n.id}`, list([n])])) },
  };
}
