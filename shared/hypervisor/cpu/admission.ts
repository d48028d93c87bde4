import type { HostHardware } from '../../model/inventory.ts';
import { type CpuSpec, cpuSpec, type GuestSpec, type MemorySpec } from '../../model/vm.ts';
import type { Refusal } from '../refusal.ts';

export interface CpuModeRequest {
  mode: CpuSpec['mode'];
  memoryMode?: MemorySpec['mode'];
  guest: GuestSpec;
  host: Pick<HostHardware, 'arch' | 'hardwareVirtualisation' | 'nestedPaging'>;
}

/** Why a guest cannot run in a CPU and a memory mode on a host: CPU-9, CPU-10, MEM-7. Empty: it can. */
export function cpuModeRefusals({ mode, memoryMode, guest, host }: CpuModeRequest): Refusal[] {
  const refusals: Refusal[] = [];
  if (mode === 'para' && guest.os !== 'linux')
    refusals.push({
      rule: 'CPU-9',
      reason: `para-virtualisation needs an open kernel that can be modified, and that of '${guest.os}' is closed or unknown`,
      fix: 'use a Linux guest, or the CPU mode hardware or full',
      figures: { os: guest.os },
    });
  else if (mode === 'para' && guest.paravirtual === false)
    refusals.push({
      rule: 'CPU-9',
      reason: 'para-virtualisation needs a modified kernel, and the kernel of this guest is not modified',
      fix: 'use an image with a modified kernel, or the CPU mode hardware or full',
      figures: { os: guest.os },
    });
  const extension = host.arch === 'arm' ? 'the virtualisation extension of ARM' : 'VT-x or AMD-V';
  if (mode === 'hardware' && !host.hardwareVirtualisation)
    refusals.push({
      rule: 'CPU-10',
      reason: `hardware-assisted virtualisation needs ${extension}, and the CPU of the host has it not`,
      fix: 'use another host, or the CPU mode full or para',
    });
  const paging = host.arch === 'arm' ? 'stage 2 translation' : 'EPT or NPT';
  if (memoryMode === 'hardware' && !host.nestedPaging)
    refusals.push({
      rule: 'MEM-7',
      reason: `hardware-assisted memory needs ${paging}, and the CPU of the host has it not`,
      fix: 'use another host, or the memory mode shadow',
    });
  return refusals;
}

export interface Topology {
  vcpus: number;
  coresPerSocket?: number;
  /** vnodes of the guest (NUMA-3). */
  numaNodes?: number;
}

/** Why a VM cannot have its vCPUs in this shape: count and sockets ELA-1, equal vnodes NUMA-3. Empty: it can. */
export function topologyRefusals({ vcpus, coresPerSocket, numaNodes }: Topology): Refusal[] {
  const count = cpuSpec.shape.vcpus;
  if (!count.safeParse(vcpus).success)
    return [
      {
        rule: 'ELA-1',
        reason: `a VM cannot have ${vcpus} vCPUs`,
        fix: `use a whole number from ${count.minValue} to ${count.maxValue}`,
        figures: { vcpus },
      },
    ];
  const refusals: Refusal[] = [];
  if (coresPerSocket !== undefined && !divides(coresPerSocket, vcpus))
    refusals.push({
      rule: 'ELA-1',
      reason: `${coresPerSocket} cores per socket do not divide ${vcpus} vCPUs`,
      fix: `use one of ${divisors(vcpus)} cores per socket`,
      figures: { vcpus, coresPerSocket },
    });
  if (numaNodes !== undefined && !divides(numaNodes, vcpus))
    refusals.push({
      rule: 'NUMA-3',
      reason: `${vcpus} vCPUs cannot be shared out evenly among ${numaNodes} vnodes`,
      fix: `use one of ${divisors(vcpus)} vnodes`,
      figures: { vcpus, numaNodes },
    });
  return refusals;
}

const divides = (part: number, whole: number): boolean => part >= 1 && whole % part === 0;
const divisors = (n: number): string =>
  Array.from({ length: n }, (_, i) => i + 1)
    .filter((d) => divides(d, n))
    .join(', ');
