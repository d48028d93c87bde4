import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersect, merge, type Span, within } from '../../shared/world/timeline.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const span: fc.Arbitrary<Span> = fc
  .tuple(fc.nat(50), fc.nat(20))
  .map(([from, length]) => ({ from, to: from + length }));
const spans = fc.array(span, { maxLength: 8 });
const covered = (list: readonly Span[]) => Array.from({ length: 80 }, (_, at) => within(list, at));

describe('spans', () => {
  it.each([
    [
      'that overlap become one',
      [
        { from: 5, to: 9 },
        { from: 1, to: 6 },
      ],
      [{ from: 1, to: 9 }],
    ],
    [
      'that touch become one',
      [
        { from: 1, to: 3 },
        { from: 3, to: 5 },
      ],
      [{ from: 1, to: 5 }],
    ],
    [
      'that lie one within the other become one',
      [
        { from: 1, to: 9 },
        { from: 3, to: 4 },
      ],
      [{ from: 1, to: 9 }],
    ],
    [
      'that lie apart stay apart',
      [
        { from: 4, to: 5 },
        { from: 1, to: 3 },
      ],
      [
        { from: 1, to: 3 },
        { from: 4, to: 5 },
      ],
    ],
    ['that are empty vanish', [{ from: 3, to: 3 }], []],
  ])('%s', (_what, list, merged) => {
    expect(merge(list)).toEqual(merged);
  });

  it('that are merged cover the same instants, in order and with gaps between them', () => {
    fc.assert(
      fc.property(spans, (list) => {
        const merged = merge(list);
        expect(covered(merged)).toEqual(covered(list));
        for (const [i, m] of merged.entries()) expect(m.from).toBeGreaterThan(merged[i - 1]?.to ?? -1);
      }),
      { numRuns },
    );
  });

  it('that are intersected cover what both cover', () => {
    fc.assert(
      fc.property(spans, spans, (a, b) => {
        const both = covered(a).map((in_a, at) => in_a && within(b, at));
        expect(covered(intersect(a, b))).toEqual(both);
      }),
      { numRuns },
    );
  });
});
