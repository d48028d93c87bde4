import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freeOf } from '../../../shared/hypervisor/numa/free.ts';
import { homeNodes } from '../../../shared/hypervisor/numa/home.ts';
import type { NumaNode } from '../../../shared/hypervisor/numa/topology.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
const on = (...parts: [vcpus: number, memoryMiB: number][]): NumaNode[] =>
  parts.map(([vcpus, memoryMiB], id) => ({ id, vcpus, memoryMiB }));

/** A host, vnodes that it holds, and floating VMs that fit into the rest of it in sum. */
const world = fc
  .record({
    nodes: fc.array(fc.tuple(fc.integer({ min: 1, max: 32 }), fc.integer({ min: 64, max: 65_536 })), {
      minLength: 1,
      maxLength: 8,
    }),
    held: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
    wanted: fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 80_000 })), { maxLength: 30 }),
  })
  .map(({ nodes: parts, held, wanted }) => {
    const nodes = on(...parts);
    const pinned = nodes.map(({ id, vcpus, memoryMiB }) => {
      const part = (held[id] as number) / 2;
      return { node: id, vcpus: Math.floor(vcpus * part), memoryMiB: Math.floor(memoryMiB * part) };
    });
    const free = freeOf(nodes, pinned);
    let [vcpusLeft, mibLeft] = [total(free.map((n) => n.vcpus)), total(free.map((n) => n.memoryMiB))];
    const floating = wanted.flatMap(([vcpus, memoryMiB], i) => {
      if (vcpus > vcpusLeft || memoryMiB > mibLeft) return [];
      vcpusLeft -= vcpus;
      mibLeft -= memoryMiB;
      return [{ id: `vm${i}`, vcpus, memoryMiB }];
    });
    return { nodes, pinned, free, floating };
  });

