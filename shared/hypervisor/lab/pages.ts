import * as z from 'zod';
import { FIXED_PAGES, type PageSize, pagesOf } from '../memory/pages.ts';
import { type TranslationCost, translationCost } from '../memory/walk-cost.ts';
import { ACTIVE_SHARE, TLB_ENTRIES } from '../parameters.ts';
import { figure, list, percent } from '../performance/words.ts';
import type { Refusal } from '../refusal.ts';
import { LAB_MEMORY_MIB, LAB_TLB_ENTRIES } from './limits.ts';
import { type Backing, type Free, freeOf, pagesHost, startOn } from './pages-host.ts';
import { someOf } from './spec.ts';
import { RefusedAt, refuseFirst, within } from './within.ts';
import { count } from './words.ts';

export const PAGE_SIZES = ['4k', '2m', '1g', 'thp'] as const satisfies readonly PageSize[];

/** Which pages a VM gets, and what they spare the TLB (MEM-9 to MEM-14). */
export const pagesSpec = z.strictObject({
  experiment: z.literal('pages'),
  host: pagesHost,
  sizeMiB: z.int().max(LAB_MEMORY_MIB).describe('of the VM'),
  activeMiB: z
    .number()
    .max(LAB_MEMORY_MIB)
    .optional()
    .describe('in use all the time; without a figure half of the size'),
  pageSizes: someOf(PAGE_SIZES).describe('pages that the host would give, each tried on the same host'),
  guestPageSize: z
    .enum(FIXED_PAGES)
    .optional()
    .describe('pages of the guest; without a word the same as the host gives'),
  scheme: z.enum(['native', 'shadow', 'nested']).default('nested'),
  tlbEntries: z.int().min(0).max(LAB_TLB_ENTRIES).default(TLB_ENTRIES),
});
type Question = z.infer<typeof pagesSpec>;

/**
 * Starts one VM on each page size, each time on the host as it was. A start that is not possible is refused within the
 * answer.
 * @throws RefusedAt MEM-12 for a pool that does not fit, MEM-13 for ranges that cannot be, MEM-11 for a size that is no
 * whole number of guest pages, OVC-1 for more in use than the VM has, and what refuses the start when it is the only one
 */
export function pagesLab(question: Question) {
  const { experiment, host, sizeMiB, guestPageSize, scheme, tlbEntries } = question;
  const free = freeOf(host);
  within('sizeMiB', () => pagesOf(sizeMiB, '4k'));
  if (guestPageSize) within('guestPageSize', () => pagesOf(sizeMiB, guestPageSize));
  const activeMiB = question.activeMiB ?? sizeMiB * ACTIVE_SHARE;
  checkActive(activeMiB, sizeMiB);
  const pageSizes = question.pageSizes.map((pageSize) => {
    const backing = startOn(pageSize, sizeMiB, free);
    if ('rule' in backing) {
      if (question.pageSizes.length === 1) refuseFirst('pageSizes.0', [backing]);
      return { pageSize, started: false as const, refusal: backing };
    }
    const cost = translationCost({
      scheme,
      // As for a VM of the cloud, whose guest uses the page that was chosen for it.
      guestPage: guestPageSize ?? pageSize,
      hostPage: pageSize,
      activeMiB,
      promotedShare: backing.hugeShare,
      tlbEntries,
    });
    const { referencesPerMiss, tlbReachMiB, missRatio, referencesPerAccess, cyclesPerAccess } = cost;
    return {
      pageSize,
      started: true as const,
      ...backing,
      tableEntries: backing.pages.reduce((sum, of) => sum + of.count, 0),
      tlbReachMiB,
      missRatio,
      referencesPerMiss,
      referencesPerAccess,
      cyclesPerAccess,
      what: sayBacking(pageSize, backing),
      cost: sayCost(cost, activeMiB),
    };
  });
  return {
    experiment,
    summary: [
      `A VM of ${figure(sizeMiB)} MiB uses ${figure(activeMiB)} MiB of it all the time. The host has ${figure(free.ordinaryMiB)} MiB of ordinary memory free, and ${sayPool(free.pool)} set aside.`,
      ...(guestPageSize
        ? [`Its guest uses pages of ${guestPageSize}: an entry of the TLB holds the smaller page of guest and host.`]
        : []),
      ...pageSizes.map((p) =>
        p.started ? `${p.pageSize}: ${p.what} ${p.cost}` : sayRefused(p.pageSize, p.refusal, free.ordinaryMiB, sizeMiB),
      ),
    ],
    sizeMiB,
    activeMiB,
    scheme,
    tlbEntries,
    ordinaryFreeMiB: free.ordinaryMiB,
    hugePages: free.pool,
    pageSizes,
  };
}

function checkActive(activeMiB: number, sizeMiB: number): void {
  if (activeMiB >= 0 && activeMiB <= sizeMiB) return;
  throw new RefusedAt(
    {
      rule: 'OVC-1',
      reason: `${activeMiB} MiB in use lie outside of 0 to the ${sizeMiB} MiB of the VM`,
      fix: `use at most ${sizeMiB} MiB`,
      figures: { activeMiB, sizeMiB },
    },
    'activeMiB',
  );
}

const sayPool = (pool: Free['pool']): string => {
  const pages = (['2m', '1g'] as const).map((page) => ({ page, count: pool[page].total })).filter((of) => of.count > 0);
  return pages.length > 0 ? sayPages(pages) : 'no huge pages';
};
const sayPages = (pages: Backing['pages']): string =>
  list(pages.map((of) => `${count(of.count, 'page')} of ${of.page}`));

function sayBacking(pageSize: PageSize, { pages, hugeShare }: Backing): string {
  const gets = `it gets ${sayPages(pages)}`;
  if (pageSize === '4k') return `${gets}.`;
  if (pageSize !== 'thp') return `${gets} out of the pool, which are not shared, ballooned or swapped (MEM-12).`;
  return hugeShare === 1
    ? `${gets}, put together as it starts (MEM-13).`
    : `${gets}: only aligned 2 MiB in one piece can be put together, the rest falls back to 4k (MEM-13).`;
}

function sayCost(
  { tlbReachMiB, missRatio, referencesPerMiss, referencesPerAccess }: TranslationCost,
  activeMiB: number,
): string {
  const reach = `The TLB reaches ${figure(tlbReachMiB)} MiB`;
  if (missRatio === 0) return `${reach}, all of the ${figure(activeMiB)} MiB in use: no access walks a table.`;
  return `${reach}: ${percent(missRatio)} of the accesses miss, for ${figure(referencesPerMiss)} references each, ${figure(referencesPerAccess)} per access.`;
}

function sayRefused(pageSize: PageSize, { rule, reason }: Refusal, ordinaryMiB: number, sizeMiB: number): string {
  const enough = rule === 'MEM-12' && ordinaryMiB >= sizeMiB;
  return `${pageSize} is not possible here: ${reason} (${rule})${enough ? `, although ${figure(ordinaryMiB)} MiB of ordinary memory are free` : ''}.`;
}
