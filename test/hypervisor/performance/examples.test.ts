import { describe, expect, it } from 'vitest';
import type { VmObservation } from '../../../shared/hypervisor/performance/observation.ts';
import { observe } from '../../../shared/hypervisor/performance/observe.ts';
import { host, oneCore, vm } from './hosts.ts';

const busy = (id: string, cpu: { shares?: number; reservationMhz?: number; limitMhz?: number; vcpus?: number }) =>
  vm(id, { machine: { cpu: { vcpus: 1, mode: 'hardware', ...cpu } }, load: { cpu: 1 } });
const grants = (vms: readonly VmObservation[]) => vms.map((v) => v.cpu.grantedMhz);

describe('CPU of a whole host', () => {
  it('A1 (source document, CPU-16 to CPU-21): 24 vCPUs at 2400 MHz are 52 800 MHz for VMs, and management keeps its memory', () => {
    const { cpu, memory } = observe(
      host({ hardware: { sockets: 2, coresPerSocket: 6, mhz: 2400, memoryMiB: 100_000 } }),
      [],
    );
    expect(cpu).toEqual({ capacityMhz: 52_800, demandedMhz: 0, grantedMhz: 0, overheadMhz: 0 });
    expect(memory).toMatchObject({ managementMiB: 2048, freeMiB: 97_952, residentMiB: 0, state: 'high' });
  });

  it('B1 (Huawei community forum, FusionCompute CPU QoS): shares 1000/2000/4000 on one 2.8 GHz core give 400/800/1600 MHz', () => {
    const vms = [1000, 2000, 4000].map((shares) => busy(`vm-${shares}`, { shares }));
    const { vms: got, cpu } = observe(host({ hardware: oneCore }), vms);
    expect(grants(got)).toEqual([400, 800, 1600]);
    expect(cpu).toMatchObject({ capacityMhz: 2800, grantedMhz: 2800 });
    expect(got[0]?.summary[0]).toContain('by shares: it has 1000');
  });

  it('B2 (Huawei community forum): as B1, the first VM reserves 700 MHz: 700/700/1400 MHz', () => {
    const vms = [1000, 2000, 4000].map((shares) =>
      busy(`vm-${shares}`, { shares, ...(shares === 1000 ? { reservationMhz: 700 } : {}) }),
    );
    const { vms: got } = observe(host({ hardware: oneCore }), vms);
    expect(grants(got)).toEqual([700, 700, 1400]);
    expect(got[0]?.summary[0]).toContain('it has reserved 700 MHz (QOS-2)');
  });

  it('B3 (Huawei community forum): a VM of 2 vCPUs with a limit of 3 GHz gets no more, even on an idle host', () => {
    const { vms: got } = observe(host(), [busy('vm', { vcpus: 2, limitMhz: 3000 })]);
    expect(grants(got)).toEqual([3000]);
    expect(got[0]?.cpu).toMatchObject({ boundBy: 'limit', readyPercent: 0, limitedPercent: 40 });
  });
});

it.each([
  ['nested, 4k', 'hardware', '4k', 24],
  ['nested, 2m in guest and host', 'hardware', '2m', 15],
  ['shadow, 4k', 'shadow', '4k', 4],
] as const)(
  'K1 (published nested-paging measurements): %s costs its references for each TLB miss',
  (_, mode, pageSize, references) => {
    const { vms } = observe(host({ hardware: { hugePages: { '2m': 4096 } } }), [
      vm('vm', { machine: { memory: { sizeMiB: 8192, mode, pageSize } }, load: { touchedMiB: 8192, activeMiB: 8192 } }),
    ]);
    expect(vms[0]?.memory.walk.referencesPerMiss).toBe(references);
    expect(vms[0]?.summary.join(' ')).toContain(`costs it ${references} memory references`);
  },
);
