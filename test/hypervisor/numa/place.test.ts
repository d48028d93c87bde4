import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Interconnect, nodeDistance } from '../../../shared/hypervisor/numa/distance.ts';
import { freeOf } from '../../../shared/hypervisor/numa/free.ts';
import { placeVnodes } from '../../../shared/hypervisor/numa/place.ts';
import type { NumaNode, Size } from '../../../shared/hypervisor/numa/topology.ts';
import { splitVm } from '../../../shared/hypervisor/numa/vnodes.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const size = fc.record({ vcpus: fc.integer({ min: 1, max: 6 }), memoryMiB: fc.integer({ min: 1, max: 6 }) });
const roomOf = fc.record({ vcpus: fc.integer({ min: 0, max: 8 }), memoryMiB: fc.integer({ min: 0, max: 8 }) });
const room = fc.array(roomOf, { minLength: 1, maxLength: 4 }).map((list) => list.map((r, id) => ({ id, ...r })));
const sizes = fc.array(size, { minLength: 1, maxLength: 4 });
const interconnect = fc.constantFrom<Interconnect>('full', 'ring');

const fits = (free: readonly NumaNode[], vnodes: readonly Size[], nodes: readonly number[]) =>
  free.every((node) => {
    const here = vnodes.filter((_, i) => nodes[i] === node.id);
    const total = (of: (s: Size) => number) => here.reduce((n, s) => n + of(s), 0);
    return total((s) => s.vcpus) <= node.vcpus && total((s) => s.memoryMiB) <= node.memoryMiB;
  });

const distanceOf = (nodes: readonly number[], count: number, wires: Interconnect) =>
  nodes.reduce((sum, a, i) => nodes.slice(0, i).reduce((n, b) => n + nodeDistance(a, b, count, wires), sum), 0);

/** Every placement that fits, by trying all. */
function allPlacements(free: readonly NumaNode[], vnodes: readonly Size[]): number[][] {
  let partial: number[][] = [[]];
  for (const _ of vnodes) partial = partial.flatMap((p) => free.map((node) => [...p, node.id]));
  return partial.filter((nodes) => fits(free, vnodes, nodes));
}

