import type { HostCapacity, HostHardware } from '../../model/inventory.ts';
import { MANAGEMENT_MEMORY_FLOOR_MIB, MANAGEMENT_MEMORY_SHARE, MANAGEMENT_VCPUS } from '../parameters.ts';
import { Refused } from '../refusal.ts';

type Cpu = Pick<HostHardware, 'sockets' | 'coresPerSocket' | 'threadsPerCore' | 'mhz' | 'memoryMiB'>;

/** A host in its two domains: `management + virtualisation = total`, `allotted + free = virtualisation` (CPU-20). */
export interface HostView {
  total: HostCapacity;
  management: HostCapacity;
  virtualisation: HostCapacity;
  /** What VMs have been given. */
  allotted: HostCapacity;
  /** Below zero for vCPUs and memory where more is promised than is there (overcommit); never for MHz (CPU-19). */
  free: HostCapacity;
}

/** Host vCPUs = sockets x cores x threads (CPU-16). */
export const hostVcpus = (h: Cpu): number => h.sockets * h.coresPerSocket * h.threadsPerCore;

/** What a host gives to VMs: CPU-17, CPU-18, CPU-20, CPU-21. MHz = vCPUs for VMs x clock. */
export function virtualisationDomain(h: Cpu): HostCapacity {
  const vcpus = Math.max(0, hostVcpus(h) - MANAGEMENT_VCPUS);
  const managementMiB = Math.max(MANAGEMENT_MEMORY_FLOOR_MIB, Math.round(h.memoryMiB * MANAGEMENT_MEMORY_SHARE));
  return { vcpus, mhz: vcpus * h.mhz, memoryMiB: Math.max(0, h.memoryMiB - managementMiB) };
}

/** vCPUs, MHz and memory alone: a ledger may count more, of which management has no part. */
const minus = (a: HostCapacity, b: HostCapacity): HostCapacity => ({
  vcpus: a.vcpus - b.vcpus,
  mhz: a.mhz - b.mhz,
  memoryMiB: a.memoryMiB - b.memoryMiB,
});

/**
 * Both domains of a host, and what VMs have of theirs (CPU-20).
 * @throws `Refused` CPU-19 when VMs have more MHz than the host gives; CPU-20 when an allotted figure is below zero.
 */
export function hostView(hardware: Cpu, allotted: HostCapacity): HostView {
  const total = {
    vcpus: hostVcpus(hardware),
    mhz: hostVcpus(hardware) * hardware.mhz,
    memoryMiB: hardware.memoryMiB,
  };
  const virtualisation = virtualisationDomain(hardware);
  if (!Object.values(allotted).every((figure) => figure >= 0))
    throw new Refused({
      rule: 'CPU-20',
      reason: 'a host cannot have allotted less than nothing',
      fix: 'give vCPUs, MHz and MiB of zero or more',
      figures: { ...allotted },
    });
  if (allotted.mhz > virtualisation.mhz)
    throw new Refused({
      rule: 'CPU-19',
      reason: `VMs have ${allotted.mhz} MHz of a host that gives them ${virtualisation.mhz} MHz`,
      fix: 'move VMs away or lower their reservations',
      figures: { allottedMhz: allotted.mhz, capacityMhz: virtualisation.mhz },
    });
  const { vcpus, mhz, memoryMiB } = allotted;
  return {
    total,
    management: minus(total, virtualisation),
    virtualisation,
    allotted: { vcpus, mhz, memoryMiB },
    free: minus(virtualisation, allotted),
  };
}
