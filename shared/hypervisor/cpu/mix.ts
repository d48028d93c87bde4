import {
  BUSY_GUEST_IO_SHARE,
  BUSY_GUEST_PRIVILEGED_SHARE,
  BUSY_GUEST_SENSITIVE_SHARE,
  CPU_INSTRUCTION_CYCLES,
} from '../parameters.ts';
import { Refused } from '../refusal.ts';
import { NO_WORK, plus, workOf } from './costs.ts';
import { type Architecture, INSTRUCTION_CLASSES, type InstructionClass } from './instruction.ts';
import { type CpuMode, techniqueOf } from './modes.ts';

/** Instructions of each class per second, or parts of one whole. */
export type Mix = Readonly<Record<InstructionClass, number>>;

/** What a mode costs a guest. MHz = million cycles per second. */
export interface Overhead {
  exitsPerSecond: number;
  translationsPerSecond: number;
  handedOverPerSecond: number;
  trapsPerSecond: number;
  /** Spent in the VMM. */
  overheadMhz: number;
  /** Spent on the guest's instructions themselves. */
  usefulMhz: number;
  /** Overhead as a part of all that is spent, 0 to 1. */
  overheadRatio: number;
}

const HERTZ_PER_MHZ = 1e6;

/** Classes as parts of all instructions of a busy guest; a RISC guest has no sensitive ones outside of ring 0 (CPU-4). */
export function busyGuest(architecture: Architecture): Mix {
  const sensitive = architecture === 'cisc' ? BUSY_GUEST_SENSITIVE_SHARE : 0;
  const rare = { privileged: BUSY_GUEST_PRIVILEGED_SHARE, sensitive, io: BUSY_GUEST_IO_SHARE };
  return { plain: 1 - rare.privileged - rare.sensitive - rare.io, ...rare };
}

/**
 * What a mix costs in a mode: what `runStream` counts for one second of it, in closed form.
 * @throws `Refused` CPU-12 for a rate that is not a number of zero or more, CPU-4 for sensitive RISC instructions outside
 * of ring 0.
 */
export function overheadOf(mix: Mix, mode: CpuMode, architecture: Architecture): Overhead {
  check(mix, architecture);
  const technique = techniqueOf(mode, architecture);
  const work = INSTRUCTION_CLASSES.reduce((sum, c) => plus(sum, workOf(c, technique), mix[c]), NO_WORK);
  const useful = instructions(mix) * CPU_INSTRUCTION_CYCLES;
  const all = useful + work.vmmCycles;
  return {
    exitsPerSecond: work.exits,
    translationsPerSecond: work.translations,
    handedOverPerSecond: work.handedOver,
    trapsPerSecond: work.traps,
    overheadMhz: work.vmmCycles / HERTZ_PER_MHZ,
    usefulMhz: useful / HERTZ_PER_MHZ,
    overheadRatio: all > 0 ? work.vmmCycles / all : 0,
  };
}

/** The mix in rates per second whose instructions alone need `usefulMhz`. @throws `Refused` as `overheadOf`. */
export function mixOf(parts: Mix, usefulMhz: number, architecture: Architecture): Mix {
  check(parts, architecture);
  const whole = instructions(parts);
  if (!(whole > 0 && usefulMhz >= 0 && Number.isFinite(usefulMhz)))
    throw new Refused({
      rule: 'CPU-12',
      reason: `${whole} instructions cannot be made to need ${usefulMhz} MHz`,
      fix: 'give a class a part above zero, and MHz of zero or more',
      figures: { whole, usefulMhz },
    });
  const perPart = (usefulMhz * HERTZ_PER_MHZ) / (whole * CPU_INSTRUCTION_CYCLES);
  return times(parts, perPart);
}

/** The mix in rates per second that fills `mhz`, the VMM's work included. @throws `Refused` as `mixOf`. */
export function mixWithin(parts: Mix, mhz: number, mode: CpuMode, architecture: Architecture): Mix {
  const ifAllUseful = mixOf(parts, mhz, architecture);
  return times(ifAllUseful, 1 - overheadOf(ifAllUseful, mode, architecture).overheadRatio);
}

const instructions = (mix: Mix): number => INSTRUCTION_CLASSES.reduce((sum, c) => sum + mix[c], 0);
const times = (mix: Mix, factor: number): Mix => ({
  plain: mix.plain * factor,
  privileged: mix.privileged * factor,
  sensitive: mix.sensitive * factor,
  io: mix.io * factor,
});

function check(mix: Mix, architecture: Architecture): void {
  for (const c of INSTRUCTION_CLASSES)
    if (!(mix[c] >= 0 && Number.isFinite(mix[c])))
      throw new Refused({
        rule: 'CPU-12',
        reason: `a guest cannot issue ${mix[c]} instructions of the class ${c}`,
        fix: 'give a number of zero or more',
        figures: { [c]: mix[c] },
      });
  if (architecture === 'risc' && mix.sensitive > 0)
    throw new Refused({
      rule: 'CPU-4',
      reason: 'the mix has sensitive instructions outside of ring 0, and a RISC CPU has none',
      fix: 'count them as privileged, or use the CISC architecture',
      figures: { sensitive: mix.sensitive },
    });
}
