import { CPU_INSTRUCTION_CYCLES } from '../parameters.ts';
import { resolve } from './catalogue.ts';
import { NO_WORK, plus, type VmmWork, workOf } from './costs.ts';
import {
  type Architecture,
  classOf,
  type Instruction,
  type InstructionClass,
  type InstructionFigures,
  type Ring,
} from './instruction.ts';
import { CPU_MODES, type CpuMode, TECHNIQUE_FACTS, type TechniqueFacts, techniqueOf } from './modes.ts';
import { bareRoute, faultsAt, type Hop, routeOf } from './trace.ts';

export interface RunOptions {
  mode: CpuMode;
  architecture: Architecture;
  /** Ring in which a bare CPU gets the instructions; an application's, 3, by default. Of no account with a VMM. */
  issuedAt?: Ring;
}
export interface Trace {
  instruction: Instruction;
  class: InstructionClass;
  /** `fault`: the bare CPU refused it (CPU-3). */
  outcome: 'done' | 'fault';
  hops: Hop[];
}
/** Counts of a run; `plain + privileged + sensitive + io = instructions`, `cycles` includes `vmmCycles`. */
export interface Counters extends VmmWork, Record<InstructionClass, number> {
  instructions: number;
  faults: number;
  cycles: number;
}
export interface Run {
  traces: Trace[];
  counters: Counters;
}

/**
 * Runs a stream of instructions, each given by its name in the catalogue or by its figures (CPU-3 to CPU-15).
 * @throws `Refused` as `resolve` does.
 */
export function runStream(stream: readonly (string | InstructionFigures)[], options: RunOptions): Run {
  const { mode, architecture, issuedAt = 3 } = options;
  const technique = techniqueOf(mode, architecture);
  const classes: Record<InstructionClass, number> = { plain: 0, privileged: 0, sensitive: 0, io: 0 };
  let work: VmmWork = NO_WORK;
  const traces = stream.map((given): Trace => {
    const instruction = resolve(given, architecture);
    const itsClass = classOf(instruction);
    classes[itsClass] += 1;
    work = plus(work, workOf(itsClass, technique));
    return {
      instruction,
      class: itsClass,
      outcome: technique === 'none' && faultsAt(instruction, issuedAt) ? 'fault' : 'done',
      hops: technique === 'none' ? bareRoute(instruction, issuedAt) : routeOf(instruction, technique),
    };
  });
  const counters = {
    ...work,
    ...classes,
    instructions: stream.length,
    faults: traces.filter((t) => t.outcome === 'fault').length,
    cycles: stream.length * CPU_INSTRUCTION_CYCLES + work.vmmCycles,
  };
  return { traces, counters };
}

/** One stream in every mode that has a VMM, with what CPU-12 says of it. */
export function compareModes(
  stream: readonly (string | InstructionFigures)[],
  architecture: Architecture,
): (TechniqueFacts & { mode: CpuMode; counters: Counters })[] {
  return CPU_MODES.flatMap((mode) => {
    const technique = techniqueOf(mode, architecture);
    if (technique === 'none') return [];
    return [{ mode, ...TECHNIQUE_FACTS[technique], counters: runStream(stream, { mode, architecture }).counters }];
  });
}
