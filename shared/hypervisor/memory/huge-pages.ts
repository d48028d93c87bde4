import { type Refusal, Refused } from '../refusal.ts';
import { type HugePage, pageMiB } from './pages.ts';

/** Standard huge pages of a host, reserved beforehand (MEM-12). `free` of `total` are not given to a VM. */
export type HugePagePool = Readonly<Record<HugePage, { total: number; free: number }>>;
/** Pages of one size. */
export interface HugePageNeed {
  page: HugePage;
  count: number;
}

const SIZES: readonly HugePage[] = ['2m', '1g'];

function checkCount(count: number, page: HugePage): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new Refused({
    rule: 'MEM-12',
    reason: `${count} is no number of ${page} pages`,
    fix: 'use a whole number from 0 up',
    figures: { count, page },
  });
}

/** Sets pages aside, out of this much memory for VMs, MiB. Refused by MEM-12 when they do not fit in. */
export function reserveHugePages(memoryMiB: number, pages: Partial<Record<HugePage, number>>): HugePagePool {
  const of = (page: HugePage): { total: number; free: number } => {
    const total = pages[page] ?? 0;
    checkCount(total, page);
    return { total, free: total };
  };
  const pool = { '2m': of('2m'), '1g': of('1g') };
  const neededMiB = poolMiB(pool);
  if (neededMiB > memoryMiB)
    throw new Refused({
      rule: 'MEM-12',
      reason: `huge pages of ${neededMiB} MiB do not fit into ${memoryMiB} MiB`,
      fix: 'reserve fewer huge pages',
      figures: { neededMiB, memoryMiB },
    });
  return pool;
}

/** Memory that the pool takes from the host, given to VMs or not: it is pre-allotted, MiB. */
export const poolMiB = (pool: HugePagePool): number =>
  SIZES.reduce((sum, page) => sum + pool[page].total * pageMiB(page), 0);

/**
 * Takes the pages of a VM that starts. When the pool is short the answer is a refusal by MEM-12, whatever ordinary
 * memory is free: `ordinaryFreeMiB` is told only, so that the reader sees it.
 */
export function takeHugePages(
  pool: HugePagePool,
  need: HugePageNeed,
  ordinaryFreeMiB: number,
): { ok: true; pool: HugePagePool } | { ok: false; refusal: Refusal } {
  const { page, count } = need;
  checkCount(count, page);
  const { total, free } = pool[page];
  if (count <= free) return { ok: true, pool: { ...pool, [page]: { total, free: free - count } } };
  return {
    ok: false,
    refusal: {
      rule: 'MEM-12',
      reason: `no huge pages: ${count} pages of ${page} are needed, ${free} of ${total} are free`,
      fix: 'reserve more huge pages on the host, or use transparent huge pages',
      figures: { page, needed: count, free, total, ordinaryFreeMiB },
    },
  };
}

/** Gives the pages of a VM back. Refused by MEM-12 when more come back than were taken. */
export function giveHugePages(pool: HugePagePool, { page, count }: HugePageNeed): HugePagePool {
  checkCount(count, page);
  const { total, free } = pool[page];
  if (free + count > total)
    throw new Refused({
      rule: 'MEM-12',
      reason: `${count} pages of ${page} come back, but only ${total - free} were taken`,
      fix: 'give back what was taken',
      figures: { page, count, taken: total - free },
    });
  return { ...pool, [page]: { total, free: free + count } };
}
