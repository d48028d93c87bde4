import { SHARES_PER_VCPU } from '../parameters.ts';
import { type BoundBy, type Claim, waterFill } from './water-filling.ts';

/** CPU QoS of a VM: QOS-1 to QOS-3. MHz are of the whole VM, not of one vCPU; 0 or absent = none. */
export interface CpuQos {
  vcpus: number;
  shares?: number | undefined;
  reservationMhz?: number | undefined;
  limitMhz?: number | undefined;
}
export interface CpuClaim extends CpuQos {
  id: string;
  /** What its guest and the work done for it would take if nobody else were there, MHz. */
  demandMhz: number;
}
export interface CpuGrant {
  id: string;
  grantedMhz: number;
  /** What it may have at most: its vCPUs at full clock, or its limit. */
  ceilingMhz: number;
  /** What it is sure of. */
  floorMhz: number;
  shares: number;
  boundBy: BoundBy;
  /** Share of the time in which a vCPU could run, wants to, and has no CPU, %; of that which its limit allows. */
  readyPercent: number;
  /** Share of the time in which a vCPU wants to run and its own limit forbids it, %. */
  limitedPercent: number;
}

/** QOS-1: default weight of a VM. */
export const defaultShares = (vcpus: number): number => vcpus * SHARES_PER_VCPU;

/** Divides the MHz of a host's virtualisation domain among its VMs. @throws Refused QOS-2 */
export function divideCpu(capacityMhz: number, clockMhz: number, vms: readonly CpuClaim[]): CpuGrant[] {
  const claims = vms.map((vm): Claim => {
    const most = vm.vcpus * clockMhz;
    return {
      id: vm.id,
      share: vm.shares || defaultShares(vm.vcpus),
      reservation: vm.reservationMhz ?? 0,
      limit: vm.limitMhz || undefined,
      demand: Math.min(vm.demandMhz, most),
    };
  });
  const { grants } = waterFill(capacityMhz, claims);
  return grants.map((g, i) => {
    const vm = vms[i] as CpuClaim;
    const claim = claims[i] as Claim;
    const most = vm.vcpus * clockMhz;
    return {
      id: g.id,
      grantedMhz: g.granted,
      ceilingMhz: Math.min(claim.limit ?? most, most),
      floorMhz: Math.min(claim.reservation, most),
      shares: claim.share,
      boundBy: g.boundBy,
      readyPercent: percent(g.ceiling - g.granted, most),
      limitedPercent: percent(claim.demand - g.ceiling, most),
    };
  });
}

/** B3: what each vCPU gets of the VM's grant, in equal parts as far as each wants it. MHz. */
export function divideAmongVcpus(grantedMhz: number, clockMhz: number, demandsMhz: readonly number[]): number[] {
  const claims = demandsMhz.map((demand, i) => ({
    id: String(i),
    share: 1,
    reservation: 0,
    demand: Math.min(demand, clockMhz),
  }));
  return waterFill(grantedMhz, claims).grants.map((g) => g.granted);
}

const percent = (part: number, whole: number): number => (whole > 0 ? (Math.max(0, part) / whole) * 100 : 0);
