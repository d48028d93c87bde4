import { hasPassthrough } from '../../model/vm.ts';
import { virtualisationDomain } from '../cpu/capacity.ts';
import { hugePoolMiB } from '../host-capacity.ts';
import { type TranslationCost, translationCost } from '../memory/walk-cost.ts';
import { memorySharesDefault } from '../overcommit/admission.ts';
import { usualContent } from '../overcommit/content.ts';
import { settleMemory } from '../overcommit/settle.ts';
import type { MemoryHost, MemoryVm, Settlement, VmMemory } from '../overcommit/settlement.ts';
import type { MemoryState, ObservedHost, RunningVm, VmObservation } from './observation.ts';

/** The host as its memory is settled: what the virtualisation domain does not have is management's (CPU-20). */
export const memoryHostOf = ({ hardware, overcommit, swapMiB, memoryState }: ObservedHost): MemoryHost => ({
  physicalMiB: hardware.memoryMiB,
  managementMiB: hardware.memoryMiB - virtualisationDomain(hardware).memoryMiB,
  hugePoolMiB: hugePoolMiB(hardware),
  previous: memoryState,
  overcommit: { ...overcommit, swapMiB },
});

/** Who has how much of the host's memory. @throws Refused OVC-5, MEM-12, QOS-4 for VMs that it cannot have taken */
export const settle = (host: MemoryHost, vms: readonly RunningVm[]): Settlement =>
  settleMemory(
    host,
    vms.map((vm) => memoryVmOf(vm, host)),
  );

function memoryVmOf({ id, machine, load }: RunningVm, { overcommit }: MemoryHost): MemoryVm {
  const { sizeMiB, shares, reservationMiB, pageSize } = machine.memory;
  const { touchedMiB, activeMiB } = load;
  const os = machine.guest.os;
  return {
    id,
    tenantId: machine.tenantId,
    sizeMiB,
    reservationMiB: reservationMiB ?? 0,
    shares: shares ?? memorySharesDefault(sizeMiB),
    touchedMiB,
    activeMiB,
    pinned: hasPassthrough(machine),
    hugePagesMiB: pageSize === '2m' || pageSize === '1g' ? sizeMiB : 0,
    // Guests of one OS were installed from one image (declared).
    ...(overcommit.enabled && overcommit.sharing !== 'off'
      ? { runs: usualContent({ id, os, image: os, touchedMiB }) }
      : {}),
  };
}

/**
 * What translation costs a VM (MEM-6, MEM-7, MEM-14). Guest and host use the page that was chosen for the VM (declared);
 * of transparent huge pages those are split that sharing or reclaim has touched (declared).
 */
export function translationOf({ machine, load }: RunningVm, has: VmMemory): TranslationCost {
  const { mode, pageSize } = machine.memory;
  const splitMiB = has.sharedMiB + has.balloonedMiB + has.swappedMiB + has.blockedMiB;
  return translationCost({
    scheme: schemeOf(mode),
    guestPage: pageSize,
    hostPage: pageSize,
    activeMiB: load.activeMiB,
    ...(pageSize === 'thp' ? { promotedShare: splitMiB > 0 ? Math.max(0, 1 - splitMiB / has.touchedMiB) : 1 } : {}),
  });
}

export const schemeOf = (mode: RunningVm['machine']['memory']['mode']): 'shadow' | 'nested' =>
  mode === 'shadow' ? 'shadow' : 'nested';

/** Memory of the host that a VM has, huge pages included, MiB. */
export const hasMiB = (has: VmMemory): number => has.residentMiB + has.hugePagesMiB;

export function memoryOf(
  { machine: { memory } }: RunningVm,
  has: VmMemory,
  { referencesPerMiss, missRatio, referencesPerAccess, tlbReachMiB }: TranslationCost,
  hostState: MemoryState,
  slowdown: number,
): VmObservation['memory'] {
  return {
    sizeMiB: memory.sizeMiB,
    residentMiB: hasMiB(has),
    sharedMiB: has.sharedMiB,
    balloonedMiB: has.balloonedMiB,
    swappedMiB: has.swappedMiB,
    hostState,
    pageSize: memory.pageSize,
    scheme: schemeOf(memory.mode),
    walk: { referencesPerMiss, missRatio, referencesPerAccess, tlbReachMiB },
    slowdown,
  };
}
