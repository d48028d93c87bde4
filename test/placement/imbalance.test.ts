import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import {
  afterMove,
  candidateMoves,
  coefficientOfVariation,
  DEFAULT_THRESHOLDS,
  deviations,
  type HostLoad,
  hostLoad,
  imbalance,
  memoryRatio,
  outOfBalance,
  populationDeviation,
  type VmLoad,
  weightedDeviation,
} from '../../shared/placement/imbalance.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);

describe('F1 (Proxmox VE cluster resource scheduling): 3 nodes of 24 CPUs and 32 GiB, 4 VMs that use 1.0 CPU and 4 GiB each', () => {
  const node = (id: string, vms: number): HostLoad => ({
    id,
    vcpus: 24,
    cpuRatio: vms / 24,
    memoryMiB: 32_768,
    memoryUsedMiB: vms * 4096,
  });
  it.each([
    [[4, 0, 0], Math.SQRT2, '1.41'],
    [[3, 1, 0], 0.9354, '0.94'],
    [[2, 1, 1], 0.3536, '0.35'],
  ])('VMs on the nodes %j: imbalance %d', (vms, exact, printed) => {
    const value = imbalance(vms.map((n, i) => node(`n${i}`, n)));
    expect(value).toBeCloseTo(exact, 4);
    expect(value.toFixed(2)).toBe(printed);
  });
  it('the load of a node is the mean of its CPU and memory ratios', () => {
    expect(hostLoad(node('n', 4))).toBeCloseTo((4 / 24 + 16 / 32) / 2, 12);
  });
});

describe('F5 (OpenStack Watcher, workload stabilisation): 5 hosts of 132 MB', () => {
  // The loads of Watcher's published scenario; CPU of a VM is the share of its own 10 vCPUs, a host has 40.
  const [cpu, memory] = [
    [0.07, 0.07, 0.8, 0.05, 0.05],
    [7, 5, 29, 8, 4],
  ];
  const hosts: HostLoad[] = cpu.map((cpuRatio, i) => ({
    id: `node${i}`,
    vcpus: 40,
    cpuRatio,
    memoryMiB: 132,
    memoryUsedMiB: memory[i] as number,
  }));
  const vm = (id: number, on: number, cpuRatio: number, memoryUsedMiB: number): VmLoad => ({
    id: `vm${id}`,
    hostId: `node${on}`,
    vcpus: 10,
    cpuRatio,
    memoryUsedMiB,
  });
  const vms = [
    vm(0, 0, 0.07, 2),
    vm(1, 0, 0.07, 5),
    vm(2, 1, 0.1, 5),
    vm(3, 2, 0.05, 8),
    vm(4, 2, 0.05, 5),
    vm(5, 2, 0.1, 16),
    vm(6, 3, 0.08, 8),
    vm(7, 4, 0.04, 4),
  ];

  it('CPU deviates by 0.296: a threshold of 0.25 triggers, of 0.3 does not', () => {
    const d = deviations(hosts);
    expect(d.cpu).toBeCloseTo(0.296, 3);
    expect(outOfBalance(d, { cpu: 0.25, memory: 1 })).toBe(true);
    expect(outOfBalance(d, { cpu: 0.3, memory: 1 })).toBe(false);
    expect(outOfBalance({ ...d, memory: 0.071 }, { cpu: 1, memory: 0.07 }), 'one metric is enough').toBe(true);
    expect(DEFAULT_THRESHOLDS).toEqual({ cpu: 0.2, memory: 0.2 });
  });
  it('memory deviates by 9.3 MB, as a share of a host by 0.071', () => {
    expect(populationDeviation(memory)).toBeCloseTo(9.3, 1);
    expect(deviations(hosts).memory).toBeCloseTo(0.071, 3);
  });
  it('normalised memory: 7 of 132 MB is 0.0530303, 5 of 132 MB is 0.0378788', () => {
    const share = (memoryUsedMiB: number) => memoryRatio({ ...(hosts[0] as HostLoad), memoryUsedMiB });
    expect(share(7)).toBeCloseTo(0.0530303, 7);
    expect(share(5)).toBeCloseTo(0.0378788, 7);
  });
  it('deviations of 0.5 and 0.75 with weights 1 and 1 sum up to 1.25', () => {
    expect(weightedDeviation({ cpu: 0.5, memory: 0.75 })).toBe(1.25);
    expect(weightedDeviation({ cpu: 0.5, memory: 0.75 }, { cpu: 2, memory: 0 })).toBe(1);
  });
  it('the strategy finds 10 candidate moves, the best of them first: the largest VM of the hot host to the idlest host', () => {
    const found = candidateMoves(hosts, vms);
    expect(found).toHaveLength(10);
    expect(found[0]).toMatchObject({ vmId: 'vm5', from: 'node2', to: 'node4' });
    expect(found.map((m) => m.deviation)).toEqual(found.map((m) => m.deviation).sort((a, b) => a - b));
  });
  it('a VM that moves takes its load along: vm5 brings node1 to 0.095 CPU and 21 MB', () => {
    const node1 = afterMove(hosts, vms[5] as VmLoad, 'node1')[1] as HostLoad;
    expect(node1.cpuRatio).toBeCloseTo(0.095, 12);
    expect(node1.memoryUsedMiB).toBe(21);
  });
});

