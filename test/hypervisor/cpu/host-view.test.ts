import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostView, virtualisationDomain } from '../../../shared/hypervisor/cpu/capacity.ts';
import { numRuns } from './instructions.ts';

const RESOURCES = ['vcpus', 'mhz', 'memoryMiB'] as const;
const a1 = { sockets: 2, coresPerSocket: 6, threadsPerCore: 2, mhz: 2400, memoryMiB: 65_536 };
const nothing = { vcpus: 0, mhz: 0, memoryMiB: 0 };
const refusedBy = (rule: string) => expect.objectContaining({ refusal: expect.objectContaining({ rule }) });

describe('the two domains of a host', () => {
  it('A1 (source document): 24 vCPUs are 2 for management and 22 for VMs, 52 800 MHz', () => {
    expect(hostView(a1, { vcpus: 4, mhz: 800, memoryMiB: 4096 })).toMatchObject({
      total: { vcpus: 24, mhz: 57_600 },
      management: { vcpus: 2, mhz: 4800 },
      virtualisation: { vcpus: 22, mhz: 52_800 },
      free: { vcpus: 18, mhz: 52_000 },
    });
  });

  it('CPU-18 (product sample): two hosts of 36 vCPUs for VMs at 2500 MHz give 90 000 MHz each, 180 000 together', () => {
    const host = { sockets: 1, coresPerSocket: 19, threadsPerCore: 2, mhz: 2500, memoryMiB: 65_536 };
    expect(virtualisationDomain(host).mhz).toBe(90_000);
    expect(2 * virtualisationDomain(host).mhz).toBe(180_000);
  });

  it('add up to the host, and what is allotted and free to the one of the VMs (CPU-20)', () => {
    const hardware = fc.record({
      sockets: fc.integer({ min: 1, max: 8 }),
      coresPerSocket: fc.integer({ min: 1, max: 64 }),
      threadsPerCore: fc.integer({ min: 1, max: 2 }),
      mhz: fc.integer({ min: 1000, max: 5000 }),
      memoryMiB: fc.integer({ min: 1024, max: 8_388_608 }),
    });
    fc.assert(
      fc.property(hardware, fc.nat(600), fc.nat(100), fc.nat(10_000_000), (h, vcpus, percent, memoryMiB) => {
        const mhz = Math.floor((virtualisationDomain(h).mhz * percent) / 100);
        const view = hostView(h, { vcpus, mhz, memoryMiB });
        for (const r of RESOURCES) {
          expect(view.management[r] + view.virtualisation[r]).toBe(view.total[r]);
          expect(view.allotted[r] + view.free[r]).toBe(view.virtualisation[r]);
          expect(Math.min(view.management[r], view.virtualisation[r])).toBeGreaterThanOrEqual(0);
        }
        expect(view.free.mhz).toBeGreaterThanOrEqual(0);
      }),
      { numRuns },
    );
  });

  it('VMs never have more MHz than the host gives them: 52 800 can be, 52 801 cannot (CPU-19)', () => {
    expect(hostView(a1, { ...nothing, mhz: 52_800 }).free.mhz).toBe(0);
    expect(() => hostView(a1, { ...nothing, mhz: 52_801 })).toThrow(refusedBy('CPU-19'));
  });

  it.each([-1, Number.NaN])('an allotment of %d is refused', (figure) => {
    expect(() => hostView(a1, { ...nothing, memoryMiB: figure })).toThrow(refusedBy('CPU-20'));
  });
});
