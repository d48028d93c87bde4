import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IoMode } from '../../../shared/hypervisor/io/path.ts';
import { type DeviceLoad, type DeviceShare, deviceThroughput } from '../../../shared/hypervisor/io/throughput.ts';
import {
  ETHERNET_MTU_BYTES,
  IO_REFERENCE_MHZ,
  SRIOV_EXTRA_CPU_PER_VM,
  SRIOV_LINE_MBPS,
  SRIOV_VMS,
} from '../../../shared/hypervisor/parameters.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const oneThread = { lineMbps: SRIOV_LINE_MBPS, backendMhz: IO_REFERENCE_MHZ };
const greedy = (mode: IoMode, n: number, requestBytes = ETHERNET_MTU_BYTES): DeviceLoad['vms'] =>
  Array.from({ length: n }, (_, i) => ({ id: `${mode}-${i}`, mode, wantedMbps: SRIOV_LINE_MBPS, requestBytes }));
const sum = (shares: DeviceShare[]) => shares.reduce((mbps, s) => mbps + s.mbps, 0);

describe('worked example K4 (SR-IOV study, HPCA 2010; Proxmox community forum for virtio)', () => {
  it('K4: SR-IOV reaches the line rate of 9.48 Gb/s with 60 VMs at 1.76 % of a thread for each', () => {
    const shares = deviceThroughput({ ...oneThread, vms: greedy('passthrough', SRIOV_VMS) });
    expect(sum(shares)).toBeCloseTo(9480, 6);
    for (const s of shares) {
      expect(s.boundBy).toBe('line');
      expect(s.hostMhz / IO_REFERENCE_MHZ).toBeCloseTo(SRIOV_EXTRA_CPU_PER_VM, 10);
    }
  });

  it('K4: virtio without offloads loses about 35 % of the line, and nothing with requests of 64 KiB', () => {
    const without = sum(deviceThroughput({ ...oneThread, vms: greedy('virtio', 1) }));
    expect(1 - without / SRIOV_LINE_MBPS).toBeGreaterThan(0.3);
    expect(1 - without / SRIOV_LINE_MBPS).toBeLessThan(0.4);
    expect(sum(deviceThroughput({ ...oneThread, vms: greedy('virtio', 1, 65_536) }))).toBeCloseTo(9480, 6);
  });

  it.each([1, 2, 8, 60])(
    'K4, IO-5: full emulation < virtio < SR-IOV with %d VMs, and the reverse in CPU per Mb/s',
    (n) => {
      const [emulated, virtio, direct] = (['emulated', 'virtio', 'passthrough'] as const).map((mode) => {
        const shares = deviceThroughput({ ...oneThread, vms: greedy(mode, n) });
        return { mbps: sum(shares), mhzPerMbps: shares.reduce((mhz, s) => mhz + s.hostMhz, 0) / sum(shares) };
      }) as [
        { mbps: number; mhzPerMbps: number },
        { mbps: number; mhzPerMbps: number },
        { mbps: number; mhzPerMbps: number },
      ];
      expect(emulated.mbps).toBeLessThan(virtio.mbps);
      expect(virtio.mbps).toBeLessThan(direct.mbps);
      expect(emulated.mhzPerMbps).toBeGreaterThan(virtio.mhzPerMbps);
      expect(virtio.mhzPerMbps).toBeGreaterThan(direct.mhzPerMbps);
    },
  );
});

describe('VMs on one device', () => {
  it('IO-1: with more emulated VMs each gets less, and all of them together too', () => {
    let [each, all] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (const n of [1, 2, 4, 8, 16, 32]) {
      const shares = deviceThroughput({ ...oneThread, vms: greedy('emulated', n) });
      expect(shares[0]?.boundBy).toBe('backend CPU');
      expect(shares[0]?.mbps).toBeLessThan(each);
      expect(sum(shares)).toBeLessThan(all);
      [each, all] = [shares[0]?.mbps as number, sum(shares)];
    }
  });

  it('IO-3: passthrough goes on at full rate where the backend has no CPU left', () => {
    const shares = deviceThroughput({
      lineMbps: 1000,
      backendMhz: 0,
      vms: [
        { id: 'v', mode: 'virtio', wantedMbps: 500, requestBytes: 1500 },
        { id: 'p', mode: 'passthrough', wantedMbps: 500, requestBytes: 1500 },
      ],
    });
    expect(shares).toMatchObject([
      { mbps: 0, boundBy: 'backend CPU' },
      { mbps: 500, boundBy: 'demand' },
    ]);
  });

  const vm = fc.record({
    mode: fc.constantFrom<IoMode>('emulated', 'virtio', 'passthrough'),
    wantedMbps: fc.integer({ min: 0, max: 20_000 }),
    requestBytes: fc.integer({ min: 64, max: 1_048_576 }),
  });
  it('neither line nor backend CPU is exceeded, nobody gets more than wanted, and each bound is true', () => {
    const load = fc.record({
      lineMbps: fc.integer({ min: 0, max: 40_000 }),
      backendMhz: fc.integer({ min: 0, max: 20_000 }),
      vms: fc.array(vm, { maxLength: 12 }).map((vms) => vms.map((v, i) => ({ id: `${i}`, ...v }))),
    });
    fc.assert(
      fc.property(load, ({ lineMbps, backendMhz, vms }) => {
        const shares = deviceThroughput({ lineMbps, backendMhz, vms });
        const backend = shares.filter((s) => s.mode !== 'passthrough').reduce((mhz, s) => mhz + s.hostMhz, 0);
        const slack = (n: number) => n * (1 + 1e-9) + 1e-6;
        expect(sum(shares)).toBeLessThanOrEqual(slack(lineMbps));
        expect(backend).toBeLessThanOrEqual(slack(backendMhz));
        shares.forEach((s, i) => {
          expect(s.mbps).toBeLessThanOrEqual(slack(vms[i]?.wantedMbps as number));
          if (s.boundBy === 'demand') expect(slack(s.mbps)).toBeGreaterThanOrEqual(vms[i]?.wantedMbps as number);
          if (s.boundBy === 'backend CPU') expect(s.mode).not.toBe('passthrough');
        });
        // Nothing is left idle that somebody waits for.
        const bounds = new Set(shares.map((s) => s.boundBy));
        if (bounds.has('line')) expect(slack(sum(shares))).toBeGreaterThanOrEqual(lineMbps);
        else if (bounds.has('backend CPU')) expect(slack(backend)).toBeGreaterThanOrEqual(backendMhz);
      }),
      { numRuns },
    );
  });

  it('figures below zero are refused', () => {
    expect(() => deviceThroughput({ lineMbps: -1, backendMhz: 1, vms: greedy('virtio', 1) })).toThrow(/IO-2/);
    expect(() => deviceThroughput({ ...oneThread, vms: greedy('emulated', 1, 0) })).toThrow(/IO-1/);
  });
});
