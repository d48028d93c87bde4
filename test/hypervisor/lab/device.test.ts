import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnswerOf, ask, askOrRefuse, named, RUNS, some, sum } from './ask.ts';

type Total = AnswerOf<'device'>['comparison'][number];

describe('device', () => {
  const greedy = (mode: 'emulated' | 'virtio' | 'passthrough', vms: number) =>
    ask({ experiment: 'device', vms: [{ id: 'vm', count: vms, mode }] });

  it('K4 (SR-IOV study, HPCA 2010): 60 VMs reach the line rate of 9.48 Gb/s at 1.76 % of a thread for each', () => {
    const { total, vms } = greedy('passthrough', 60);
    expect(total.mbps).toBeCloseTo(9480, 6);
    expect(vms[0]).toMatchObject({ boundBy: 'line', mbps: expect.closeTo(158, 9) });
    expect(vms[0]?.hostThreadShare).toBeCloseTo(0.0176, 9);
  });

  it('K4 (Proxmox community forum): virtio without offloads loses about 35 % of the line', () => {
    const { total, vms } = greedy('virtio', 1);
    expect(1 - total.mbps / 9480).toBeCloseTo(0.35, 1);
    expect(vms[0]?.boundBy).toBe('backend CPU');
  });

  it.each([1, 60, 256])(
    'IO-5 (source document), K4: full emulation < virtio < SR-IOV for %d VMs, the reverse in CPU',
    (n) => {
      const { comparison } = greedy('virtio', n);
      const [emulated, virtio, direct] = comparison as [Total, Total, Total];
      expect(comparison.map((c) => c.mode)).toEqual(['emulated', 'virtio', 'passthrough']);
      expect(emulated.mbps).toBeLessThan(virtio.mbps);
      expect(virtio.mbps).toBeLessThan(direct.mbps);
      expect(emulated.hostMhzPerMbps).toBeGreaterThan(virtio.hostMhzPerMbps as number);
      expect(virtio.hostMhzPerMbps).toBeGreaterThan(direct.hostMhzPerMbps as number);
    },
  );

  it('device: neither line nor backend carries more than it can, and nobody gets more than is wanted', () => {
    const vm = fc.record({
      mode: fc.constantFrom('emulated' as const, 'virtio' as const, 'passthrough' as const),
      count: fc.integer({ min: 1, max: 20 }),
      wantedMbps: fc.integer({ min: 0, max: 20_000 }),
      requestBytes: fc.integer({ min: 64, max: 1_048_576 }),
    });
    const asked = fc.record({
      lineMbps: fc.integer({ min: 0, max: 40_000 }),
      backendMhz: fc.integer({ min: 0, max: 20_000 }),
      vms: some(vm).map(named),
    });
    fc.assert(
      fc.property(asked, (question) => {
        const answer = askOrRefuse({ experiment: 'device', ...question });
        for (const { mbps, backendMhz } of [answer?.total, ...(answer?.comparison ?? [])].filter(
          (t) => t !== undefined,
        )) {
          expect(mbps).toBeLessThanOrEqual(question.lineMbps * (1 + 1e-9) + 1e-6);
          expect(backendMhz).toBeLessThanOrEqual(question.backendMhz * (1 + 1e-9) + 1e-6);
        }
        for (const v of answer?.vms ?? []) expect(v.mbps).toBeLessThanOrEqual(v.wantedMbps * (1 + 1e-9));
        expect(sum(answer?.vms.map((v) => v.count * v.mbps) ?? [])).toBeCloseTo(answer?.total.mbps as number, 6);
      }),
      RUNS,
    );
  });
});
