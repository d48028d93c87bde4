import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginsAtMiB,
  effort,
  MEMORY_STATES,
  minFree,
  STATE_RULES,
  stateOf,
} from '../../../shared/hypervisor/overcommit/states.ts';
import { depthOf } from './hosts.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const GIB = 1024;

it.each([
  [28, 899],
  [72, 1349.56],
  [128, 1923],
])('G1 (VMware ESXi memory management): a host of %d GB keeps %d MB free', (gib, mib) => {
  expect(minFree(gib * GIB)).toBeCloseTo(mib, 6);
});

describe('G2 (VMware ESXi memory management): states by free memory', () => {
  it.each([
    ['soft', 1230.7],
    ['hard', 615.4],
    ['low', 307.7],
  ] as const)('on a host of 128 GB %s begins below %d MB', (state, mib) => {
    expect(beginsAtMiB(state, minFree(128 * GIB))).toBeCloseTo(mib, 1);
  });

  it.each([
    [401, 'high', []],
    [99.9, 'clear', ['sharing']],
    [64, 'clear', ['sharing']],
    [63.9, 'soft', ['sharing', 'balloon']],
    [32, 'soft', ['sharing', 'balloon']],
    [31.9, 'hard', ['sharing', 'swap']],
    [16, 'hard', ['sharing', 'swap']],
    [15.9, 'low', ['sharing', 'swap']],
    [-5, 'low', ['sharing', 'swap']],
  ] as const)('%d %% of minFree is %s, whatever was before', (percent, state, techniques) => {
    for (const previous of MEMORY_STATES) expect(stateOf(percent * 10, 1000, previous)).toBe(state);
    expect(STATE_RULES[state].techniques).toEqual(techniques);
    expect(STATE_RULES[state].blocksAllocations).toBe(state === 'low');
  });

  it.each([100, 250, 400])('at %d %% of minFree the state from which the band was entered is kept', (percent) => {
    expect(stateOf(percent * 10, 1000, 'high')).toBe('high');
    expect(stateOf(percent * 10, 1000, 'clear')).toBe('clear');
    expect(stateOf(percent * 10, 1000, 'low')).toBe('clear');
  });

  it('a host whose free memory swings inside the band never changes its state', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('high' as const, 'clear' as const),
        fc.array(fc.integer({ min: 1000, max: 4000 })),
        (first, path) => {
          expect(path.reduce((state, free) => stateOf(free, 1000, state), first as ReturnType<typeof stateOf>)).toBe(
            first,
          );
        },
      ),
      { numRuns },
    );
  });
});

it('more free memory never means a deeper state', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1000, max: 6000, noNaN: true }),
      fc.double({ min: 0, max: 6000, noNaN: true }),
      fc.constantFrom(...MEMORY_STATES),
      (free, more, previous) => {
        const before = stateOf(free, 1000, previous);
        expect(depthOf(stateOf(free + more, 1000, before))).toBeLessThanOrEqual(depthOf(before));
      },
    ),
    { numRuns },
  );
});

describe('the effort of a technique', () => {
  it('is nothing where its state begins, and leaves the host in that state until all is taken', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('soft' as const, 'hard' as const),
        fc.double({ min: -5000, max: 2000, noNaN: true }),
        fc.double({ min: 0, max: 10_000, noNaN: true }),
        (state, free, available) => {
          const reclaimed = effort(state, free, 1000, available);
          expect(reclaimed).toBeGreaterThanOrEqual(0);
          expect(reclaimed).toBeLessThanOrEqual(available);
          if (free >= beginsAtMiB(state, 1000)) expect(reclaimed).toBe(0);
          else {
            expect(free + reclaimed).toBeLessThanOrEqual(beginsAtMiB(state, 1000));
            const next = beginsAtMiB(state === 'soft' ? 'hard' : 'low', 1000);
            if (available - reclaimed > 1e-6) expect(free + reclaimed).toBeGreaterThanOrEqual(next - 1e-6);
          }
        },
      ),
      { numRuns },
    );
  });
});
