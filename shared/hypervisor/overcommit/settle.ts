import { SHARING_RECORD_BYTES } from '../parameters.ts';
import { inflateBalloons } from './balloon.ts';
import { checkMemory, domainOf } from './checks.ts';
import { PAGE_BYTES, PAGES_PER_MIB } from './content.ts';
import { backedMiB, type Holding, holdingOf, residentMiB, take } from './holding.ts';
import { sharedSaving } from './runs.ts';
import type { MemoryHost, MemoryVm, ReclaimStep, Settlement, VmMemory } from './settlement.ts';
import { type MemoryState, minFree, STATE_RULES, stateOf, type Technique } from './states.ts';
import { swapOut } from './swap.ts';

const sum = (holdings: readonly Holding[], of: (h: Holding) => number): number =>
  holdings.reduce((total, h) => total + of(h), 0);

/**
 * Who has how much of a host's memory (OVC-1 to OVC-7). Under pressure sharing comes first, then balloon, then swap
 * (OVC-6); memory that is still missing is never handed out but reported. Without overcommit every VM has all of its
 * memory from its start on and nothing is reclaimed, so shares and reservations have no effect (QOS-4). Throws `Refused`
 * for figures that cannot be and for VMs that the host cannot have admitted (OVC-5).
 */
export function settleMemory(host: MemoryHost, vms: readonly MemoryVm[]): Settlement {
  checkMemory(host, vms);
  const minFreeMiB = minFree(host.physicalMiB);
  const domainMiB = domainOf(host);
  if (!host.overcommit.enabled) {
    const holdings = vms.map((vm) => holdingOf(vm, true));
    return settlement(holdings, { state: 'high', minFreeMiB, domainMiB, overheadMiB: 0, steps: [] });
  }
  const holdings = vms.map((vm) => holdingOf(vm, false));
  const { swapMiB, balloon, sharing } = host.overcommit;
  let freeMiB = domainMiB - sum(holdings, residentMiB);
  let state = stateOf(freeMiB, minFreeMiB, host.previous);
  const steps: ReclaimStep[] = [];
  const took = (technique: Technique, reclaimedMiB: number, costMiB = 0) => {
    if (reclaimedMiB <= 0) return;
    freeMiB += reclaimedMiB - costMiB;
    state = stateOf(freeMiB, minFreeMiB, state);
    steps.push({ technique, reclaimedMiB, state });
  };
  let overheadMiB = 0;
  if (sharing !== 'off' && STATE_RULES[state].techniques.includes('sharing')) {
    overheadMiB = sharePages(holdings, sharing, domainMiB);
    took(
      'sharing',
      sum(holdings, (h) => h.savedMiB),
      overheadMiB,
    );
  }
  if (balloon) took('balloon', inflateBalloons(holdings, freeMiB, minFreeMiB));
  took('swap', swapOut(holdings, freeMiB, minFreeMiB, swapMiB));
  // What a reservation promises is kept for its VM, so the others wait.
  take(holdings, 'blockedMiB', -freeMiB, (h) => Math.max(h.promisedMiB, h.savedMiB));
  return settlement(holdings, { state, minFreeMiB, domainMiB, overheadMiB, steps });
}

/**
 * Shares equal pages of all VMs that are not pinned (OVC-4). Answers what the records of it take, MiB. It is left alone
 * where it would cost more than it saves, or where reservations leave no room for its records.
 */
function sharePages(holdings: readonly Holding[], scope: 'tenant' | 'host', domainMiB: number): number {
  const open = holdings.filter((h) => !h.pinned && h.vm.runs !== undefined);
  const saving = sharedSaving(
    open.map((h) => ({ id: h.vm.id, tenantId: h.vm.tenantId, runs: h.vm.runs ?? [] })),
    scope,
  );
  const overheadMiB = ((saving.pages / PAGES_PER_MIB) * SHARING_RECORD_BYTES) / PAGE_BYTES;
  const savedMiB = (saving.pages - saving.frames) / PAGES_PER_MIB;
  if (savedMiB <= overheadMiB || overheadMiB > domainMiB - sum(holdings, (h) => h.promisedMiB)) return 0;
  for (const [i, h] of open.entries()) {
    h.sharedMiB = (saving.guests[i]?.shared ?? 0) / PAGES_PER_MIB;
    h.savedMiB = (saving.guests[i]?.saved ?? 0) / PAGES_PER_MIB;
  }
  return overheadMiB;
}

interface Outcome {
  state: MemoryState;
  minFreeMiB: number;
  domainMiB: number;
  overheadMiB: number;
  steps: ReclaimStep[];
}

function settlement(holdings: readonly Holding[], { domainMiB, ...outcome }: Outcome): Settlement {
  const resident = sum(holdings, residentMiB);
  return {
    ...outcome,
    // Rounding of the last bit may leave a hair below nothing.
    freeMiB: Math.max(0, domainMiB - resident - outcome.overheadMiB),
    residentMiB: resident,
    savedBySharingMiB: sum(holdings, (h) => h.savedMiB),
    swappedMiB: sum(holdings, (h) => h.swappedMiB),
    balloonedMiB: sum(holdings, (h) => h.balloonedMiB),
    newAllocationsBlocked: STATE_RULES[outcome.state].blocksAllocations,
    shortfallMiB: sum(holdings, (h) => h.blockedMiB),
    vms: holdings.map(memoryOf),
  };
}

function memoryOf(h: Holding): VmMemory {
  const { balloonedMiB, swappedMiB, blockedMiB } = h;
  const held = balloonedMiB + swappedMiB + blockedMiB > 0;
  return {
    id: h.vm.id,
    residentMiB: residentMiB(h),
    touchedMiB: h.vm.touchedMiB,
    sharedMiB: h.sharedMiB,
    savedMiB: h.savedMiB,
    balloonedMiB,
    swappedMiB,
    blockedMiB,
    hugePagesMiB: h.hugeMiB,
    targetMiB: held ? backedMiB(h) + h.hugeMiB : h.vm.sizeMiB,
    why: whyOf(h),
  };
}

function whyOf(h: Holding): string {
  if (h.hugeMiB > 0) return 'It has its huge pages: nothing is taken from them.';
  if (h.pinned) return 'Its memory is pinned by passthrough: nothing is taken from it.';
  if (h.blockedMiB > 0) return 'It waits for memory: the host has none left to give and none to take back.';
  if (h.swappedMiB > 0) return 'Part of its memory is on the swap partition.';
  if (h.balloonedMiB > 0) return 'Its balloon holds memory that it does not use.';
  if (h.savedMiB > 0) return 'Some of its pages share frames with equal ones.';
  return 'It has all the memory that it asked for.';
}
