import type { MemorySpec } from '../../model/vm.ts';
import { BASE_PAGE_BYTES, DEFAULT_HUGE_PAGE, TABLE_ENTRIES } from '../parameters.ts';
import { Refused } from '../refusal.ts';

export type PageSize = MemorySpec['pageSize'];
/** A page that a table entry can hold; `thp` is a way to choose between two of them (MEM-13). */
export type FixedPage = Exclude<PageSize, 'thp'>;
/** Standard huge pages (MEM-11). */
export type HugePage = Exclude<FixedPage, '4k'>;

/** Bytes of one MiB. */
export const MIB = 2 ** 20;
const BYTES: Record<FixedPage, number> = {
  '4k': BASE_PAGE_BYTES,
  '2m': BASE_PAGE_BYTES * TABLE_ENTRIES,
  '1g': BASE_PAGE_BYTES * TABLE_ENTRIES ** 2,
};
export const FIXED_PAGES = Object.keys(BYTES) as FixedPage[];

/** Size of a page, bytes. */
export const pageBytes = (page: FixedPage): number => BYTES[page];
/** Size of a page, MiB. */
export const pageMiB = (page: FixedPage): number => BYTES[page] / MIB;
/** Base pages of 4 KiB in one page (A2). */
export const basePagesOf = (page: FixedPage): number => BYTES[page] / BASE_PAGE_BYTES;
/** The smaller of two pages: what guest and host together can translate by one entry. */
export const smallerPage = (a: FixedPage, b: FixedPage): FixedPage => (BYTES[a] <= BYTES[b] ? a : b);

/** The page of so many bytes. */
export function pageOfBytes(bytes: number): FixedPage {
  const page = FIXED_PAGES.find((p) => BYTES[p] === bytes);
  if (page === undefined)
    throw new Refused({
      rule: 'MEM-11',
      reason: `there is no page of ${bytes} bytes`,
      fix: 'use 4 KiB, 2 MiB or 1 GiB',
      figures: { bytes },
    });
  return page;
}

/**
 * Pages, and so table entries, of a memory of this size, MiB (MEM-9, MEM-10). Memory comes in whole pages: a size that
 * is no positive multiple of the page is Refused by MEM-11, with the next sizes that fit.
 */
export function pagesOf(sizeMiB: number, page: FixedPage): number {
  const pages = (sizeMiB * MIB) / BYTES[page];
  if (Number.isSafeInteger(pages) && pages > 0) return pages;
  const whole = Number.isFinite(sizeMiB) ? Math.max(0, Math.floor(pages)) : 0;
  const below = whole * pageMiB(page);
  const above = (whole + 1) * pageMiB(page);
  throw new Refused({
    rule: 'MEM-11',
    reason: `${sizeMiB} MiB are not a whole number of ${page} pages`,
    fix: below > 0 ? `choose ${below} or ${above} MiB` : `choose ${above} MiB`,
    figures: { sizeMiB, page, belowMiB: below, aboveMiB: above },
  });
}

/** The standard huge pages that a VM needs; 2 MiB when it names no size (MEM-11). Refused as `pagesOf` is. */
export function hugePagesOf(sizeMiB: number, page: HugePage = DEFAULT_HUGE_PAGE): { page: HugePage; count: number } {
  return { page, count: pagesOf(sizeMiB, page) };
}
