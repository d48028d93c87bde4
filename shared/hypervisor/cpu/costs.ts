import {
  CPU_DEVICE_CYCLES,
  CPU_EMULATION_CYCLES,
  CPU_ENTRY_CYCLES,
  CPU_EXIT_CYCLES,
  CPU_FILTER_CYCLES,
  CPU_HANDOVER_CYCLES,
  CPU_TRANSLATION_CYCLES,
  CPU_TRAP_CYCLES,
} from '../parameters.ts';
import type { InstructionClass } from './instruction.ts';
import type { Technique } from './modes.ts';

/** What the VMM does for one instruction or for many: counts, and cycles. */
export interface VmmWork {
  /** Caught by the VMM itself: all in full virtualisation on CISC, the trapped ones on RISC (CPU-6, CPU-7). */
  intercepted: number;
  /** Exceptions of the CPU into the VMM (CPU-7). */
  traps: number;
  /** Binary translations (CPU-8). */
  translations: number;
  /** Handed over by the guest's kernel (CPU-9). */
  handedOver: number;
  /** VM-exits and VM-entries (CPU-11). */
  exits: number;
  entries: number;
  emulated: number;
  vmmCycles: number;
}

export const NO_WORK: Readonly<VmmWork> = {
  intercepted: 0,
  traps: 0,
  translations: 0,
  handedOver: 0,
  exits: 0,
  entries: 0,
  emulated: 0,
  vmmCycles: 0,
};

/** `work`, and `times` as much of `more`. */
export function plus(work: VmmWork, more: VmmWork, times = 1): VmmWork {
  const sum = { ...work };
  for (const what of Object.keys(sum) as (keyof VmmWork)[]) sum[what] += more[what] * times;
  return sum;
}

const FILTERING: VmmWork = { ...NO_WORK, intercepted: 1, vmmCycles: CPU_FILTER_CYCLES };

/** How each technique gets hold of an instruction that must be emulated. */
const DETECTION: Record<Technique, VmmWork> = {
  none: NO_WORK,
  'full-cisc': plus(FILTERING, { ...NO_WORK, translations: 1, vmmCycles: CPU_TRANSLATION_CYCLES }),
  'full-risc': { ...NO_WORK, intercepted: 1, traps: 1, vmmCycles: CPU_TRAP_CYCLES },
  para: { ...NO_WORK, handedOver: 1, vmmCycles: CPU_HANDOVER_CYCLES },
  hardware: { ...NO_WORK, exits: 1, entries: 1, vmmCycles: CPU_EXIT_CYCLES + CPU_ENTRY_CYCLES },
};
const EMULATION: VmmWork = { ...NO_WORK, emulated: 1, vmmCycles: CPU_EMULATION_CYCLES };
const DEVICE: VmmWork = { ...NO_WORK, vmmCycles: CPU_DEVICE_CYCLES };

/** The VMM's work for one instruction of a class (CPU-6 to CPU-15). */
export function workOf(instructionClass: InstructionClass, technique: Technique): VmmWork {
  if (technique === 'none') return NO_WORK;
  if (instructionClass === 'plain') return technique === 'full-cisc' ? FILTERING : NO_WORK;
  const emulated = plus(DETECTION[technique], EMULATION);
  return instructionClass === 'io' ? plus(emulated, DEVICE) : emulated;
}
