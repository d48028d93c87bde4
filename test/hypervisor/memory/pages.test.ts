import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  giveHugePages,
  type HugePagePool,
  poolMiB,
  reserveHugePages,
  takeHugePages,
} from '../../../shared/hypervisor/memory/huge-pages.ts';
import { basePagesOf, hugePagesOf, pageBytes, pagesOf } from '../../../shared/hypervisor/memory/pages.ts';
import { promote } from '../../../shared/hypervisor/memory/transparent.ts';
import { type Refusal, Refused } from '../../../shared/hypervisor/refusal.ts';
import { RUNS } from './worlds.ts';

function refusalOf(act: () => unknown): Refusal {
  try {
    act();
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('pages', () => {
  it('A2 (source document; MEM-9, MEM-11): 256 pages of 4096 bytes a MiB; 512 and 262144 base pages a huge page', () => {
    expect(pageBytes('4k')).toBe(4096);
    expect(pagesOf(1, '4k')).toBe(256);
    expect([basePagesOf('2m'), basePagesOf('1g')]).toEqual([512, 262_144]);
  });
  it('MEM-10: the larger a page, the fewer the entries of the same memory', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), (gib) => {
        const [small, huge, giant] = [pagesOf(gib * 1024, '4k'), pagesOf(gib * 1024, '2m'), pagesOf(gib * 1024, '1g')];
        expect([small, huge]).toEqual([huge * 512, giant * 512]);
      }),
      RUNS,
    );
  });
  it('MEM-11: a size that is no whole number of pages is refused with the next sizes that fit', () => {
    expect(refusalOf(() => pagesOf(1025, '2m'))).toMatchObject({
      rule: 'MEM-11',
      figures: { belowMiB: 1024, aboveMiB: 1026 },
    });
    expect(refusalOf(() => pagesOf(512, '1g')).fix).toBe('choose 1024 MiB');
    for (const bad of [0, -2, Number.NaN, Number.POSITIVE_INFINITY])
      expect(refusalOf(() => pagesOf(bad, '2m')).rule).toBe('MEM-11');
  });
  it('MEM-11: huge pages are of 2 MiB where no size is named', () => {
    expect(hugePagesOf(1024)).toEqual({ page: '2m', count: 512 });
    expect(hugePagesOf(2048, '1g')).toEqual({ page: '1g', count: 2 });
  });
});

describe('standard huge pages', () => {
  it('MEM-12: a short pool refuses a start although ordinary memory is free, and stays as it was', () => {
    const pool = reserveHugePages(8192, { '2m': 100 });
    expect(takeHugePages(pool, { page: '2m', count: 101 }, 7992)).toMatchObject({
      ok: false,
      refusal: { rule: 'MEM-12', figures: { needed: 101, free: 100, total: 100, ordinaryFreeMiB: 7992 } },
    });
    expect(takeHugePages(pool, { page: '1g', count: 1 }, 7992)).toMatchObject({ ok: false });
    expect(pool['2m'].free).toBe(100);
  });
  it('MEM-12: what is reserved is taken from the host whether a VM has it or not, and must fit in', () => {
    const pool = reserveHugePages(8192, { '2m': 512, '1g': 2 });
    expect(poolMiB(pool)).toBe(1024 + 2048);
    const taken = takeHugePages(pool, { page: '2m', count: 512 }, 0);
    expect(taken.ok && poolMiB(taken.pool)).toBe(3072);
    expect(refusalOf(() => reserveHugePages(2047, { '1g': 2 })).rule).toBe('MEM-12');
    for (const count of [-1, 0.5]) expect(refusalOf(() => reserveHugePages(2048, { '2m': count })).rule).toBe('MEM-12');
  });
  it('MEM-12: pages are neither made nor lost, whatever is taken and given back', () => {
    const need = fc.record({ page: fc.constantFrom('2m' as const, '1g' as const), count: fc.nat(6) });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), need)), (commands) => {
        let pool: HugePagePool = reserveHugePages(2 ** 20, { '2m': 10, '1g': 10 });
        const held = { '2m': 0, '1g': 0 };
        for (const [take, { page, count }] of commands) {
          if (take) {
            const result = takeHugePages(pool, { page, count }, 0);
            expect(result.ok).toBe(held[page] + count <= 10);
            if (!result.ok) continue;
            pool = result.pool;
            held[page] += count;
          } else if (count > held[page]) expect(() => giveHugePages(pool, { page, count })).toThrow(Refused);
          else {
            pool = giveHugePages(pool, { page, count });
            held[page] -= count;
          }
          for (const p of ['2m', '1g'] as const) expect(pool[p]).toEqual({ total: 10, free: 10 - held[p] });
        }
      }),
      RUNS,
    );
  });
});

describe('transparent huge pages', () => {
  it('MEM-13: only aligned whole 2 MiB in a free range are promoted, the rest falls back to 4 KiB', () => {
    expect(promote([{ first: 0, pages: 1024 }], 4)).toEqual({ hugePages: 2, basePages: 0, promotedShare: 1 });
    expect(promote([{ first: 1, pages: 1024 }], 4)).toEqual({ hugePages: 1, basePages: 512, promotedShare: 0.5 });
    expect(promote([{ first: 1, pages: 510 }], 4)).toEqual({ hugePages: 0, basePages: 1024, promotedShare: 0 });
    expect(promote([], 3).hugePages).toBe(0);
    expect(promote([{ first: 0, pages: 5120 }], 3)).toMatchObject({ hugePages: 1, basePages: 256 });
  });
  it('MEM-13: it never fails for scattered memory, and the VM has all its pages of one kind or the other', () => {
    const gaps = fc.array(fc.tuple(fc.nat(700), fc.nat(3000)), { maxLength: 20 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 64 }), (list, sizeMiB) => {
        let at = 0;
        const free = new Set<number>();
        const ranges = list.map(([gap, pages]) => {
          const first = at + gap;
          at = first + pages;
          for (let page = first; page < at; page++) free.add(page);
          return { first, pages };
        });
        let aligned = 0;
        for (let huge = 0; huge * 512 < at; huge++)
          if (Array.from({ length: 512 }, (_, i) => huge * 512 + i).every((p) => free.has(p))) aligned++;
        const { hugePages, basePages } = promote(ranges, sizeMiB);
        expect(hugePages * 512 + basePages).toBe(sizeMiB * 256);
        // Ranges that touch are two ranges to the caller, so what is free in fact is the most.
        expect(hugePages).toBeLessThanOrEqual(aligned);
        if (list.every(([gap]) => gap > 0)) expect(hugePages).toBe(Math.min(aligned, Math.floor(sizeMiB / 2)));
      }),
      RUNS,
    );
  });
  it('MEM-13: ranges that overlap are bad input', () => {
    expect(
      refusalOf(() =>
        promote(
          [
            { first: 0, pages: 10 },
            { first: 9, pages: 1 },
          ],
          4,
        ),
      ).rule,
    ).toBe('MEM-13');
  });
});
