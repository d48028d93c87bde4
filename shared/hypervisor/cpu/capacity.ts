import type { HostCapacity, HostHardware } from '../../model/inventory.ts';

/** Hyper-threads that the management domain of a host takes (CPU-21). */
export const MANAGEMENT_VCPUS = 2;
/** Memory that the management domain takes: this share of the host, at least the floor. Declared: the source gives no figure. */
export const MANAGEMENT_MEMORY_SHARE = 0.02;
export const MANAGEMENT_MEMORY_FLOOR_MIB = 2_048;

type Cpu = Pick<HostHardware, 'sockets' | 'coresPerSocket' | 'threadsPerCore' | 'mhz' | 'memoryMiB'>;

/** Host vCPUs = sockets x cores x threads (CPU-16). */
export const hostVcpus = (h: Cpu): number => h.sockets * h.coresPerSocket * h.threadsPerCore;

/** What a host gives to VMs: CPU-17, CPU-18, CPU-20, CPU-21. MHz = vCPUs for VMs x clock. */
export function virtualisationDomain(h: Cpu): HostCapacity {
  const vcpus = Math.max(0, hostVcpus(h) - MANAGEMENT_VCPUS);
  const managementMiB = Math.max(MANAGEMENT_MEMORY_FLOOR_MIB, Math.round(h.memoryMiB * MANAGEMENT_MEMORY_SHARE));
  return { vcpus, mhz: vcpus * h.mhz, memoryMiB: Math.max(0, h.memoryMiB - managementMiB) };
}
