import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostObservation, RunningVm } from '../../../shared/hypervisor/performance/observation.ts';
import { observe } from '../../../shared/hypervisor/performance/observe.ts';
import { host, oneCore, vm } from './hosts.ts';
import { anyCrowd } from './random-hosts.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
/** A line that nobody fills, Mbit/s. */
const WIDE = 1_000_000;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
/** Sums of floats miss by a part of the last bits. */
const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));

describe('laws of every host', () => {
  it('QOS-1 to QOS-3, CPU-19: what is granted is the smaller of the capacity and the sum of ceilings, each within its bounds', () => {
    fc.assert(
      fc.property(anyCrowd(), ({ host, vms }) => {
        const { cpu, vms: seen } = observe(host, vms);
        const ceilings = seen.map((v) => Math.min(v.cpu.ceilingMhz, v.cpu.wantedMhz));
        expect(near(cpu.grantedMhz, Math.min(cpu.capacityMhz, sum(ceilings)))).toBe(true);
        expect(cpu.grantedMhz).toBeLessThanOrEqual(cpu.capacityMhz * (1 + 1e-9));
        for (const [i, { cpu: c }] of seen.entries()) {
          expect(c.grantedMhz).toBeLessThanOrEqual((ceilings[i] as number) * (1 + 1e-9));
          expect(c.grantedMhz).toBeGreaterThanOrEqual(Math.min(c.floorMhz, ceilings[i] as number) * (1 - 1e-9));
          expect(near(c.usefulMhz + c.overheadMhz, c.grantedMhz)).toBe(true);
        }
      }),
      { numRuns },
    );
  });

  it('OVC-7: physical memory = management + huge pages + resident + overhead + free, and VMs have what is resident', () => {
    fc.assert(
      fc.property(anyCrowd(), ({ host, vms }) => {
        const { memory: m, vms: seen } = observe(host, vms);
        const all = m.managementMiB + m.hugePoolMiB + m.residentMiB + m.overheadMiB + m.freeMiB;
        expect(near(all, host.hardware.memoryMiB)).toBe(true);
        const hugeMiB = sum(vms.map((v) => (v.machine.memory.pageSize === '2m' ? v.machine.memory.sizeMiB : 0)));
        expect(near(sum(seen.map((v) => v.memory.residentMiB)), m.residentMiB + hugeMiB)).toBe(true);
        for (const v of seen) expect(v.memory.residentMiB).toBeGreaterThanOrEqual(0);
      }),
      { numRuns },
    );
  });

  it('NUMA-1: vCPUs are whole on the nodes, memory is there but for less than a MiB a node, local and remote make one', () => {
    fc.assert(
      fc.property(anyCrowd(), ({ host, vms }) => {
        const { numa, vms: seen } = observe(host, vms);
        expect(sum(numa.map((n) => n.usedVcpus))).toBe(sum(vms.map((v) => v.machine.cpu.vcpus)));
        for (const { numa: home, cpu, memory } of seen) {
          expect(sum(home.nodes.map((n) => n.vcpus))).toBe(cpu.vcpus);
          expect(Math.abs(sum(home.nodes.map((n) => n.memoryMiB)) - memory.residentMiB)).toBeLessThan(2);
          expect(near(home.localShare + home.remoteShare, 1)).toBe(true);
          expect(memory.slowdown).toBeGreaterThanOrEqual(1);
        }
      }),
      { numRuns },
    );
  });

  it('QOS-5, QOS-6: no device does more than it was asked for, nor all NICs more than the line, nor a disk more than its cap', () => {
    fc.assert(
      fc.property(anyCrowd(), ({ host, vms }) => {
        const { vms: seen } = observe(host, vms);
        for (const direction of ['read', 'write'] as const) {
          const nics = seen.flatMap((v) => v.nics);
          expect(sum(nics.map((n) => n.granted[direction]))).toBeLessThanOrEqual(host.hardware.nicMbps * (1 + 1e-9));
          for (const d of [...nics, ...seen.flatMap((v) => v.disks)])
            expect(d.granted[direction]).toBeLessThanOrEqual(d.wanted[direction] * (1 + 1e-9));
        }
        for (const [i, { disks }] of seen.entries())
          for (const [j, { granted }] of disks.entries())
            expect(granted.read + granted.write).toBeLessThanOrEqual(
              (vms[i]?.machine.disks[j]?.qos?.total?.iops ?? Number.POSITIVE_INFINITY) * (1 + 1e-9),
            );
      }),
      { numRuns },
    );
  });

  it('a device that does less than it was asked for names what holds it back, and one that does all names nothing', () => {
    fc.assert(
      fc.property(anyCrowd(), ({ host, vms }) => {
        for (const d of observe(host, vms).vms.flatMap((v) => [...v.disks, ...v.nics])) {
          const all = near(d.granted.read, d.wanted.read) && near(d.granted.write, d.wanted.write);
          if (!all) expect(d.boundBy).not.toBe('demand');
          if (d.boundBy === 'demand') expect(all).toBe(true);
        }
      }),
      { numRuns },
    );
  });

  it('the order of the VMs does not matter', () => {
    fc.assert(
      fc.property(anyCrowd(), fc.integer(), ({ host, vms }, turn) => {
        const at = Math.abs(turn) % vms.length;
        const turned = [...vms.slice(at), ...vms.slice(0, at)].reverse();
        const byId = ({ vms: seen, ...all }: HostObservation) => ({
          ...all,
          vms: [...seen].sort((a, b) => (a.vmId < b.vmId ? -1 : 1)),
        });
        expect(byId(observe(host, turned))).toEqual(byId(observe(host, vms)));
      }),
      { numRuns },
    );
  });

  it('QOS-1: with a line that is not full, a VM more never gives another one more CPU', () => {
    fc.assert(
      fc.property(anyCrowd(WIDE), ({ host, vms }) => {
        const after = observe(host, vms).vms;
        const before = observe(host, vms.slice(1)).vms;
        for (const [i, { cpu }] of before.entries())
          expect(after[i + 1]?.cpu.grantedMhz).toBeLessThanOrEqual(cpu.grantedMhz * (1 + 1e-9) + 1e-6);
      }),
      { numRuns },
    );
  });

  it('a VM that fills the line takes work from others that send, and the CPU that they save is free for the rest', () => {
    const sender = (id: string, priority: number) =>
      vm(id, {
        machine: { nics: [{ id: `nic-${id}`, networkId: 'net', io: 'virtio', qos: { priority } }] },
        load: { sendMbps: 900 },
      });
    const crowded = host({ hardware: { ...oneCore, nicMbps: 1000 } });
    const before: RunningVm[] = [vm('worker', { load: { cpu: 1 } }), sender('sender', 7)];
    const mhz = (vms: RunningVm[]) => observe(crowded, vms).vms[0]?.cpu.grantedMhz as number;
    const idler = {
      ...sender('first', 2),
      machine: { ...sender('first', 2).machine, cpu: { vcpus: 1, mode: 'hardware' as const, limitMhz: 1 } },
    };
    expect(mhz([...before, idler])).toBeGreaterThan(mhz(before));
  });

  it('the summary tells of the VM itself and names no other', () => {
    fc.assert(
      fc.property(anyCrowd(), ({ host, vms }) => {
        const named = vms.map((v, i) => ({ ...v, id: `secret-${i}` }));
        for (const { summary, numa } of observe(host, named).vms) {
          expect(summary.length).toBeGreaterThan(0);
          expect([...summary, numa.why].join(' ')).not.toMatch(/secret-|tenant-|NaN|undefined|Infinity/);
        }
      }),
      { numRuns },
    );
  });
});
