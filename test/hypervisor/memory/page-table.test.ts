import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrames, createWords, type TableSpace } from '../../../shared/hypervisor/memory/frames.ts';
import { addressEnd, createPageTable } from '../../../shared/hypervisor/memory/page-table.ts';
import { Refused } from '../../../shared/hypervisor/refusal.ts';
import { RUNS } from './worlds.ts';

const PAGE = 4096;
const HUGE = 2 ** 21;

function space(): TableSpace & { taken(): number } {
  const words = createWords();
  const frames = createFrames(0, 64 * PAGE, 'MEM-3', 'the test');
  let taken = 0;
  return {
    ...words,
    takeFrame: () => {
      taken++;
      return frames.take();
    },
    giveFrame: (address) => {
      taken--;
      frames.give(address);
    },
    taken: () => taken,
  };
}

describe('page table', () => {
  it('translates every address of what is mapped and misses every other, at any number of levels', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.uniqueArray(fc.nat(511), { maxLength: 40 }), (levels, pages) => {
        const table = createPageTable(space(), levels);
        const spread = Math.max(1, Math.floor(addressEnd(levels) / (8 * 512) / PAGE)) * PAGE;
        const few = pages.slice(0, 12);
        const addressOf = (page: number) => (levels === 1 ? page * PAGE : page * spread);
        for (const page of few) table.map(addressOf(page), page * PAGE, '4k');
        for (const page of pages) {
          const walk = table.walk(addressOf(page) + 17);
          if (few.includes(page))
            expect(walk).toMatchObject({ found: true, address: page * PAGE + 17, references: levels });
          else expect(walk.found).toBe(false);
        }
      }),
      RUNS,
    );
  });
  it('gives every table page but the root back when all is unmapped', () => {
    const frames = space();
    const table = createPageTable(frames, 4);
    const addresses = [0, PAGE, 2 ** 30, 2 ** 39, 2 ** 47];
    for (const address of addresses) table.map(address, 0, '4k');
    expect(frames.taken()).toBe(1 + 3 + 2 + 3 + 3);
    for (const address of addresses) table.unmap(address);
    expect(frames.taken()).toBe(1);
    table.map(0, 0, '1g');
    expect(table.walk(5)).toMatchObject({ found: true, references: 2 });
  });
  it('a miss says which level of which table page missed', () => {
    const table = createPageTable(space(), 4);
    expect(table.walk(0)).toEqual({ found: false, level: 4, table: table.root, references: 1 });
    table.map(0, 0, '4k');
    expect(table.walk(2 ** 30)).toMatchObject({ found: false, level: 3, references: 2 });
    expect(table.walk(HUGE)).toMatchObject({ found: false, level: 2, references: 3 });
    expect(table.walk(PAGE)).toMatchObject({ found: false, level: 1, references: 4 });
  });
  it('refuses what it cannot hold: unaligned, too high, too large for its levels, or mapped already', () => {
    const table = createPageTable(space(), 2);
    table.map(HUGE, 0, '2m');
    table.map(0, 0, '4k');
    const refused: (() => unknown)[] = [
      () => table.map(1, 0, '4k'),
      () => table.map(4 * PAGE, 1, '4k'),
      () => table.map(2 * HUGE, PAGE, '2m'),
      () => table.map(2 ** 30, 0, '4k'),
      () => table.map(-PAGE, 0, '4k'),
      () => table.map(0, 0, '1g'),
      () => table.map(0, PAGE, '4k'),
      () => table.map(0, 0, '2m'),
      () => table.map(HUGE + PAGE, 0, '4k'),
      () => table.remap(HUGE, PAGE),
      () => table.remap(5 * PAGE, 0),
      () => table.walk(2 ** 30),
      () => createPageTable(space(), 0),
      () => createPageTable(space(), 6),
    ];
    for (const act of refused) expect(act, String(act)).toThrow(Refused);
    expect(table.walk(PAGE - 1)).toMatchObject({ found: true, address: PAGE - 1 });
  });
  it('says so when its space is full', () => {
    const full = createFrames(0, PAGE, 'MEM-3', 'the test');
    const table = createPageTable({ ...createWords(), takeFrame: () => full.take(), giveFrame: full.give }, 2);
    expect(() => table.map(0, 0, '4k')).toThrow(/the test has no free frame/);
  });
});
