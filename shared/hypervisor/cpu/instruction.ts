import { Refused } from '../refusal.ts';

/** Privilege level (CPU-1): 0 for the kernel, 1 and 2 for drivers, 3 for applications. */
export type Ring = 0 | 1 | 2 | 3;
/** CISC such as x86, RISC such as ARM. */
export type Architecture = 'cisc' | 'risc';

/** An instruction as somebody may describe it. */
export interface InstructionFigures {
  name: string;
  /** The least privileged ring that may issue it. */
  ring: Ring;
  /** It can affect the normal running of the system (CPU-2). */
  sensitive: boolean;
  /** It drives a device (CPU-15). */
  io: boolean;
}
export interface Instruction extends InstructionFigures {
  /** Only ring 0 may issue it (CPU-3). */
  privileged: boolean;
}

/** `sensitive` are those outside of ring 0, which do not trap by themselves; `io` goes before the others. */
export const INSTRUCTION_CLASSES = ['plain', 'privileged', 'sensitive', 'io'] as const;
export type InstructionClass = (typeof INSTRUCTION_CLASSES)[number];

/** The instruction set that a host's CPU has. */
export const architectureOf = (arch: 'x86' | 'arm'): Architecture => (arch === 'arm' ? 'risc' : 'cisc');

/** The one class of an instruction, by which it is routed. Rings 1 and 2 count as plain unless sensitive. */
export function classOf({ ring, sensitive, io }: Omit<InstructionFigures, 'name'>): InstructionClass {
  if (io) return 'io';
  if (ring === 0) return 'privileged';
  return sensitive ? 'sensitive' : 'plain';
}

/**
 * The instruction that has these figures.
 * @throws `Refused` CPU-1 for a ring that no CPU has, CPU-4 for a sensitive RISC instruction outside of ring 0.
 */
export function instructionOf(figures: InstructionFigures, architecture: Architecture): Instruction {
  const { name, ring, sensitive, io } = figures;
  if (![0, 1, 2, 3].includes(ring))
    throw new Refused({
      rule: 'CPU-1',
      reason: `'${name}' is in ring ${ring}, and a CPU has rings 0 to 3`,
      fix: 'use ring 0, 1, 2 or 3',
      figures: { ring },
    });
  if (architecture === 'risc' && sensitive && ring !== 0)
    throw new Refused({
      rule: 'CPU-4',
      reason: `'${name}' is sensitive and in ring ${ring}, and a RISC CPU has its sensitive instructions in ring 0`,
      fix: 'put it in ring 0, or use the CISC architecture',
      figures: { ring },
    });
  return { name, ring, sensitive, privileged: ring === 0, io };
}
