import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ManualClock } from '../../shared/kernel/clock.ts';
import { ID_PREFIXES, type IdKind, makeIds, SYSTEM_TAG, tagOfId, tagOfTenant } from '../../shared/kernel/ids.ts';
import { seededRandom } from '../../shared/kernel/random.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const kinds = Object.keys(ID_PREFIXES) as IdKind[];
const owned = kinds.filter((kind) => kind !== 'tenant');
const time = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) });
const idsAt = (at: number, seed = 1) => makeIds(new ManualClock(at), seededRandom(seed));

it('ids of a kind sort by age', () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.uniqueArray(time, { minLength: 2 }), fc.nat(), (kind, times, seed) => {
      const oldestFirst = [...times].sort((a, b) => a - b);
      const made = oldestFirst.map((at, i) => idsAt(at, seed + i).make(kind));
      expect([...made].sort()).toEqual(made);
    }),
    { numRuns },
  );
});

it('every id of a tenant tells the tag of its tenant', () => {
  fc.assert(
    fc.property(fc.constantFrom(...owned), time, fc.nat(), (kind, at, seed) => {
      const ids = idsAt(at, seed);
      const tag = tagOfTenant(ids.make('tenant'));
      expect(tagOfId(ids.make(kind, tag))).toBe(tag);
    }),
    { numRuns },
  );
});

it.each(owned)('an id of a %s without an owner is the system’s, and names its kind', (kind) => {
  const id = idsAt(0).make(kind);
  expect(tagOfId(id)).toBe(SYSTEM_TAG);
  expect(id.startsWith(`${ID_PREFIXES[kind]}_`)).toBe(true);
});

it('the tag of a tenant is the tail of its own id, which itself is owned by nobody', () => {
  const id = idsAt(0).make('tenant', 'abcdef');
  expect(id.endsWith(tagOfTenant(id))).toBe(true);
  expect(id).not.toContain('abcdef');
  expect(tagOfId(id)).toBeUndefined();
});

it.each([
  ['an empty text', ''],
  ['a name', 'web-1'],
  ['a prefix alone', 'vm_'],
  ['an id that is too long', `vm_${'0'.repeat(23)}`],
  ['a letter that is not in the alphabet', `vm_${'0'.repeat(21)}u`],
  ['a separator of keys', `vm_0000000000T#abc#000000`],
  ['a line break at the end', `vm_${'0'.repeat(22)}\n`],
])('%s tells no tag', (_what, text) => {
  expect(tagOfId(text)).toBeUndefined();
});

it('two ids of the same instant differ', () => {
  const ids = idsAt(0);
  const made = Array.from({ length: 1000 }, () => ids.make('vm'));
  expect(new Set(made).size).toBe(made.length);
});
