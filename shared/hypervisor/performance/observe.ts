import { accessSlowdown } from '../numa/locality.ts';
import type { Settlement, VmMemory } from '../overcommit/settlement.ts';
import { slowdownOf } from '../overcommit/swap.ts';
import type { CpuGrant } from '../qos/cpu.ts';
import { type CpuNeed, cpuNeedOf, cpuOf, grantCpu, servedPart } from './cpu.ts';
import { deviceObservation } from './device-observation.ts';
import { type Device, devicesOf } from './devices.ts';
import { shareLine } from './line.ts';
import { hasMiB, memoryHostOf, memoryOf, settle, translationOf } from './memory.ts';
import { houseVms } from './numa.ts';
import type { HostObservation, ObservedHost, RunningVm, VmObservation } from './observation.ts';
import { sentencesOf } from './sentences.ts';

/** A VM with its devices and its need for CPU. */
interface Run {
  vm: RunningVm;
  disks: readonly Device[];
  nics: readonly Device[];
  need: CpuNeed;
}

/**
 * What every VM of a host gets under the present load, and why. The rooms of the physics come one after the other: I/O,
 * since it costs CPU; CPU, and with it the part of the I/O that gets done; memory; NUMA, by the memory that VMs have.
 *
 * Slow memory does not change what CPU a VM asks for or gets: the vCPU waits on the CPU time that it has, and so gets less
 * done (declared). `memory.slowdown` says by how much.
 * @throws Refused when the host cannot have taken these VMs: QOS-2, QOS-4, OVC-5, MEM-12, NUMA-1, NUMA-4
 */
export function observe(host: ObservedHost, vms: readonly RunningVm[]): HostObservation {
  // The last bits of a sum depend on the order of its parts, and the answer shall not depend on that of the VMs.
  const byId = [...vms].sort((a, b) => (a.id < b.id ? -1 : 1));
  const observation = observeInOrder(host, byId);
  const seen = new Map(observation.vms.map((vm) => [vm.vmId, vm]));
  return { ...observation, vms: vms.map((vm) => seen.get(vm.id) as VmObservation) };
}

function observeInOrder(host: ObservedHost, vms: readonly RunningVm[]): HostObservation {
  const { hardware } = host;
  const runs = runsOf(host, vms);
  const { capacityMhz, grants } = grantCpu(hardware, runs);
  const memoryHost = memoryHostOf(host);
  const memory = settle(memoryHost, vms);
  const houses = houseVms(
    hardware,
    vms.map((vm, i) => ({ vm, hasMiB: hasMiB(memory.vms[i] as VmMemory) })),
  );
  const observed = runs.map((run, i) =>
    observeVm(run, {
      grant: grants[i] as CpuGrant,
      has: memory.vms[i] as VmMemory,
      numa: houses.vms[i] as VmObservation['numa'],
      hostState: memory.state,
      clockMhz: hardware.mhz,
    }),
  );
  return {
    cpu: {
      capacityMhz,
      demandedMhz: sum(observed, (vm) => vm.cpu.wantedMhz),
      grantedMhz: sum(observed, (vm) => vm.cpu.grantedMhz),
      overheadMhz: sum(observed, (vm) => vm.cpu.overheadMhz),
    },
    memory: {
      state: memory.state,
      minFreeMiB: memory.minFreeMiB,
      freeMiB: memory.freeMiB,
      residentMiB: memory.residentMiB,
      sharedSavedMiB: memory.savedBySharingMiB,
      balloonedMiB: memory.balloonedMiB,
      swappedMiB: memory.swappedMiB,
      hugePoolMiB: memoryHost.hugePoolMiB,
      managementMiB: memoryHost.managementMiB,
      overheadMiB: memory.overheadMiB,
      newAllocationsBlocked: memory.newAllocationsBlocked,
    },
    numa: houses.nodes,
    vms: observed,
  };
}

/** I/O: what each device may do and what that costs, with the host's line shared among the NICs. */
function runsOf({ hardware }: ObservedHost, vms: readonly RunningVm[]): Run[] {
  const devices = vms.map((vm) => devicesOf(vm, hardware.mhz));
  const onLine = shareLine(
    hardware.nicMbps,
    devices.flatMap(({ nics }) => nics),
  );
  let next = 0;
  return vms.map((vm, i) => {
    const { disks, nics } = devices[i] as (typeof devices)[number];
    const shared = onLine.slice(next, next + nics.length);
    next += nics.length;
    return { vm, disks, nics: shared, need: cpuNeedOf(vm, [...disks, ...shared], hardware) };
  });
}

interface Surroundings {
  grant: CpuGrant;
  has: VmMemory;
  numa: VmObservation['numa'];
  hostState: Settlement['state'];
  clockMhz: number;
}

function observeVm({ vm, disks, nics, need }: Run, at: Surroundings): VmObservation {
  const { grant, has, numa, hostState, clockMhz } = at;
  const swap = slowdownOf({ ...has, activeMiB: vm.load.activeMiB });
  // An access to a swapped page waits for the page, and then costs what any other does.
  const slowdown = accessSlowdown(numa.localShare) + swap.factor - 1;
  const part = servedPart(need, grant);
  const figures = {
    cpu: cpuOf(vm, need, grant),
    memory: memoryOf(vm, has, translationOf(vm, has), hostState, slowdown),
    numa,
    disks: disks.map((disk) => deviceObservation(disk, part)),
    nics: nics.map((nic) => deviceObservation(nic, part)),
  };
  return {
    vmId: vm.id,
    // Made when it is read: a snapshot of a whole host asks for the figures, one VM's tenant for the words.
    get summary() {
      return sentencesOf({ vm, need, has, swap, clockMhz }, figures);
    },
    ...figures,
  };
}

const sum = <T>(all: readonly T[], of: (one: T, i: number) => number): number =>
  all.reduce((total, one, i) => total + of(one, i), 0);
