import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import { consistencyPoints, type GroupWrite, missing, newestPoint } from '../../shared/replication/write-order.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const places = (writes: readonly GroupWrite[]) => writes.map((w) => w.sequence);

describe('I6 (Zerto, write-order fidelity): write A happens before write B, on VMs of one group', () => {
  const A = { sequence: 1, vmId: 'database', name: 'A' };
  const B = { sequence: 2, vmId: 'web', name: 'B' };

  it('the points are {}, {A} and {A, B}', () => {
    expect(consistencyPoints([B, A]).map((p) => p.map((w) => w.name))).toEqual([[], ['A'], ['A', 'B']]);
  });
  it('{B} alone is found out: it lacks A', () => {
    expect(missing([A, B], new Set([2]))).toEqual([A]);
    for (const good of [[], [1], [1, 2]]) expect(missing([A, B], new Set(good))).toEqual([]);
  });
  it('where only B has arrived, the newest point that can be used is {}', () => {
    expect(newestPoint([A, B], new Set([2]))).toEqual([]);
    expect(newestPoint([A, B], new Set([1]))).toEqual([A]);
  });
});

const group = fc
  .uniqueArray(fc.integer({ min: -50, max: 200 }), { maxLength: 20 })
  .chain((list) => fc.record({ sequence: fc.constant(list), arrived: fc.subarray(list), vms: fc.nat(4) }))
  .map(({ sequence, arrived, vms }) => ({
    writes: sequence.map((n, i): GroupWrite => ({ sequence: n, vmId: `vm${i % (vms + 1)}` })),
    arrived: new Set(arrived),
  }));

describe('points of a group', () => {
  it('are consistent, all of them, and no other set of writes is', () => {
    fc.assert(
      fc.property(group, ({ writes, arrived }) => {
        const points = consistencyPoints(writes);
        for (const point of points) expect(missing(writes, new Set(places(point)))).toEqual([]);
        const isPoint = points.some((p) => p.length === arrived.size && p.every((w) => arrived.has(w.sequence)));
        expect(missing(writes, arrived).length === 0).toBe(isPoint);
      }),
      { numRuns },
    );
  });
  it('seen from one VM, a point holds a beginning of what that VM wrote', () => {
    fc.assert(
      fc.property(group, ({ writes }) => {
        for (const vmId of new Set(writes.map((w) => w.vmId))) {
          const own = places(writes.filter((w) => w.vmId === vmId)).sort((a, b) => a - b);
          for (const point of consistencyPoints(writes)) {
            const there = places(point.filter((w) => w.vmId === vmId));
            expect(there).toEqual(own.slice(0, there.length));
          }
        }
      }),
      { numRuns },
    );
  });
  it('the newest one of what has arrived holds nothing else, and could not be longer', () => {
    fc.assert(
      fc.property(group, ({ writes, arrived }) => {
        const newest = newestPoint(writes, arrived);
        const possible = consistencyPoints(writes).filter((p) => p.every((w) => arrived.has(w.sequence)));
        expect(newest).toEqual(possible[possible.length - 1]);
      }),
      { numRuns },
    );
  });
});

it('two writes in one place, and a write that the group did not make, are refused', () => {
  const twice = [
    { sequence: 1, vmId: 'a' },
    { sequence: 1, vmId: 'b' },
  ];
  expect(() => consistencyPoints(twice)).toThrow(Refused);
  expect(() => consistencyPoints([{ sequence: 1.5, vmId: 'a' }])).toThrow(Refused);
  expect(() => missing([], new Set([7]))).toThrow(Refused);
});
