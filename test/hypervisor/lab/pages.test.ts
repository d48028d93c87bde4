import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ask, askOrRefuse, type QuestionOf, RUNS, some, sum } from './ask.ts';

describe('pages', () => {
  const host = { memoryMiB: 16_384, hugePages: { '2m': 2048, '1g': 2 } };
  const every: QuestionOf<'pages'>['pageSizes'] = ['4k', '2m', '1g', 'thp'];
  const started = (question: Omit<QuestionOf<'pages'>, 'experiment' | 'pageSizes'>) => {
    const answer = ask({ experiment: 'pages', pageSizes: every, ...question });
    return Object.fromEntries(answer.pageSizes.map((p) => [p.pageSize, p.started ? p : undefined]));
  };

  it('A2, MEM-10 (source document): 1 GiB is 262144 entries of 4 KiB, 512 of 2 MiB or 1 of 1 GiB, and the TLB reaches as much further', () => {
    const by = started({ host, sizeMiB: 1024 });
    expect(['4k', '2m', '1g'].map((p) => by[p]?.tableEntries)).toEqual([262_144, 512, 1]);
    expect(['4k', '2m', '1g'].map((p) => by[p]?.tlbReachMiB)).toEqual([6, 3072, 1_572_864]);
    expect(by.thp?.pages).toEqual([{ page: '2m', count: 512 }]);
  });

  it('K1 (published 24, derived 19 and 15): with a TLB of no entry each access costs the references of a walk', () => {
    const walks = (guestPageSize?: '4k') => {
      const by = started({ host, sizeMiB: 1024, tlbEntries: 0, ...(guestPageSize && { guestPageSize }) });
      return ['4k', '2m'].map((p) => [by[p]?.missRatio, by[p]?.referencesPerAccess]);
    };
    expect(walks('4k')).toEqual([
      [1, 24],
      [1, 19],
    ]);
    expect(walks()).toEqual([
      [1, 24],
      [1, 15],
    ]);
  });

  it('MEM-12 (source document): a start fails with "no huge pages" although ordinary memory is free, and takes its pages where there are some', () => {
    const { pageSizes, summary } = ask({ experiment: 'pages', pageSizes: ['2m', '1g'], host, sizeMiB: 4096 });
    expect(pageSizes[0]).toMatchObject({ started: true, poolFree: { '2m': 0, '1g': 2 }, ordinaryFreeMiB: 10_240 });
    expect(pageSizes[1]).toMatchObject({
      started: false,
      refusal: { rule: 'MEM-12', figures: { needed: 4, free: 2, ordinaryFreeMiB: 10_240 } },
    });
    expect(summary.at(-1)).toContain(
      'no huge pages: 4 pages of 1g are needed, 2 of 2 are free (MEM-12), although 10240',
    );
  });

  it('MEM-13 (source document): transparent huge pages fall back where free memory is in pieces, and never refuse a start', () => {
    const thp = (pieces: number, pages: number) =>
      started({
        host: { memoryMiB: 64, freeRanges: Array.from({ length: pieces }, (_, i) => ({ first: 1 + i * 1024, pages })) },
        sizeMiB: 4,
      }).thp;
    expect(thp(1, 1024)).toMatchObject({ hugeShare: 0.5, tableEntries: 513 });
    expect(thp(4, 511)).toMatchObject({ hugeShare: 0, pages: [{ page: '4k', count: 1024 }] });
    expect(thp(4, 511)?.what).toContain('falls back to 4k');
  });

  it('pages: a VM that starts has all of its memory in pages, and host and pool have that much less', () => {
    const range = fc.tuple(fc.nat(700), fc.nat(3000));
    const asked = fc.record({ sizeMiB: fc.integer({ min: 1, max: 64 }), small: fc.nat(40), gaps: some(range) });
    const MIB_OF = { '4k': 1 / 256, '2m': 2, '1g': 1024 };
    fc.assert(
      fc.property(asked, ({ sizeMiB, small, gaps }) => {
        let end = 0;
        const freeRanges = gaps.map(([gap, pages]) => {
          const first = end + gap;
          end = first + pages;
          return { first, pages };
        });
        const host = { memoryMiB: 4096, hugePages: { '2m': small, '1g': 1 }, freeRanges };
        const answer = askOrRefuse({ experiment: 'pages', host, sizeMiB, pageSizes: ['4k', '2m', '1g', 'thp'] });
        const before = sum(gaps.map(([, pages]) => pages)) / 256;
        expect(answer?.pageSizes.map((p) => p.started)).toEqual([
          sizeMiB <= before,
          sizeMiB % 2 === 0 && sizeMiB / 2 <= small,
          false,
          sizeMiB <= before,
        ]);
        for (const p of answer?.pageSizes ?? []) {
          if (!p.started) continue;
          expect(sum(p.pages.map((of) => of.count * MIB_OF[of.page]))).toBe(sizeMiB);
          expect(p.tableEntries).toBe(sum(p.pages.map((of) => of.count)));
          const takenMiB = before - p.ordinaryFreeMiB + 2 * (small - p.poolFree['2m']) + 1024 * (1 - p.poolFree['1g']);
          expect(takenMiB).toBe(sizeMiB);
        }
      }),
      RUNS,
    );
  });
});
