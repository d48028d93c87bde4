import type { CpuNeed } from './cpu.ts';
import type { VmObservation } from './observation.ts';
import { figure, list, percent } from './words.ts';

type Cpu = VmObservation['cpu'];

/** Rounding that must not be told as a want, as a share of the figure. */
const ROUNDING = 1e-9;
export const isShort = ({ wantedMhz, grantedMhz }: Cpu): boolean => grantedMhz < wantedMhz * (1 - ROUNDING);

/** Why a VM gets less CPU than it wants; nothing when it gets all. */
export function shortageSentences(cpu: Cpu, clockMhz: number): string[] {
  if (!isShort(cpu)) return [];
  const sentences = [
    `CPU: it gets ${figure(cpu.grantedMhz)} MHz of the ${figure(cpu.wantedMhz)} MHz that it wants, ${whyShort(cpu, clockMhz)}.`,
  ];
  if (cpu.readyPercent > 0)
    sentences.push(
      `Its vCPUs are ready to run and find no free CPU for ${figure(cpu.readyPercent)} % of the time (ready time).`,
    );
  if (cpu.limitedPercent > 0)
    sentences.push(
      `For ${figure(cpu.limitedPercent)} % of the time its own limit keeps its vCPUs from running, however idle the host is (QOS-3).`,
    );
  sentences.push('All that it does, its I/O included, slows down in the same proportion.');
  return sentences;
}

function whyShort(cpu: Cpu, clockMhz: number): string {
  switch (cpu.boundBy) {
    case 'limit':
      return `because its limit is ${figure(cpu.ceilingMhz)} MHz`;
    case 'reservation':
      return `because the host is busy: its ${figure(cpu.shares)} shares would give it less, but it has reserved ${figure(cpu.floorMhz)} MHz (QOS-2)`;
    case 'shares':
      return `because the host is busy and divides its CPU by shares: it has ${figure(cpu.shares)} (QOS-1)`;
    case 'demand':
      return `because its ${cpu.vcpus === 1 ? 'vCPU' : `${cpu.vcpus} vCPUs`} at ${figure(clockMhz)} MHz give no more; the work of the host for its devices counts too`;
  }
}

const MODE_NAMES: Record<Cpu['mode'], string> = {
  full: 'Full virtualisation',
  para: 'Para-virtualisation',
  hardware: 'Hardware-assisted virtualisation',
};

/** What virtualising the CPU costs, and how the mode works. */
export function modeSentences(cpu: Cpu, need: CpuNeed): string[] {
  if (need.modeMhz === 0 || need.wantedMhz === 0) return [];
  const part = cpu.grantedMhz / need.wantedMhz;
  const { mode } = need;
  const counts = [
    [mode.translationsPerSecond, 'instructions/s translated by the VMM (CPU-8)'],
    [mode.trapsPerSecond, 'traps/s into the VMM (CPU-7)'],
    [mode.handedOverPerSecond, 'calls/s handed over by its modified kernel (CPU-9)'],
    [mode.exitsPerSecond, 'VM-exits/s beside those of its devices (CPU-11)'],
  ] as const;
  const told = counts.filter(([n]) => n > 0).map(([n, what]) => `${figure(n * part)} ${what}`);
  return [
    `${MODE_NAMES[cpu.mode]} costs ${figure(need.modeMhz * part)} MHz, ${percent(need.modeMhz / need.wantedMhz)} of its CPU: ${list(told)}.`,
  ];
}