describe('the placement of vnodes (NUMA-2, NUMA-4)', () => {
  it('is found whenever one exists, fits, uses most nodes, and of those placements the closest nodes', () => {
    fc.assert(
      fc.property(room, sizes, interconnect, (free, vnodes, wires) => {
        const possible = allPlacements(free, vnodes);
        const answer = placeVnodes(free, vnodes, wires);
        expect(answer.ok).toBe(possible.length > 0);
        if (!answer.ok) return;
        expect(fits(free, vnodes, answer.nodes)).toBe(true);
        const used = (nodes: readonly number[]) => new Set(nodes).size;
        const most = Math.max(...possible.map(used));
        expect(used(answer.nodes)).toBe(most);
        const distances = possible.filter((p) => used(p) === most).map((p) => distanceOf(p, free.length, wires));
        expect(distanceOf(answer.nodes, free.length, wires)).toBe(Math.min(...distances));
      }),
      { numRuns },
    );
  });

  it('finds room where taking the roomiest node first would not', () => {
    const free = [
      { id: 0, vcpus: 4, memoryMiB: 9 },
      { id: 1, vcpus: 9, memoryMiB: 4 },
    ];
    const vnodes = [
      { vcpus: 4, memoryMiB: 4 },
      { vcpus: 4, memoryMiB: 9 },
    ];
    expect(placeVnodes(free, vnodes)).toEqual({ ok: true, nodes: [1, 0] });
  });

  it('takes neighbours in a ring for a wide VM, round its end too', () => {
    const free = [0, 1, 2, 3, 4, 5].map((id) => ({ id, vcpus: id === 1 ? 0 : 8, memoryMiB: 8192 }));
    expect(placeVnodes(free, splitVm({ vcpus: 24, memoryMiB: 9000, nodes: 3 }), 'ring')).toEqual({
      ok: true,
      nodes: [0, 4, 5],
    });
  });

  it('lets vnodes share a node only when there are more of them than nodes that fit', () => {
    const free = [
      { id: 0, vcpus: 8, memoryMiB: 8192 },
      { id: 1, vcpus: 8, memoryMiB: 8192 },
      { id: 2, vcpus: 1, memoryMiB: 8192 },
    ];
    const spread = placeVnodes(free, splitVm({ vcpus: 6, memoryMiB: 4096, nodes: 2 }));
    expect(spread).toEqual({ ok: true, nodes: [0, 1] });
    const shared = placeVnodes(free, splitVm({ vcpus: 6, memoryMiB: 4096, nodes: 3 }));
    expect(shared.ok && new Set(shared.nodes)).toEqual(new Set([0, 1]));
  });

  it('is refused with what is free on each node, even when the sum would do', () => {
    const free = [
      { id: 0, vcpus: 3, memoryMiB: 8192 },
      { id: 1, vcpus: 5, memoryMiB: 100 },
    ];
    expect(placeVnodes(free, splitVm({ vcpus: 4, memoryMiB: 4096, nodes: 1 }))).toEqual({
      ok: false,
      refusal: {
        rule: 'NUMA-4',
        reason: 'no placement has room for all vnodes, each whole on one node',
        fix: 'give the VM smaller vnodes, or stop VMs on this host',
        figures: {
          vnodes: '4 vCPUs / 4096 MiB',
          'free on node 0': '3 vCPUs / 8192 MiB',
          'free on node 1': '5 vCPUs / 100 MiB',
        },
      },
    });
  });

  it('is searched through to its end for the vnodes of any one VM on 8 nodes, up to 8', () => {
    const free = Array.from({ length: 8 }, (_, id) => ({ id, vcpus: 14, memoryMiB: id === 0 ? 1000 : 10_000 }));
    for (let nodes = 1; nodes <= 8; nodes++) {
      const tooMuch = placeVnodes(free, splitVm({ vcpus: 15 * nodes, memoryMiB: 4099, nodes }));
      expect(!tooMuch.ok && tooMuch.refusal.reason).toMatch(/^no placement has room/);
      for (const memoryMiB of [nodes * 5000, nodes * 5000 + Math.floor(nodes / 2), nodes * 10_000]) {
        const answer = placeVnodes(free, splitVm({ vcpus: 7 * nodes, memoryMiB, nodes }), 'ring');
        if (!answer.ok) expect(answer.refusal.reason).toMatch(/^no placement has room/);
      }
    }
  });
});

describe('the account of a node (NUMA-4)', () => {
  it('gives back what a VM had when it stops', () => {
    const nodes = [{ id: 0, vcpus: 8, memoryMiB: 8192 }];
    const [a, b] = [
      { node: 0, vcpus: 3, memoryMiB: 1000 },
      { node: 0, vcpus: 5, memoryMiB: 7000 },
    ];
    expect(freeOf(nodes, [a, b])).toEqual([{ id: 0, vcpus: 0, memoryMiB: 192 }]);
    expect(freeOf(nodes, [a])).toEqual([{ id: 0, vcpus: 5, memoryMiB: 7192 }]);
    expect(freeOf(nodes, [])).toEqual(nodes);
  });

  it.each([
    { node: 0, vcpus: 9, memoryMiB: 1 },
    { node: 0, vcpus: 1, memoryMiB: 8193 },
    { node: 0, vcpus: -1, memoryMiB: 1 },
    { node: 1, vcpus: 1, memoryMiB: 1 },
  ])('refuses what no node can hold: %o', (use) => {
    expect(() => freeOf([{ id: 0, vcpus: 8, memoryMiB: 8192 }], [use])).toThrow(/NUMA-4/);
  });
});
