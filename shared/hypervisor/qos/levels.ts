import { POOL_LIKE_MEMORY_MIB, POOL_LIKE_VCPUS, SHARE_LEVELS } from '../parameters.ts';

export type ShareLevel = keyof typeof SHARE_LEVELS;

/** Shares of a VM at one of the three published levels (vSphere 7.0 Resource Management, example B5). */
export function sharesAt(level: ShareLevel, vm: { vcpus: number; memoryMiB: number }): { cpu: number; memory: number } {
  const { perVcpu, perMiB } = SHARE_LEVELS[level];
  return { cpu: vm.vcpus * perVcpu, memory: vm.memoryMiB * perMiB };
}

/** A resource pool counts like one VM of this size among its siblings. */
export const poolSharesAt = (level: ShareLevel): { cpu: number; memory: number } =>
  sharesAt(level, { vcpus: POOL_LIKE_VCPUS, memoryMiB: POOL_LIKE_MEMORY_MIB });
