import type { VmMemory } from '../overcommit/settlement.ts';
import type { Slowdown } from '../overcommit/swap.ts';
import type { VmObservation } from './observation.ts';
import { figure, list, percent } from './words.ts';

const MIB = (n: number): string => `${figure(n)} MiB`;

/** What was taken of a VM's memory, and what that costs it; nothing when it has all that it uses. */
export function reclaimSentences(memory: VmObservation['memory'], has: VmMemory, swap: Slowdown): string[] {
  const taken = [
    ...(has.balloonedMiB > 0 ? [`${MIB(has.balloonedMiB)} are in its balloon, unused (OVC-1)`] : []),
    ...(has.swappedMiB > 0 ? [`${MIB(has.swappedMiB)} are on the swap partition (OVC-2)`] : []),
    ...(has.blockedMiB > 0 ? [`${MIB(has.blockedMiB)} it waits for, since the host has none left`] : []),
  ];
  const sentences: string[] = [];
  if (taken.length > 0)
    sentences.push(
      `Memory: the host is in state ${memory.hostState}; of the ${MIB(has.touchedMiB)} that the guest has used ${list(taken)}.`,
    );
  if (swap.hitShare > 0)
    sentences.push(`${percent(swap.hitShare)} of its memory accesses have to wait for a page from the swap partition.`);
  return sentences;
}

/** Pages that share frames: that costs the guest nothing until it writes to them. */
export const sharingSentences = (has: VmMemory): string[] =>
  has.sharedMiB > 0
    ? [
        `${MIB(has.sharedMiB)} of its memory share frames with pages of equal content, which saves the host ${MIB(has.savedMiB)}; a write to such a page copies it first (OVC-4).`,
      ]
    : [];

const PAGE_NAMES = {
  '4k': 'pages of 4 KiB',
  '2m': 'pages of 2 MiB',
  '1g': 'pages of 1 GiB',
  thp: 'transparent huge pages',
} as const;
const SCHEME_NAMES = { shadow: 'shadow page table', nested: 'nested paging' } as const;

/** What translation costs: nothing while the TLB reaches all that the guest uses. */
export function walkSentences({ scheme, pageSize, walk }: VmObservation['memory'], activeMiB: number): string[] {
  const { referencesPerMiss, missRatio, referencesPerAccess, tlbReachMiB } = walk;
  if (missRatio === 0) return [];
  return [
    `A TLB miss costs it ${figure(referencesPerMiss)} memory references (${SCHEME_NAMES[scheme]}, ${PAGE_NAMES[pageSize]}); the TLB reaches ${MIB(tlbReachMiB)} of the ${MIB(activeMiB)} in use, so ${percent(missRatio)} of evenly spread accesses miss, which is ${figure(referencesPerAccess)} references for each access (MEM-14).`,
  ];
}

/** Why accesses leave their node, and what all that slows memory down does to the guest's work. */
export function numaSentences(numa: VmObservation['numa']): string[] {
  if (numa.remoteShare === 0) return [];
  const nodes = list(numa.nodes.map(({ node }) => `${node}`));
  return [
    `NUMA: it lies on the nodes ${nodes} of its host, so ${percent(numa.remoteShare)} of its memory accesses go to another node (NUMA-1).`,
  ];
}

export const slowdownSentences = ({ slowdown }: VmObservation['memory'], ownMhz: number): string[] =>
  slowdown > 1 && ownMhz > 0
    ? [
        `Its memory takes ${figure(slowdown)} times as long as local memory that is there: on the ${figure(ownMhz)} MHz of its own work a guest that only waits for memory does what ${figure(ownMhz / slowdown)} MHz would do.`,
      ]
    : [];
