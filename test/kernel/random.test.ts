import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash32, seededRandom } from '../../shared/kernel/random.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const sequence = (seed: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: 20 }, () => random.next());
};

describe('chance', () => {
  it('is the same for the same seed, and another for another', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(sequence(seed)).toEqual(sequence(seed));
        expect(sequence(seed)).not.toEqual(sequence(seed + 1));
      }),
      { numRuns },
    );
  });

  it('stays within its bounds', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 1_000_000 }), (seed, below) => {
        const random = seededRandom(seed);
        const n = random.below(below);
        expect(Number.isInteger(n) && n >= 0 && n < below).toBe(true);
      }),
      { numRuns },
    );
  });

  it('reaches every item', () => {
    const random = seededRandom(7);
    const picked = new Set(Array.from({ length: 200 }, () => random.pick(['a', 'b', 'c'])));
    expect([...picked].sort()).toEqual(['a', 'b', 'c']);
  });

  it('cannot pick from nothing', () => {
    expect(() => seededRandom(1).pick([])).toThrow(RangeError);
  });
});

/** Test vectors of FNV-1a, 32 bit, as its authors publish them. */
it.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('the number of %o is the published one', (text, number) => {
  expect(hash32(text)).toBe(number);
});
