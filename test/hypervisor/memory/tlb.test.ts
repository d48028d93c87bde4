import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIXED_PAGES, type FixedPage, pageBytes } from '../../../shared/hypervisor/memory/pages.ts';
import { createTlb, tlbReachMiB } from '../../../shared/hypervisor/memory/tlb.ts';
import { lruHitRatios } from '../../../shared/hypervisor/memory/tlb-hits.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import { GIB, RUNS } from './worlds.ts';

const entryOf = (address: number, page: FixedPage) => {
  const base = address - (address % pageBytes(page));
  return { base, target: base, page, writable: true };
};

function misses(addresses: readonly number[], entries: number, pageOf: (address: number) => FixedPage): number {
  const tlb = createTlb(entries);
  let count = 0;
  for (const address of addresses) {
    if (tlb.lookup(address) !== undefined) continue;
    count++;
    tlb.insert(entryOf(address, pageOf(address)));
  }
  return count;
}

describe('TLB', () => {
  it('MEM-10: for a fixed memory and a fixed TLB, bigger pages never miss more', () => {
    const address = fc.oneof(fc.nat(16 * 4096), fc.nat(2 ** 25), fc.nat(2 ** 31 - 1)).map((a) => a % (4 * GIB));
    fc.assert(
      fc.property(fc.array(address, { maxLength: 300 }), fc.integer({ min: 0, max: 20 }), (addresses, entries) => {
        const [small, huge, giant] = FIXED_PAGES.map((page) => misses(addresses, entries, () => page));
        expect(huge).toBeLessThanOrEqual(small as number);
        expect(giant).toBeLessThanOrEqual(huge as number);
      }),
      RUNS,
    );
  });
  it('MEM-10: its reach is entries x page size', () => {
    expect(FIXED_PAGES.map((page) => tlbReachMiB(1536, page))).toEqual([6, 3072, 1536 * 1024]);
  });
  it('MEM-14: it forgets the least recently used entry first', () => {
    const tlb = createTlb(2);
    tlb.insert(entryOf(0, '4k'));
    tlb.insert(entryOf(4096, '4k'));
    tlb.lookup(5);
    tlb.insert(entryOf(8192, '4k'));
    expect([0, 4096, 8192].map((a) => tlb.lookup(a) !== undefined)).toEqual([true, false, true]);
  });
  it('MEM-14: an invalidation forgets every entry that touches the page, small ones in it and large ones around it', () => {
    const tlb = createTlb(8);
    const [in1, in2, beside, around] = [
      entryOf(0, '4k'),
      entryOf(511 * 4096, '4k'),
      entryOf(512 * 4096, '4k'),
      entryOf(GIB, '1g'),
    ];
    for (const entry of [in1, in2, beside, around]) tlb.insert(entry);
    tlb.invalidate(0, pageBytes('2m'));
    tlb.invalidate(GIB + 4096, 4096);
    expect([in1, in2, beside, around].map((e) => tlb.lookup(e.base) !== undefined)).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });
});

describe('hit ratio of an LRU TLB under uniform access', () => {
  const ENTRIES = 64;
  /** Misses of a real LRU TLB after it is warm, with this share of the memory on 2 MiB pages. */
  function observed(hugePages: number, smallPages: number): { huge: number; small: number } {
    const random = seededRandom(7);
    const tlb = createTlb(ENTRIES);
    const edge = hugePages * pageBytes('2m');
    const seen = { huge: [0, 0], small: [0, 0] };
    for (let i = 0; i < 200_000; i++) {
      const address = random.below(edge + smallPages * 4096);
      const kind = address < edge ? 'huge' : 'small';
      const hit = tlb.lookup(address) !== undefined;
      if (!hit) tlb.insert(entryOf(address, kind === 'huge' ? '2m' : '4k'));
      if (i < 20_000) continue;
      (seen[kind][0] as number) += hit ? 1 : 0;
      (seen[kind][1] as number) += 1;
    }
    const ratio = ([hits, all]: number[]) => (hits as number) / Math.max(1, all as number);
    return { huge: ratio(seen.huge), small: ratio(seen.small) };
  }

  it('one kind of page: entries / pages', () => {
    expect(lruHitRatios([{ pages: 256, share: 1 }], ENTRIES)[0]).toBeCloseTo(0.25, 9);
    expect(lruHitRatios([{ pages: 64, share: 1 }], ENTRIES)).toEqual([1]);
    expect(lruHitRatios([{ pages: 64, share: 1 }], 0)).toEqual([0]);
    expect(observed(0, 256).small).toBeCloseTo(0.25, 2);
  });
  it.each([
    [4, 4 * 512],
    [60, 60 * 512],
    [100, 512],
  ])('%i pages of 2 MiB beside %i of 4 KiB: as a simulated LRU TLB has it, within 0.01', (hugePages, smallPages) => {
    const all = hugePages * 512 + smallPages;
    const kinds = [
      { pages: hugePages, share: (hugePages * 512) / all },
      { pages: smallPages, share: smallPages / all },
    ];
    const [huge, small] = lruHitRatios(kinds, ENTRIES) as [number, number];
    const real = observed(hugePages, smallPages);
    expect(Math.abs(huge - real.huge)).toBeLessThan(0.01);
    expect(Math.abs(small - real.small)).toBeLessThan(0.01);
  });
});
