import * as z from 'zod';
import { guestSpec } from '../../model/vm.ts';
import { cpuModeRefusals } from '../cpu/admission.ts';
import { resolve } from '../cpu/catalogue.ts';
import {
  architectureOf,
  classOf,
  INSTRUCTION_CLASSES,
  type Instruction,
  type InstructionFigures,
  type Ring,
} from '../cpu/instruction.ts';
import { CPU_MODES, type CpuMode } from '../cpu/modes.ts';
import { type Counters, compareModes, type Run, runStream } from '../cpu/run.ts';
import { figure, list } from '../performance/words.ts';
import type { Refusal } from '../refusal.ts';
import { LAB_INSTRUCTIONS } from './limits.ts';
import { someOf } from './spec.ts';
import { refuseFirst, within } from './within.ts';
import { count } from './words.ts';

/** How instructions reach the CPU (CPU-1 to CPU-15). */
export const instructionsSpec = z.strictObject({
  experiment: z.literal('instructions'),
  architecture: z.enum(['x86', 'arm']).describe('x86 is CISC, arm is RISC'),
  modes: someOf(CPU_MODES).describe('none: the bare CPU without a VMM'),
  guest: guestSpec.default({ os: 'linux' }),
  host: z.strictObject({ hardwareVirtualisation: z.boolean() }).default({ hardwareVirtualisation: true }),
  issuedInRing: z.int().min(0).max(3).default(3).describe('ring of the code on the bare CPU; of no account with a VMM'),
  stream: z
    .array(
      z.union([
        z.string().min(1).max(32).describe('a name of the catalogue, such as add, mov-cr3, popf, out, msr'),
        z.strictObject({
          name: z.string().min(1).max(32),
          ring: z.int().describe('the least privileged ring that may issue it'),
          sensitive: z.boolean().default(false),
          io: z.boolean().default(false),
        }),
      ]),
    )
    .min(1)
    .max(LAB_INSTRUCTIONS),
});
type Question = z.infer<typeof instructionsSpec>;

/**
 * Runs one stream in each mode. A mode that guest or host cannot do is refused within the answer.
 * @throws RefusedAt CPU-1, CPU-2, CPU-4 for an instruction that cannot be, CPU-9, CPU-10 when the only mode is refused
 */
export function instructionsLab(question: Question) {
  const { architecture, issuedInRing } = question;
  const set = architectureOf(architecture);
  const stream = question.stream.map((given, i) =>
    within(`stream.${i}`, () => resolve(given as string | InstructionFigures, set)),
  );
  const bareCycles = runStream(stream, { mode: 'none', architecture: set }).counters.cycles;
  const options = { architecture: set, issuedAt: issuedInRing as Ring };
  const modes = question.modes.map((mode) => {
    const refusals = refusalsOf(question, mode);
    if (question.modes.length === 1) refuseFirst('modes.0', refusals);
    if (refusals.length > 0) return { mode, ran: false as const, refusals };
    const run = runStream(stream, { ...options, mode });
    const trace = run.traces.map(({ instruction, ...rest }, index) => {
      const { cycles } = runStream([instruction], { ...options, mode }).counters;
      return { index, name: instruction.name, ...rest, cycles };
    });
    return { mode, ran: true as const, trace, counters: run.counters, run };
  });
  const ran = modes.filter((m) => m.ran);
  const comparison = compareModes(stream, set)
    .filter(({ mode }) => ran.some((m) => m.mode === mode))
    .map(({ counters: { cycles, vmmCycles }, ...facts }) => ({
      ...facts,
      cycles,
      vmmCycles,
      timesBareCpu: cycles / bareCycles,
    }))
    .sort((a, b) => a.cycles - b.cycles);
  return {
    experiment: question.experiment,
    summary: [
      whatStreamIs(architecture, set, stream),
      ...modes.map((m) => (m.ran ? sayRun(m.mode, m.run, bareCycles) : sayRefused(m.mode, m.refusals))),
      ...(comparison.length > 1 ? [`From least to most cycles: ${list(comparison.map((c) => c.mode))}.`] : []),
    ],
    architecture,
    instructionSet: set,
    stream: stream.map((instruction) => ({ ...instruction, class: classOf(instruction) })),
    modes: modes.map((m) => (m.ran ? { mode: m.mode, ran: m.ran, trace: m.trace, counters: m.counters } : m)),
    comparison,
  };
}

function refusalsOf({ architecture, guest, host }: Question, mode: CpuMode): Refusal[] {
  if (mode === 'none') return [];
  return cpuModeRefusals({ mode, guest, host: { arch: architecture, nestedPaging: true, ...host } });
}

function whatStreamIs(architecture: string, set: string, stream: readonly Instruction[]): string {
  const classes = INSTRUCTION_CLASSES.map((c) => [c, stream.filter((i) => classOf(i) === c).length] as const);
  const parts = classes.filter(([, n]) => n > 0).map(([c, n]) => `${n} ${WORDS[c]}`);
  return `${count(stream.length, 'instruction')} on ${architecture} (${set.toUpperCase()}): ${list(parts)}.`;
}
const WORDS = { plain: 'plain', privileged: 'privileged', sensitive: 'sensitive outside of ring 0', io: 'of I/O' };

function sayRun(mode: CpuMode, { counters, traces }: Run, bareCycles: number): string {
  if (mode === 'none') return sayBare(traces);
  const times = figure(counters.cycles / bareCycles);
  return `${mode}: ${whatVmmDoes(mode, counters)} ${count(counters.cycles, 'cycle')}, ${times} times the bare CPU.`;
}

function sayBare(traces: Run['traces']): string {
  const faults = traces.filter((t) => t.outcome === 'fault').map((t) => t.instruction.name);
  const unnoticed = traces.filter((t) => t.class === 'sensitive').map((t) => t.instruction.name);
  return [
    faults.length > 0
      ? `none: the bare CPU faults at ${list(faults)}, which only ring 0 may issue (CPU-3).`
      : 'none: the bare CPU carries all of them out.',
    ...(unnoticed.length > 0
      ? [`It lets ${list(unnoticed)} run outside of ring 0 although sensitive, which no trap would catch (CPU-5).`]
      : []),
  ].join(' ');
}

function whatVmmDoes(mode: CpuMode, c: Counters): string {
  const exits = `${count(c.exits, 'VM-exit')} and as many entries, ${c.plain} straight on the CPU in non-root mode.`;
  if (mode === 'hardware') return exits;
  if (mode === 'para') return `the guest hands ${c.handedOver} over, the CPU does the other ${c.plain} alone.`;
  return c.translations > 0 || c.traps === 0
    ? `the VMM intercepts ${c.intercepted} and translates ${c.translations}.`
    : `the CPU raises ${count(c.traps, 'exception')}, the VMM emulates what raised them.`;
}

const sayRefused = (mode: CpuMode, refusals: readonly Refusal[]): string =>
  `${mode} is not possible here: ${list(refusals.map((r) => `${r.reason} (${r.rule})`))}.`;
