import { Refused } from '../refusal.ts';
import { basePagesOf, pagesOf } from './pages.ts';

/** Free contiguous memory of a host, in base pages of 4 KiB. */
export interface FreeRange {
  first: number;
  pages: number;
}

/** Pages behind a VM on transparent huge pages. */
export interface Promotion {
  /** Pages of 2 MiB. */
  hugePages: number;
  /** Pages of 4 KiB. */
  basePages: number;
  /** Share of the VM's memory on huge pages, 0 to 1. */
  promotedShare: number;
}

/** Aligned pages of 2 MiB in a range. */
function hugeIn({ first, pages }: FreeRange): number {
  const each = basePagesOf('2m');
  return Math.max(0, Math.floor((first + pages) / each) - Math.ceil(first / each));
}

/**
 * Transparent huge pages (MEM-13): as many aligned 2 MiB pages as the free ranges of the host hold, the rest of the VM
 * on 4 KiB pages. No range is too scattered for it. Refused is only bad input: a size that is no whole number of 4 KiB
 * pages, or ranges that are no whole pages or overlap.
 */
export function promote(ranges: readonly FreeRange[], sizeMiB: number): Promotion {
  const needed = pagesOf(sizeMiB, '4k');
  let end = 0;
  for (const { first, pages } of [...ranges].sort((a, b) => a.first - b.first)) {
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(pages) || pages < 0 || first < end)
      throw new Refused({
        rule: 'MEM-13',
        reason: `the range of ${pages} pages from ${first} is not whole or overlaps another`,
        fix: 'name each free page once',
        figures: { first, pages },
      });
    end = first + pages;
  }
  const possible = ranges.reduce((sum, range) => sum + hugeIn(range), 0);
  const each = basePagesOf('2m');
  const hugePages = Math.min(possible, Math.floor(needed / each));
  const basePages = needed - hugePages * each;
  return { hugePages, basePages, promotedShare: (hugePages * each) / needed };
}
