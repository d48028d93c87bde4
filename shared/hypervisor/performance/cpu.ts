import type { HostHardware } from '../../model/inventory.ts';
import { virtualisationDomain } from '../cpu/capacity.ts';
import { type Architecture, architectureOf } from '../cpu/instruction.ts';
import { busyGuest, mixOf, type Overhead, overheadOf } from '../cpu/mix.ts';
import { type CpuGrant, divideCpu } from '../qos/cpu.ts';
import type { Device } from './devices.ts';
import type { RunningVm, VmObservation } from './observation.ts';

/** What a VM would take if nobody else were there, MHz. */
export interface CpuNeed {
  /** Its own work, as it would be on the bare CPU, with its part in its I/O. */
  ownMhz: number;
  /** What its CPU mode adds to it. */
  modeMhz: number;
  /** What the host does for its devices. */
  deviceMhz: number;
  wantedMhz: number;
  /** How its mode finds the instructions that must be emulated, each second. */
  mode: Pick<Overhead, 'exitsPerSecond' | 'trapsPerSecond' | 'translationsPerSecond' | 'handedOverPerSecond'>;
  deviceExitsPerSecond: number;
}

/**
 * The need for CPU under a load. Work of the host for its devices is charged to the VM, within what its vCPUs may take
 * (declared), so that all VMs together never take more than their domain has (CPU-19).
 */
export function cpuNeedOf(
  { machine: { cpu }, load }: RunningVm,
  devices: readonly Device[],
  hardware: Pick<HostHardware, 'arch' | 'mhz'>,
): CpuNeed {
  const busyMhz = load.cpu * cpu.vcpus * hardware.mhz;
  const mode = overheadPerMhz(cpu.mode, architectureOf(hardware.arch));
  const need: CpuNeed = {
    ownMhz: busyMhz,
    modeMhz: mode.overheadMhz * busyMhz,
    deviceMhz: 0,
    wantedMhz: 0,
    mode: {
      exitsPerSecond: mode.exitsPerSecond * busyMhz,
      trapsPerSecond: mode.trapsPerSecond * busyMhz,
      translationsPerSecond: mode.translationsPerSecond * busyMhz,
      handedOverPerSecond: mode.handedOverPerSecond * busyMhz,
    },
    deviceExitsPerSecond: 0,
  };
  for (const { cost } of devices) {
    need.ownMhz += cost.guestMhz;
    need.deviceMhz += cost.hostMhz;
    need.deviceExitsPerSecond += cost.exitsPerSecond;
  }
  need.wantedMhz = need.ownMhz + need.modeMhz + need.deviceMhz;
  return need;
}

/** Overheads are proportional to the work, so one MHz of a busy guest is priced once for each mode. */
const prices = new Map<string, Overhead>();
function overheadPerMhz(mode: VmObservation['cpu']['mode'], architecture: Architecture): Overhead {
  const key = `${mode} ${architecture}`;
  const known = prices.get(key);
  if (known) return known;
  const price = overheadOf(mixOf(busyGuest(architecture), 1, architecture), mode, architecture);
  prices.set(key, price);
  return price;
}

/** CPU of each VM, in their order (QOS-1 to QOS-3, CPU-18). @throws Refused QOS-2 when reservations exceed the host */
export function grantCpu(
  hardware: HostHardware,
  vms: readonly { vm: RunningVm; need: CpuNeed }[],
): { capacityMhz: number; grants: CpuGrant[] } {
  const { mhz: capacityMhz } = virtualisationDomain(hardware);
  const claims = vms.map(({ vm: { id, machine }, need }) => ({
    id,
    vcpus: machine.cpu.vcpus,
    shares: machine.cpu.shares,
    reservationMhz: machine.cpu.reservationMhz,
    limitMhz: machine.cpu.limitMhz,
    demandMhz: need.wantedMhz,
  }));
  return { capacityMhz, grants: divideCpu(capacityMhz, hardware.mhz, claims) };
}

/** The part of its work that a VM gets done: below its need everything slows down alike (declared). */
export const servedPart = ({ wantedMhz }: CpuNeed, { grantedMhz }: CpuGrant): number =>
  wantedMhz > 0 ? grantedMhz / wantedMhz : 1;

export function cpuOf({ machine: { cpu } }: RunningVm, need: CpuNeed, grant: CpuGrant): VmObservation['cpu'] {
  const part = servedPart(need, grant);
  const { grantedMhz, ceilingMhz, floorMhz, shares, boundBy, readyPercent, limitedPercent } = grant;
  const { exitsPerSecond, trapsPerSecond, translationsPerSecond, handedOverPerSecond } = need.mode;
  return {
    mode: cpu.mode,
    vcpus: cpu.vcpus,
    wantedMhz: need.wantedMhz,
    grantedMhz,
    usefulMhz: need.ownMhz * part,
    overheadMhz: (need.modeMhz + need.deviceMhz) * part,
    floorMhz,
    ceilingMhz,
    shares,
    boundBy,
    readyPercent,
    limitedPercent,
    exitsPerSecond: (exitsPerSecond + need.deviceExitsPerSecond) * part,
    trapsPerSecond: trapsPerSecond * part,
    translationsPerSecond: translationsPerSecond * part,
    handedOverPerSecond: handedOverPerSecond * part,
  };
}
