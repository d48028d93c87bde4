import { SLOT_MIN } from '../model/ha.ts';

/** CPU in MHz and memory in MiB: of a host what it gives to VMs, of a VM what it needs to be powered on. */
export interface Amount {
  mhz: number;
  memoryMiB: number;
}

/** A slot is never larger than this; a VM that needs more takes several (HA-13). */
export type SlotCap = { [Of in keyof Amount]?: Amount[Of] | undefined };

/** What the powered-on VMs of a cluster take, as far as its promise asks (HA-13): their sums are the load's own amounts. */
export interface Load extends Amount {
  vms: number;
  /** Largest CPU and largest memory need of one of them. */
  largest: Amount;
  /** Slots that they take beyond one each, where the cap makes a slot smaller than what they need. */
  extraSlots: number;
}

export const NO_LOAD: Load = { mhz: 0, memoryMiB: 0, vms: 0, largest: { mhz: 0, memoryMiB: 0 }, extraSlots: 0 };

/**
 * Slots that a VM takes beyond one. A slot is as large as the largest need, or as the cap where that is smaller: so only
 * the cap decides who takes more than one.
 */
export function extraSlots({ mhz, memoryMiB }: Amount, cap: SlotCap = {}): number {
  const times = (need: number, most: number | undefined) => (most === undefined ? 1 : Math.ceil(need / most));
  return Math.max(1, times(mhz, cap.mhz), times(memoryMiB, cap.memoryMiB)) - 1;
}

/** The load with `count` more of such VMs, or fewer when it is below zero; the largest need then stays what it was. */
export function loaded(load: Load, need: Amount, count: number, cap?: SlotCap): Load {
  const largest = (of: keyof Amount) => (count > 0 ? Math.max(load.largest[of], need[of]) : load.largest[of]);
  return {
    mhz: load.mhz + count * need.mhz,
    memoryMiB: load.memoryMiB + count * need.memoryMiB,
    vms: load.vms + count,
    largest: { mhz: largest('mhz'), memoryMiB: largest('memoryMiB') },
    extraSlots: load.extraSlots + count * extraSlots(need, cap),
  };
}

export const loadOf = (needs: readonly Amount[], cap?: SlotCap): Load =>
  needs.reduce<Load>((load, need) => loaded(load, need, 1, cap), NO_LOAD);

/** The size of a slot: the largest need, within the cap and never below the lower ends (HA-13). */
export function slotOf({ largest }: Pick<Load, 'largest'>, cap: SlotCap = {}): Amount {
  const size = (of: keyof Amount) => Math.max(SLOT_MIN[of], Math.min(cap[of] ?? Number.POSITIVE_INFINITY, largest[of]));
  return { mhz: size('mhz'), memoryMiB: size('memoryMiB') };
}

export const slotsTaken = ({ vms, extraSlots: extra }: Load): number => vms + extra;
