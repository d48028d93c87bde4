import * as z from 'zod';
import { type HugePagePool, poolMiB, reserveHugePages, takeHugePages } from '../memory/huge-pages.ts';
import { type FixedPage, type HugePage, hugePagesOf, type PageSize, pageMiB, pagesOf } from '../memory/pages.ts';
import { type FreeRange, promote } from '../memory/transparent.ts';
import { overcommitRefusals } from '../overcommit/admission.ts';
import { type Refusal, Refused } from '../refusal.ts';
import { LAB_FREE_RANGES, LAB_MEMORY_MIB } from './limits.ts';
import { RefusedAt, within } from './within.ts';

const basePage = z.int().max(pagesOf(LAB_MEMORY_MIB, '4k'));

/** What a VM may start on: huge pages that are set aside, and ordinary memory in pieces. */
export const pagesHost = z.strictObject({
  memoryMiB: z.int().min(1).max(LAB_MEMORY_MIB).describe('for VMs'),
  hugePages: z
    .strictObject({ '2m': z.int().default(0), '1g': z.int().default(0) })
    .prefault({})
    .describe('set aside before any VM starts'),
  freeRanges: z
    .array(z.strictObject({ first: basePage, pages: basePage }))
    .max(LAB_FREE_RANGES)
    .optional()
    .describe('free ordinary memory in pages of 4 KiB; without a figure all of it, in one piece'),
});

/** What is free on the host before the VM starts. */
export interface Free {
  pool: HugePagePool;
  ranges: readonly FreeRange[];
  ordinaryMiB: number;
}
/** The pages behind a VM, and what of its memory is on huge ones. */
export interface Backing {
  pages: { page: FixedPage; count: number }[];
  hugeShare: number;
  /** After the start. */
  poolFree: Record<HugePage, number>;
  ordinaryFreeMiB: number;
}

/** @throws RefusedAt MEM-12 for a pool that does not fit, MEM-13 for ranges that overlap or cannot be free */
export function freeOf({ memoryMiB, hugePages, freeRanges }: z.infer<typeof pagesHost>): Free {
  const pool = within('host.hugePages', () => reserveHugePages(memoryMiB, hugePages));
  const besideMiB = memoryMiB - poolMiB(pool);
  const ranges = freeRanges ?? [{ first: 0, pages: besideMiB / pageMiB('4k') }];
  // What the ranges are is checked before any VM starts, whatever pages it wants.
  within('host.freeRanges', () => promote(ranges, 1));
  const ordinaryMiB = ranges.reduce((sum, { pages }) => sum + pages, 0) * pageMiB('4k');
  if (ordinaryMiB > besideMiB)
    throw new RefusedAt(
      {
        rule: 'MEM-13',
        reason: `ranges of ${ordinaryMiB} MiB cannot be free: the host has ${besideMiB} MiB beside its huge pages`,
        fix: 'name fewer free pages, or set fewer huge pages aside',
        figures: { ordinaryMiB, besideMiB },
      },
      'host.freeRanges',
    );
  return { pool, ranges, ordinaryMiB };
}

/** The pages that a VM starts on, or why it does not. */
export function startOn(pageSize: PageSize, sizeMiB: number, free: Free): Backing | Refusal {
  if (pageSize === '2m' || pageSize === '1g') return startOnPool(pageSize, sizeMiB, free);
  const [refusal] = overcommitRefusals({
    sizes: [sizeMiB],
    reservations: [],
    domainMiB: free.ordinaryMiB,
    ratioPercent: 100,
    enabled: false,
  });
  if (refusal) return refusal;
  const { hugePages, basePages, promotedShare } =
    pageSize === 'thp'
      ? promote(free.ranges, sizeMiB)
      : { hugePages: 0, basePages: pagesOf(sizeMiB, '4k'), promotedShare: 0 };
  const pages: Backing['pages'] = [
    { page: '2m', count: hugePages },
    { page: '4k', count: basePages },
  ];
  return {
    pages: pages.filter((of) => of.count > 0),
    hugeShare: promotedShare,
    poolFree: freeIn(free.pool),
    ordinaryFreeMiB: free.ordinaryMiB - sizeMiB,
  };
}

function startOnPool(page: HugePage, sizeMiB: number, { pool, ordinaryMiB }: Free): Backing | Refusal {
  try {
    const need = hugePagesOf(sizeMiB, page);
    const taken = takeHugePages(pool, need, ordinaryMiB);
    if (!taken.ok) return taken.refusal;
    return { pages: [need], hugeShare: 1, poolFree: freeIn(taken.pool), ordinaryFreeMiB: ordinaryMiB };
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
}

const freeIn = (pool: HugePagePool): Backing['poolFree'] => ({ '2m': pool['2m'].free, '1g': pool['1g'].free });
