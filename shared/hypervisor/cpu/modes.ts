import type { Architecture } from './instruction.ts';

/** How a VM's instructions reach the CPU; `none` is the bare CPU without a VMM. */
export const CPU_MODES = ['none', 'full', 'para', 'hardware'] as const;
export type CpuMode = (typeof CPU_MODES)[number];

/** A column of CPU-12's table; full virtualisation is two techniques, by architecture (CPU-7, CPU-8). */
export type Technique = 'none' | 'full-cisc' | 'full-risc' | 'para' | 'hardware';

export const techniqueOf = (mode: CpuMode, architecture: Architecture): Technique =>
  mode === 'full' ? `full-${architecture}` : mode;

/** What CPU-12 says of a technique, in words. */
export interface TechniqueFacts {
  /** Who finds the ring-0 and sensitive instructions. */
  detector: string;
  ring3Path: string;
  vmmOverhead: string;
  guestDemand: string;
  cpuDemand: string;
}

/** The table of CPU-12. */
export const TECHNIQUE_FACTS: Record<Exclude<Technique, 'none'>, TechniqueFacts> = {
  'full-cisc': {
    detector: 'the VMM, by scanning everything',
    ring3Path: 'filtered by the VMM, then CPU',
    vmmOverhead: 'largest',
    guestDemand: 'none, all guests',
    cpuDemand: 'none',
  },
  'full-risc': {
    detector: 'the CPU, by an exception',
    ring3Path: 'CPU',
    vmmOverhead: 'a trap for each ring-0 or sensitive instruction',
    guestDemand: 'none',
    cpuDemand: 'none',
  },
  para: {
    detector: 'the guest, by handing over',
    ring3Path: 'CPU',
    vmmOverhead: 'lower',
    guestDemand: 'a modified open kernel, such as Linux',
    cpuDemand: 'none',
  },
  hardware: {
    detector: 'the CPU, by VM-exit',
    ring3Path: 'CPU in non-root mode',
    vmmOverhead: 'smallest',
    guestDemand: 'none',
    cpuDemand: 'VT-x or AMD-V',
  },
};