const cluster = fc
  .array(fc.array(fc.record({ cpuRatio: fc.double({ min: 0, max: 1, noNaN: true }), memoryUsedMiB: fc.nat(20_000) })), {
    minLength: 2,
    maxLength: 6,
  })
  .map((perHost) => {
    const vms = perHost.flatMap((list, h) =>
      list.map((v, i): VmLoad => ({ id: `vm${h}-${i}`, hostId: `h${h}`, vcpus: 4, ...v })),
    );
    const hosts = perHost.map((_, h): HostLoad => {
      const mine = vms.filter((v) => v.hostId === `h${h}`);
      return {
        id: `h${h}`,
        vcpus: 64,
        cpuRatio: mine.reduce((sum, v) => sum + v.cpuRatio * 4, 0) / 64,
        memoryMiB: 262_144,
        memoryUsedMiB: mine.reduce((sum, v) => sum + v.memoryUsedMiB, 0),
      };
    });
    return { hosts, vms };
  });

describe('candidate moves', () => {
  it('every one leaves less deviation than before, and the best single move of all is the first', () => {
    fc.assert(
      fc.property(cluster, ({ hosts, vms }) => {
        const now = weightedDeviation(deviations(hosts));
        const found = candidateMoves(hosts, vms);
        const every = vms.flatMap((v) =>
          hosts.filter((h) => h.id !== v.hostId).map((h) => weightedDeviation(deviations(afterMove(hosts, v, h.id)))),
        );
        for (const m of found) expect(m.deviation).toBeLessThan(now);
        const best = Math.min(now, ...every);
        expect(found[0]?.deviation ?? now).toBeCloseTo(best, 12);
      }),
      { numRuns },
    );
  });

  it('do not depend on the order in which hosts and VMs are listed', () => {
    fc.assert(
      fc.property(cluster, ({ hosts, vms }) => {
        expect(candidateMoves(hosts.toReversed(), vms.toReversed())).toEqual(candidateMoves(hosts, vms));
      }),
      { numRuns },
    );
  });

  it('move load without making any: CPU and memory of the cluster stay the same', () => {
    fc.assert(
      fc.property(cluster, fc.nat(), ({ hosts, vms }, seed) => {
        fc.pre(vms.length > 0);
        const after = afterMove(hosts, vms[seed % vms.length] as VmLoad, (hosts[seed % hosts.length] as HostLoad).id);
        const sum = (list: HostLoad[], of: 'cpuRatio' | 'memoryUsedMiB') => list.reduce((s, h) => s + h[of], 0);
        expect(sum(after, 'memoryUsedMiB')).toBe(sum(hosts, 'memoryUsedMiB'));
        expect(sum(after, 'cpuRatio')).toBeCloseTo(sum(hosts, 'cpuRatio'), 9);
      }),
      { numRuns },
    );
  });
});

describe('imbalance', () => {
  it('is 0 for equal loads and for none, and does not change with the unit of the load', () => {
    expect(coefficientOfVariation([0, 0, 0])).toBe(0);
    expect(coefficientOfVariation([3, 3])).toBe(0);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1 }), (loads) => {
        expect(coefficientOfVariation(loads.map((l) => l * 7))).toBeCloseTo(coefficientOfVariation(loads), 9);
      }),
      { numRuns },
    );
  });
  it('of no hosts, or of a load that is no number, is refused', () => {
    expect(() => imbalance([])).toThrow(Refused);
    expect(() => populationDeviation([1, Number.NaN])).toThrow(Refused);
    expect(() => candidateMoves([], [{ id: 'v', hostId: 'h', vcpus: 1, cpuRatio: 1, memoryUsedMiB: 1 }])).toThrow(
      Refused,
    );
  });
});
