import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CpuModeRequest, cpuModeRefusals, topologyRefusals } from '../../../shared/hypervisor/cpu/admission.ts';
import { numRuns } from './instructions.ts';

const host = { arch: 'x86', hardwareVirtualisation: true, nestedPaging: true } as const;
const rules = (request: Partial<CpuModeRequest>) =>
  cpuModeRefusals({ mode: 'hardware', guest: { os: 'linux' }, host, ...request }).map((r) => r.rule);

describe('a CPU mode', () => {
  it('full takes every guest on every CPU (CPU-8)', () => {
    for (const os of ['linux', 'windows', 'other'] as const)
      expect(rules({ mode: 'full', guest: { os }, host: { ...host, hardwareVirtualisation: false } })).toEqual([]);
  });

  it.each([
    [{ os: 'linux' }, []],
    [{ os: 'linux', paravirtual: true }, []],
    [{ os: 'linux', paravirtual: false }, ['CPU-9']],
    [{ os: 'windows' }, ['CPU-9']],
    [{ os: 'windows', paravirtual: true }, ['CPU-9']],
    [{ os: 'other' }, ['CPU-9']],
  ] as const)('para with the guest %j gives %j (CPU-9)', (guest, refused) => {
    expect(rules({ mode: 'para', guest })).toEqual(refused);
  });

  it('para names the closed kernel as the reason', () => {
    const [refusal] = cpuModeRefusals({ mode: 'para', guest: { os: 'windows' }, host });
    expect(refusal?.reason).toMatch(/open kernel.*windows.*closed/);
  });

  it('hardware needs VT-x or AMD-V and makes no demand on the guest (CPU-10)', () => {
    expect(rules({ guest: { os: 'windows' } })).toEqual([]);
    expect(rules({ host: { ...host, hardwareVirtualisation: false } })).toEqual(['CPU-10']);
  });

  it('hardware memory needs EPT or NPT (MEM-7)', () => {
    const request = { mode: 'full', memoryMode: 'hardware' } as const;
    expect(rules(request)).toEqual([]);
    expect(rules({ ...request, host: { ...host, nestedPaging: false } })).toEqual(['MEM-7']);
    expect(rules({ ...request, memoryMode: 'shadow', host: { ...host, nestedPaging: false } })).toEqual([]);
  });

  it('is refused for all its faults at once', () => {
    const old = { arch: 'x86', hardwareVirtualisation: false, nestedPaging: false } as const;
    expect(rules({ mode: 'para', memoryMode: 'hardware', guest: { os: 'windows' }, host: old })).toEqual([
      'CPU-9',
      'MEM-7',
    ]);
    expect(rules({ memoryMode: 'hardware', host: old })).toEqual(['CPU-10', 'MEM-7']);
  });
});

describe('the shape of vCPUs', () => {
  it.each([
    [{ vcpus: 8 }, []],
    [{ vcpus: 8, coresPerSocket: 4, numaNodes: 2 }, []],
    [{ vcpus: 8, coresPerSocket: 3 }, ['ELA-1']],
    [{ vcpus: 6, coresPerSocket: 2, numaNodes: 4 }, ['NUMA-3']],
    [{ vcpus: 8, coresPerSocket: 16, numaNodes: 16 }, ['ELA-1', 'NUMA-3']],
    [{ vcpus: 8, coresPerSocket: 0, numaNodes: -2 }, ['ELA-1', 'NUMA-3']],
    [{ vcpus: 0 }, ['ELA-1']],
    [{ vcpus: 65 }, ['ELA-1']],
    [{ vcpus: 1.5 }, ['ELA-1']],
  ])('%j gives %j (ELA-1, NUMA-3)', (topology, refused) => {
    expect(topologyRefusals(topology).map((r) => r.rule)).toEqual(refused);
  });

  it('is admitted exactly when sockets and vnodes are whole', () => {
    const count = fc.integer({ min: 1, max: 64 });
    fc.assert(
      fc.property(count, count, count, (vcpus, coresPerSocket, numaNodes) => {
        const whole = vcpus % coresPerSocket === 0 && vcpus % numaNodes === 0;
        expect(topologyRefusals({ vcpus, coresPerSocket, numaNodes }).length === 0).toBe(whole);
      }),
      { numRuns },
    );
  });
});
