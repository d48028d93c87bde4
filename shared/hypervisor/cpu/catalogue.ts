import { Refused } from '../refusal.ts';
import { type Architecture, type Instruction, type InstructionFigures, instructionOf } from './instruction.ts';

const plain = (name: string): InstructionFigures => ({ name, ring: 3, sensitive: false, io: false });
const privileged = (name: string): InstructionFigures => ({ name, ring: 0, sensitive: true, io: false });
const sensitive = (name: string): InstructionFigures => ({ name, ring: 3, sensitive: true, io: false });
const io = (name: string): InstructionFigures => ({ name, ring: 0, sensitive: true, io: true });

/**
 * Real instructions by architecture. x86: Intel's manual; the sensitive ones of ring 3 are those of Robin and Irvine
 * (USENIX Security 2000) whose every form is sensitive. ARM: A64, and `mcr` and `mrc` of A32; device memory is the
 * kernel's, so loads and stores there are of ring 0.
 */
export const CATALOGUE: Record<Architecture, readonly InstructionFigures[]> = {
  cisc: [
    ...['add', 'sub', 'imul', 'xor', 'cmp', 'mov', 'lea', 'jne', 'nop'].map(plain),
    ...['mov-cr0', 'mov-cr3', 'hlt', 'cli', 'sti', 'lgdt', 'lidt', 'lldt', 'ltr', 'lmsw', 'clts'].map(privileged),
    ...['rdmsr', 'wrmsr', 'invlpg', 'invd', 'wbinvd'].map(privileged),
    ...['pushf', 'popf', 'sgdt', 'sidt', 'sldt', 'smsw', 'str', 'lar', 'lsl', 'verr', 'verw'].map(sensitive),
    ...['in', 'out', 'ins', 'outs'].map(io),
  ],
  risc: [
    ...['add', 'sub', 'mul', 'eor', 'cmp', 'mov', 'ldr', 'str', 'b.ne', 'nop'].map(plain),
    ...['msr', 'mrs', 'mcr', 'mrc', 'wfi', 'eret', 'tlbi', 'ic-iallu', 'dc-cisw', 'at'].map(privileged),
    ...['ldr-mmio', 'str-mmio'].map(io),
  ],
};

/**
 * An instruction by its name in the catalogue, or by its figures.
 * @throws `Refused` CPU-2 for a name that is not in the catalogue, and as `instructionOf`.
 */
export function resolve(given: string | InstructionFigures, architecture: Architecture): Instruction {
  if (typeof given !== 'string') return instructionOf(given, architecture);
  const known = CATALOGUE[architecture];
  const found = known.find((i) => i.name === given);
  if (found) return instructionOf(found, architecture);
  throw new Refused({
    rule: 'CPU-2',
    reason: `the ${architecture.toUpperCase()} catalogue has no instruction '${given}'`,
    fix: `use one of ${known.map((i) => i.name).join(', ')}, or give ring, sensitive and io`,
  });
}
