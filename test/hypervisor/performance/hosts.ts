import { type Load, loadOf, type Machine } from '../../../shared/hypervisor/machine.ts';
import type { ObservedHost, RunningVm } from '../../../shared/hypervisor/performance/observation.ts';
import { NO_OVERCOMMIT } from '../../../shared/model/inventory.ts';

export const GIB = 1024;

/** 2 sockets of 8 cores with 2 threads at 2.5 GHz: 30 vCPUs and 75 GHz for VMs; 128 GiB on two nodes; 10 GbE. */
export const host = (
  over: Partial<Omit<ObservedHost, 'hardware'>> & { hardware?: Partial<ObservedHost['hardware']> } = {},
): ObservedHost => ({
  overcommit: NO_OVERCOMMIT,
  swapMiB: 0,
  memoryState: 'high',
  ...over,
  hardware: {
    id: 'host-1',
    siteId: 'site-1',
    clusterId: 'cluster-1',
    name: 'host-1',
    vendor: 'Huawei',
    arch: 'x86',
    sockets: 2,
    coresPerSocket: 8,
    threadsPerCore: 2,
    mhz: 2500,
    memoryMiB: 128 * GIB,
    hardwareVirtualisation: true,
    nestedPaging: true,
    numaNodes: 2,
    nicMbps: 10_000,
    ...over.hardware,
  },
});

/** One core of 2.8 GHz for VMs, beside the two that management has. */
export const oneCore = { sockets: 1, coresPerSocket: 3, threadsPerCore: 1, mhz: 2800, numaNodes: 1 };

export interface Wish {
  machine?: Partial<Machine>;
  load?: Partial<Load>;
  shaping?: RunningVm['shaping'];
}

/** A Linux VM with 1 vCPU, 2 GiB, one disk and one NIC, which idles. */
export function vm(id: string, { machine, load, shaping = {} }: Wish = {}): RunningVm {
  const made: Machine = {
    tenantId: 'tenant-1',
    cpu: { vcpus: 1, mode: 'hardware' },
    memory: { sizeMiB: 2 * GIB, mode: 'hardware', pageSize: '4k' },
    guest: { os: 'linux' },
    disks: [{ name: 'root', io: 'virtio', sizeGiB: 10 }],
    nics: [{ id: `${id}-nic`, networkId: 'net-1', io: 'virtio' }],
    ...machine,
  };
  return { id, machine: made, load: loadOf(made, { cpu: 0, ...load }), shaping };
}
