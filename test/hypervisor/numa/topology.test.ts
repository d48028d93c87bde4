import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostVcpus, virtualisationDomain } from '../../../shared/hypervisor/cpu/capacity.ts';
import { nodeDistance } from '../../../shared/hypervisor/numa/distance.ts';
import { accessSlowdown, localShareOf } from '../../../shared/hypervisor/numa/locality.ts';
import { nodesOf } from '../../../shared/hypervisor/numa/topology.ts';
import { splitVm } from '../../../shared/hypervisor/numa/vnodes.ts';
import { REMOTE_ACCESS_FACTOR } from '../../../shared/hypervisor/parameters.ts';
import { Refused } from '../../../shared/hypervisor/refusal.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

const hardware = fc
  .record({
    sockets: fc.integer({ min: 1, max: 8 }),
    coresPerSocket: fc.integer({ min: 1, max: 64 }),
    threadsPerCore: fc.integer({ min: 1, max: 2 }),
    memoryMiB: fc.integer({ min: 1024, max: 8_388_608 }),
  })
  .chain((h) => {
    const cores = h.sockets * h.coresPerSocket;
    const divisors = Array.from({ length: cores }, (_, i) => i + 1).filter((n) => cores % n === 0);
    return fc.constantFrom(...divisors).map((numaNodes) => ({ ...h, numaNodes }));
  });

describe('the nodes of a host (NUMA-1)', () => {
  it('A1 (source document): 2 x 6 cores x 2 threads are two nodes, and the management domain has 2 threads of node 0', () => {
    const nodes = nodesOf({ sockets: 2, coresPerSocket: 6, threadsPerCore: 2, memoryMiB: 65_537 });
    expect(nodes).toEqual([
      { id: 0, vcpus: 10, memoryMiB: 30_721, managementVcpus: 2, managementMiB: 2048 },
      { id: 1, vcpus: 12, memoryMiB: 32_768, managementVcpus: 0, managementMiB: 0 },
    ]);
  });

  it('add up to the virtualisation domain and, with management, to the host', () => {
    fc.assert(
      fc.property(hardware, (h) => {
        const nodes = nodesOf(h);
        const cpu = { ...h, mhz: 2400 };
        const domain = virtualisationDomain(cpu);
        expect(sum(nodes.map((n) => n.vcpus))).toBe(domain.vcpus);
        expect(sum(nodes.map((n) => n.memoryMiB))).toBe(domain.memoryMiB);
        expect(sum(nodes.map((n) => n.vcpus + n.managementVcpus))).toBe(hostVcpus(cpu));
        expect(sum(nodes.map((n) => n.memoryMiB + n.managementMiB))).toBe(h.memoryMiB);
        expect(Math.min(...nodes.flatMap((n) => [n.vcpus, n.memoryMiB]))).toBeGreaterThanOrEqual(0);
      }),
      { numRuns },
    );
  });

  it('spill the management domain to the next node only when node 0 has no more', () => {
    const nodes = nodesOf({ sockets: 4, coresPerSocket: 1, threadsPerCore: 1, memoryMiB: 6_000 });
    expect(nodes.map((n) => [n.managementVcpus, n.managementMiB])).toEqual([
      [1, 1500],
      [1, 548],
      [0, 0],
      [0, 0],
    ]);
  });

  it.each([0, 1.5, 5, 24])('are refused when %d of them do not divide 12 cores', (numaNodes) => {
    const h = { sockets: 2, coresPerSocket: 6, threadsPerCore: 2, memoryMiB: 65_536, numaNodes };
    expect(() => nodesOf(h)).toThrow(Refused);
    expect(() => nodesOf(h)).toThrow(/NUMA-1/);
  });
});

describe('the vnodes of a VM (NUMA-2, NUMA-3)', () => {
  it('add up to the VM, have equal vCPUs, and differ by 1 MiB at most', () => {
    const split = fc.record({
      each: fc.integer({ min: 1, max: 16 }),
      nodes: fc.integer({ min: 1, max: 8 }),
      memoryMiB: fc.integer({ min: 8, max: 1_048_576 }),
    });
    fc.assert(
      fc.property(split, ({ each, nodes, memoryMiB }) => {
        const vnodes = splitVm({ vcpus: each * nodes, memoryMiB, nodes });
        const mib = vnodes.map((v) => v.memoryMiB);
        expect(vnodes).toHaveLength(nodes);
        expect(vnodes.every((v) => v.vcpus === each)).toBe(true);
        expect(sum(mib)).toBe(memoryMiB);
        expect(Math.max(...mib) - Math.min(...mib)).toBeLessThanOrEqual(1);
      }),
      { numRuns },
    );
  });

  it.each([
    { vcpus: 6, memoryMiB: 4096, nodes: 4 },
    { vcpus: 4, memoryMiB: 3, nodes: 4 },
    { vcpus: 4, memoryMiB: 4096.5, nodes: 2 },
    { vcpus: 4, memoryMiB: 4096, nodes: 0 },
  ])('are refused when they do not come out whole: %o', (vm) => {
    expect(() => splitVm(vm)).toThrow(/NUMA-3/);
  });
});

describe('locality (NUMA-1)', () => {
  it('of an even spread over n nodes is 1/n, of one node 1, of vCPUs and memory on different nodes 0', () => {
    expect(localShareOf([4, 4], [512, 512])).toBe(0.5);
    expect(localShareOf([2, 2, 2, 2], [1, 1, 1, 1])).toBe(0.25);
    expect(localShareOf([0, 8], [0, 4096])).toBe(1);
    expect(localShareOf([8, 0], [0, 4096])).toBe(0);
  });

  it('slows accesses down from 1 to the remote factor, and never more for a larger share', () => {
    expect(accessSlowdown(1)).toBe(1);
    expect(accessSlowdown(0)).toBe(REMOTE_ACCESS_FACTOR);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (a, b) => {
        expect(accessSlowdown(Math.max(a, b))).toBeLessThanOrEqual(accessSlowdown(Math.min(a, b)));
      }),
      { numRuns },
    );
    for (const wrong of [-0.1, 1.1, Number.NaN]) expect(() => accessSlowdown(wrong)).toThrow(/NUMA-1/);
  });

  it('has distances of 10 inside, 20 for one hop, and the shorter way round a ring', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((n) => nodeDistance(0, n, 8, 'ring'))).toEqual([
      10, 20, 30, 40, 50, 40, 30, 20,
    ]);
    expect([0, 1, 7].map((n) => nodeDistance(0, n, 8, 'full'))).toEqual([10, 20, 20]);
  });
});
