import type { VmMemory } from '../overcommit/settlement.ts';
import type { Slowdown } from '../overcommit/swap.ts';
import type { CpuNeed } from './cpu.ts';
import { isShort, modeSentences, shortageSentences } from './cpu-sentences.ts';
import { deviceSentences } from './device-sentences.ts';
import {
  numaSentences,
  reclaimSentences,
  sharingSentences,
  slowdownSentences,
  walkSentences,
} from './memory-sentences.ts';
import type { RunningVm, VmObservation } from './observation.ts';

/** What the figures of an observation follow from. */
export interface Grounds {
  vm: RunningVm;
  need: CpuNeed;
  has: VmMemory;
  swap: Slowdown;
  clockMhz: number;
}

/** The observation of a VM in sentences, for its tenant: they tell of the host, and of no other VM. */
export function sentencesOf(
  { vm, need, has, swap, clockMhz }: Grounds,
  { cpu, memory, numa, disks, nics }: Omit<VmObservation, 'vmId' | 'summary'>,
): string[] {
  const sentences = [
    ...shortageSentences(cpu, clockMhz),
    ...reclaimSentences(memory, has, swap),
    ...numaSentences(numa),
    ...slowdownSentences(memory, cpu.usefulMhz),
  ];
  const held = isShort(cpu) || sentences.length > 0 || [...disks, ...nics].some((d) => d.boundBy !== 'demand');
  if (!held) sentences.push('Nothing holds it back: it gets all the CPU, memory, disk and network that it wants.');
  sentences.push(...modeSentences(cpu, need), ...sharingSentences(has), ...walkSentences(memory, vm.load.activeMiB));
  for (const disk of disks) sentences.push(...deviceSentences('disk', disk));
  for (const nic of nics) sentences.push(...deviceSentences('NIC', nic));
  return sentences;
}
