import type { CpuSpec, Disk, GuestSpec, MemorySpec, Nic, NumaSpec, Vm } from '../model/vm.ts';
import { ACTIVE_SHARE, BOOTED_TOUCHED_SHARE, IDLE_CPU, REQUEST_KIB } from './parameters.ts';

/** What a hypervisor needs to know of a VM to run it. */
export interface Machine {
  /** Pages of equal content are shared within a tenant (OVC-4). */
  tenantId: string;
  cpu: CpuSpec;
  memory: MemorySpec;
  guest: GuestSpec;
  disks: Pick<Disk, 'name' | 'io' | 'sizeGiB' | 'persistent' | 'qos'>[];
  nics: Pick<Nic, 'id' | 'networkId' | 'io' | 'qos'>[];
  numa?: NumaSpec;
  /** Node of the host for each virtual NUMA node. */
  home?: number[];
}

export const machineOf = (vm: Vm): Machine => ({
  tenantId: vm.tenantId,
  cpu: vm.cpu,
  memory: vm.memory,
  guest: vm.guest,
  disks: vm.disks.map(({ name, io, sizeGiB, persistent, qos }) => ({
    name,
    io,
    sizeGiB,
    ...(persistent === false ? { persistent } : {}),
    ...(qos ? { qos } : {}),
  })),
  nics: vm.nics.map(({ id, networkId, io, qos }) => ({ id, networkId, io, ...(qos ? { qos } : {}) })),
  ...(vm.numa ? { numa: vm.numa } : {}),
  ...(vm.home ? { home: vm.home } : {}),
});

/** What the guest inside does now. All of it is the guest's wish; what it gets follows from its host. */
export interface Load {
  /** Share of its vCPUs that it keeps busy, 0 to 1. */
  cpu: number;
  /** Memory that it overwrites, MiB/s. */
  dirtyMiBps: number;
  readIops: number;
  writeIops: number;
  /** Size of its disk requests, KiB. */
  requestKiB: number;
  sendMbps: number;
  receiveMbps: number;
  /** Memory that it has ever used, and that it uses all the time, MiB; active <= touched <= its size. */
  touchedMiB: number;
  activeMiB: number;
}

/** The load of a guest, with what it leaves open filled in; never more memory than it has. */
export function loadOf(machine: Machine, said: Partial<Load> = {}): Load {
  const { sizeMiB } = machine.memory;
  const touchedMiB = Math.min(
    said.touchedMiB ?? Math.max(sizeMiB * BOOTED_TOUCHED_SHARE, said.activeMiB ?? 0),
    sizeMiB,
  );
  return {
    cpu: said.cpu ?? IDLE_CPU,
    dirtyMiBps: said.dirtyMiBps ?? 0,
    readIops: said.readIops ?? 0,
    writeIops: said.writeIops ?? 0,
    requestKiB: said.requestKiB ?? REQUEST_KIB,
    sendMbps: said.sendMbps ?? 0,
    receiveMbps: said.receiveMbps ?? 0,
    touchedMiB,
    activeMiB: Math.min(said.activeMiB ?? touchedMiB * ACTIVE_SHARE, touchedMiB),
  };
}