describe('the home nodes of VMs (NUMA-1, NUMA-4)', () => {
  it('hold each VM whole, and no node more than it has', () => {
    fc.assert(
      fc.property(world, ({ nodes, pinned, free, floating }) => {
        const homes = homeNodes(nodes, pinned, floating);
        for (const [i, vm] of floating.entries()) {
          expect(total(homes[i]?.vcpusOn ?? [])).toBe(vm.vcpus);
          expect(total(homes[i]?.memoryOn ?? [])).toBe(vm.memoryMiB);
        }
        for (const [n, node] of free.entries()) {
          const parts = homes.map((h) => [h.vcpusOn[n] as number, h.memoryOn[n] as number] as const);
          expect(parts.every(([v, m]) => v >= 0 && m >= 0)).toBe(true);
          expect(total(parts.map(([v]) => v))).toBeLessThanOrEqual(node.vcpus);
          expect(total(parts.map(([, m]) => m))).toBeLessThanOrEqual(node.memoryMiB);
        }
      }),
      { numRuns },
    );
  });

  it('are several only when no single node had room, which the answer says; shares are those of the placement', () => {
    fc.assert(
      fc.property(world, ({ nodes, pinned, free, floating }) => {
        const homes = homeNodes(nodes, pinned, floating);
        const single = homes.filter((h) => !h.spilled);
        for (const h of homes) {
          expect(h.localShare + h.remoteShare).toBeCloseTo(1, 12);
          const vm = floating.find((f) => f.id === h.id) as { vcpus: number; memoryMiB: number };
          const local = total(h.vcpusOn.map((v, n) => (v / vm.vcpus) * ((h.memoryOn[n] as number) / vm.memoryMiB)));
          expect(h.localShare).toBeCloseTo(local, 9);
          if (!h.spilled) expect(h.localShare).toBe(1);
          else {
            expect(h.why).toMatch(/more than any node has|free on no single node/);
            // Even with all other spilled VMs away there is no node for it.
            for (const [n, node] of free.entries()) {
              const vcpusLeft = node.vcpus - total(single.map((s) => s.vcpusOn[n] as number));
              const mibLeft = node.memoryMiB - total(single.map((s) => s.memoryOn[n] as number));
              expect(vcpusLeft >= vm.vcpus && mibLeft >= vm.memoryMiB).toBe(false);
            }
          }
        }
      }),
      { numRuns },
    );
  });

  it('do not depend on the order in which VMs are told', () => {
    fc.assert(
      fc.property(
        world.chain((w) => fc.tuple(fc.constant(w), fc.shuffledSubarray(w.floating, { minLength: w.floating.length }))),
        ([{ nodes, pinned, floating }, shuffled]) => {
          const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
          const [one, other] = [homeNodes(nodes, pinned, floating), homeNodes(nodes, pinned, shuffled)];
          expect([...other].sort(byId)).toEqual([...one].sort(byId));
        },
      ),
      { numRuns },
    );
  });

  it('leave the roomier node to others when a fuller one will do', () => {
    const [home] = homeNodes(on([8, 8192], [4, 4096], [6, 6144]), [], [{ id: 'a', vcpus: 4, memoryMiB: 4096 }]);
    expect(home?.vcpusOn).toEqual([0, 4, 0]);
  });

  it('let the largest VM choose first', () => {
    const homes = homeNodes(
      on([8, 8192], [4, 4096]),
      [],
      [
        { id: 'small', vcpus: 4, memoryMiB: 4096 },
        { id: 'large', vcpus: 6, memoryMiB: 4096 },
      ],
    );
    expect(homes.map((h) => [h.id, h.vcpusOn, h.why])).toEqual([
      ['small', [0, 4], 'node 1 has room for all of it'],
      ['large', [6, 0], 'node 0 has room for all of it'],
    ]);
  });

  it('of a VM wider than a node: 12 vCPUs on nodes of 8 and 8 are local by (8/12)^2 + (4/12)^2 = 5/9', () => {
    const [wide] = homeNodes(on([8, 8192], [8, 8192]), [], [{ id: 'wide', vcpus: 12, memoryMiB: 12_288 }]);
    expect(wide).toMatchObject({ vcpusOn: [8, 4], memoryOn: [8192, 4096], spilled: true });
    expect(wide?.localShare).toBeCloseTo(5 / 9, 12);
    expect(wide?.why).toBe(
      '12 vCPUs and 12288 MiB are more than any node has (free: node 0: 8 vCPUs, 8192 MiB; node 1: 8 vCPUs, 8192 MiB)',
    );
  });

  it('of a VM that others keep off a single node: it says that no node has so much free', () => {
    const pinned = [0, 1].map((node) => ({ node, vcpus: 6, memoryMiB: 1024 }));
    const [home] = homeNodes(on([8, 8192], [8, 8192]), pinned, [{ id: 'a', vcpus: 4, memoryMiB: 2048 }]);
    expect(home).toMatchObject({ vcpusOn: [2, 2], memoryOn: [1024, 1024], spilled: true, localShare: 0.5 });
    expect(home?.why).toMatch(/^4 vCPUs and 2048 MiB are free on no single node/);
  });

  it('of a wide VM are neighbours in a ring', () => {
    const nodes = on([4, 4096], [8, 8192], [2, 2048], [8, 8192], [4, 4096]);
    const [home] = homeNodes(nodes, [], [{ id: 'wide', vcpus: 12, memoryMiB: 12_288 }], 'ring');
    expect(home?.vcpusOn).toEqual([4, 8, 0, 0, 0]);
  });

  it('are refused for more than the host has, for a VM told twice, and for a size that is not whole', () => {
    const nodes = on([8, 8192]);
    const vm = { id: 'a', vcpus: 8, memoryMiB: 8192 };
    expect(() => homeNodes(nodes, [], [{ ...vm, vcpus: 9 }])).toThrow(/NUMA-4/);
    expect(() => homeNodes(nodes, [{ node: 0, vcpus: 1, memoryMiB: 1 }], [vm])).toThrow(/NUMA-4/);
    expect(() =>
      homeNodes(
        nodes,
        [],
        [
          { ...vm, vcpus: 1 },
          { ...vm, vcpus: 1 },
        ],
      ),
    ).toThrow(/NUMA-1/);
    expect(() => homeNodes(nodes, [], [{ ...vm, vcpus: 0 }])).toThrow(/NUMA-1/);
  });

  it('of 200 VMs on 8 nodes are found in a few milliseconds', () => {
    const nodes = on(...Array.from({ length: 8 }, (): [number, number] => [128, 524_288]));
    const floating = Array.from({ length: 200 }, (_, i) => ({
      id: `vm${i}`,
      vcpus: 1 + (i % 8),
      memoryMiB: 1024 * (1 + (i % 16)),
    }));
    const times = Array.from({ length: 300 }, () => {
      const from = performance.now();
      homeNodes(nodes, [], floating);
      return performance.now() - from;
    });
    const median = times.slice(100).sort((a, b) => a - b)[100] as number;
    expect(median).toBeLessThan(5);
  });
});
