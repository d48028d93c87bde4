import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChainPoint, chainsOf, removableChains } from '../../shared/backup/chains.ts';
import { Refused } from '../../shared/hypervisor/refusal.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);

describe('J6 (Veeam Backup & Replication user guide): keep 3 points; full on Sunday and Thursday, increments between', () => {
  const week: ChainPoint[] = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].map((id) => ({
    id,
    kind: id === 'Sun' || id === 'Thu' ? 'full' : 'increment',
  }));
  it.each(week.map((p, i) => [p.id, i + 1] as const))('what may go on %s', (day, points) => {
    const gone = removableChains(week.slice(0, points), 3).map((chain) => chain.map((p) => p.id));
    expect(gone).toEqual(day === 'Sat' ? [['Sun', 'Mon', 'Tue', 'Wed']] : []);
  });
});

const repositories = fc
  .array(fc.boolean(), { minLength: 1, maxLength: 40 })
  .map((fulls) => fulls.map((full, i): ChainPoint => ({ id: `p${i}`, kind: full || i === 0 ? 'full' : 'increment' })));

describe('over random repositories', () => {
  it('chains hold every point once, in order, each begun by its only full backup', () => {
    fc.assert(
      fc.property(repositories, (points) => {
        const chains = chainsOf(points);
        expect(chains.flat()).toEqual(points);
        for (const chain of chains) expect(chain.map((p) => p.kind === 'full').lastIndexOf(true)).toBe(0);
      }),
      { numRuns },
    );
  });
  it('what is left begins with a full backup, holds the points to keep, and would not without one more chain', () => {
    fc.assert(
      fc.property(repositories, fc.integer({ min: 1, max: 10 }), (points, keep) => {
        const gone = removableChains(points, keep);
        const left = points.slice(gone.flat().length);
        expect([...gone.flat(), ...left]).toEqual(points);
        expect(left[0]?.kind).toBe('full');
        expect(left.length).toBeGreaterThanOrEqual(Math.min(keep, points.length));
        expect(left.length - (chainsOf(left)[0]?.length ?? 0)).toBeLessThan(keep);
      }),
      { numRuns },
    );
  });
});

it('an increment without a full backup, and a number below one, are refused', () => {
  expect(() => chainsOf([{ id: 'i', kind: 'increment' }])).toThrow(/BKP-8/);
  expect(() => removableChains([], 0)).toThrow(Refused);
  expect(() => removableChains([], 1.5)).toThrow(Refused);
  expect(chainsOf([])).toEqual([]);
});
