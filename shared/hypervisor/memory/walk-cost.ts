import { MEMORY_ACCESSES_PER_SECOND, TLB_ENTRIES, VMM_STEP_CYCLES, WALK_CYCLES_PER_REFERENCE } from '../parameters.ts';
import { Refused } from '../refusal.ts';
import { createMachine } from './frames.ts';
import { createNativeProcess } from './native.ts';
import { createNested } from './nested.ts';
import { type FixedPage, type PageSize, pageMiB, smallerPage } from './pages.ts';
import type { Scheme } from './scheme.ts';
import { createShadow } from './shadow.ts';
import { lruHitRatios } from './tlb-hits.ts';
import { createVmMemory } from './vm-memory.ts';

export type PagingScheme = 'native' | 'shadow' | 'nested';
export interface TranslationLoad {
  scheme: PagingScheme;
  guestPage: PageSize;
  /** Without virtualisation there is no guest: the page is the smaller of the two all the same. */
  hostPage: PageSize;
  /** Memory in use, MiB, every part of it as often as every other. */
  activeMiB: number;
  /** Share of the memory that `thp` could promote to 2 MiB pages, 0 to 1; guest and host promote independently. */
  promotedShare?: number;
  tlbEntries?: number;
  /** Above 0. */
  accessesPerSecond?: number;
  /** Changes that the guest makes to its page tables, per second. */
  guestTableWritesPerSecond?: number;
}
export interface TranslationCost {
  /** Memory references of a TLB miss, from the walk of a real table; a mean where pages are mixed. */
  referencesPerMiss: number;
  /** Memory that a full TLB translates, MiB: entries x mean page. */
  tlbReachMiB: number;
  /** TLB misses per access, 0 to 1. */
  missRatio: number;
  referencesPerAccess: number;
  /** Cycles for translation alone: page walks, and the work of the VMM spread over the accesses. */
  cyclesPerAccess: number;
  /** Steps of the VMM because of the guest's table writes. */
  vmmStepsPerSecond: number;
}

/** What was seen in a small real table of one page. */
interface Walked {
  references: number;
  /** Steps of the VMM for a changed entry and the next access to its page. */
  vmmStepsPerWrite: number;
}
const walks = new Map<string, Walked>();

function schemeOf(scheme: PagingScheme, guestPage: FixedPage, hostPage: FixedPage): Scheme {
  if (scheme === 'native') return createNativeProcess({ machine: createMachine() });
  const memory = createVmMemory({ sizeMiB: Math.max(pageMiB('2m'), pageMiB(guestPage), pageMiB(hostPage)), hostPage });
  return scheme === 'shadow' ? createShadow({ memory }) : createNested({ memory });
}
function walked(scheme: PagingScheme, guestPage: FixedPage, hostPage: FixedPage): Walked {
  const key = `${scheme} ${guestPage} ${hostPage}`;
  const known = walks.get(key);
  if (known !== undefined) return known;
  const small = schemeOf(scheme, guestPage, hostPage);
  small.map(0, 0, scheme === 'native' ? smallerPage(guestPage, hostPage) : guestPage);
  small.access(0, 'read'); // the first touch
  small.flushTlb();
  const { references } = small.access(0, 'read');
  const vmmStepsPerWrite = small.remap(0, 0).vmmSteps + small.access(0, 'read').vmmSteps;
  const seen = { references, vmmStepsPerWrite };
  walks.set(key, seen);
  return seen;
}

function checkLoad(load: Omit<Required<TranslationLoad>, 'scheme' | 'guestPage' | 'hostPage'>): void {
  const { activeMiB, promotedShare, tlbEntries, accessesPerSecond, guestTableWritesPerSecond } = load;
  const amounts = [activeMiB, accessesPerSecond, guestTableWritesPerSecond, promotedShare];
  const fine = amounts.every((n) => Number.isFinite(n) && n >= 0) && promotedShare <= 1 && accessesPerSecond > 0;
  if (fine && Number.isSafeInteger(tlbEntries) && tlbEntries >= 0) return;
  throw new Refused({
    rule: 'MEM-14',
    reason: 'memory, entries and writes begin at 0, accesses above 0, and the promoted share lies between 0 and 1',
    fix: 'correct the figures',
    figures: { activeMiB, promotedShare, tlbEntries, accessesPerSecond, guestTableWritesPerSecond },
  });
}

/** Pages of each size that a setting comes to, with their share of the memory. */
const shares = (page: PageSize, promoted: number): [FixedPage, number][] =>
  page === 'thp'
    ? [
        ['2m', promoted],
        ['4k', 1 - promoted],
      ]
    : [[page, 1]];

/**
 * What translation costs a VM (MEM-10, MEM-14), where every part of its active memory is accessed equally often. Refused
 * by MEM-14 for figures that are none.
 */
export function translationCost(load: TranslationLoad): TranslationCost {
  const { scheme, activeMiB, promotedShare = 0, tlbEntries = TLB_ENTRIES } = load;
  const { accessesPerSecond = MEMORY_ACCESSES_PER_SECOND, guestTableWritesPerSecond = 0 } = load;
  checkLoad({ activeMiB, promotedShare, tlbEntries, accessesPerSecond, guestTableWritesPerSecond });
  const kinds = shares(load.guestPage, promotedShare).flatMap(([guest, guestShare]) =>
    shares(load.hostPage, promotedShare).map(([host, hostShare]) => {
      const share = guestShare * hostShare;
      // The TLB holds what one entry can translate: the smaller of the two pages.
      const entriesPerMiB = share / pageMiB(smallerPage(guest, host));
      return { share, entriesPerMiB, pages: entriesPerMiB * activeMiB, ...walked(scheme, guest, host) };
    }),
  );
  const hits = lruHitRatios(kinds, tlbEntries);
  const mean = (of: (kind: (typeof kinds)[number], i: number) => number): number =>
    kinds.reduce((sum, kind, i) => sum + kind.share * of(kind, i), 0);

  const missRatio = mean((_, i) => 1 - (hits[i] as number));
  const referencesPerAccess = mean((kind, i) => (1 - (hits[i] as number)) * kind.references);
  const vmmStepsPerSecond = guestTableWritesPerSecond * mean((kind) => kind.vmmStepsPerWrite);
  return {
    referencesPerMiss: missRatio > 0 ? referencesPerAccess / missRatio : mean((kind) => kind.references),
    tlbReachMiB: tlbEntries / kinds.reduce((sum, kind) => sum + kind.entriesPerMiB, 0),
    missRatio,
    referencesPerAccess,
    cyclesPerAccess:
      referencesPerAccess * WALK_CYCLES_PER_REFERENCE + (vmmStepsPerSecond * VMM_STEP_CYCLES) / accessesPerSecond,
    vmmStepsPerSecond,
  };
}
