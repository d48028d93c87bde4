import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../shared/kernel/errors.ts';
import { buildUpdate, refuseWith, Transaction } from '../../shared/store/transaction.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const KEY = { pk: 'P', sk: 'S' };

describe('an update', () => {
  it.each([
    ['sets', { set: { state: 'on' } }, 'SET #state = :s0', { '#state': 'state' }, { ':s0': 'on' }],
    [
      'adds, relative to what is there',
      { add: { size: -2 } },
      'SET #size = #size + :a0',
      { '#size': 'size' },
      { ':a0': -2 },
    ],
    ['removes', { remove: ['name', 'ttl'] }, 'REMOVE #name, #ttl', { '#name': 'name', '#ttl': 'ttl' }, {}],
    [
      'reaches into a map',
      { add: { 'left.vms': -1 } },
      'SET #left.#vms = #left.#vms + :a0',
      { '#left': 'left', '#vms': 'vms' },
      { ':a0': -1 },
    ],
    [
      'does all of it at once',
      { set: { a: 1 }, add: { b: 2 }, remove: ['c'] },
      'SET #a = :s0, #b = #b + :a1 REMOVE #c',
      { '#a': 'a', '#b': 'b', '#c': 'c' },
      { ':s0': 1, ':a1': 2 },
    ],
    [
      'leaves alone what is undefined',
      { set: { a: undefined, b: null } },
      'SET #b = :s0',
      { '#b': 'b' },
      { ':s0': null },
    ],
  ])('%s', (_what, spec, expression, names, values) => {
    expect(buildUpdate(spec)).toEqual({ expression, names, values });
  });

  it('keeps the names and values of its condition', () => {
    const built = buildUpdate({ set: { a: 1 }, condition: '#x > :y', names: { '#x': 'size' }, values: { ':y': 3 } });
    expect(built.names).toEqual({ '#x': 'size', '#a': 'a' });
    expect(built.values).toEqual({ ':y': 3, ':s0': 1 });
  });

  it('never writes the name of an attribute into an expression: any of them may be a reserved word', () => {
    const words = ['state', 'name', 'size', 'ttl', 'left', 'status', 'values', 'percent', 'total', 'owner', 'zone'];
    const some = fc.uniqueArray(fc.constantFrom(...words), { maxLength: 4 });
    fc.assert(
      fc.property(some, some, some, (set, add, remove) => {
        const { expression, names, values } = buildUpdate({
          set: Object.fromEntries(set.map((w) => [w, 1])),
          add: Object.fromEntries(add.map((w) => [w, 1])),
          remove,
        });
        const bare = expression.match(/(?<![#:\w])\w+/g) ?? [];
        expect(bare.filter((w) => w !== 'SET' && w !== 'REMOVE')).toEqual([]);
        expect(new Set(expression.match(/#\w+/g) ?? [])).toEqual(new Set(Object.keys(names)));
        expect(new Set(expression.match(/:\w+/g) ?? [])).toEqual(new Set(Object.keys(values)));
      }),
      { numRuns },
    );
  });
});

describe('a transaction', () => {
  it('holds its actions in the order in which they were added', () => {
    const tx = new Transaction()
      .put(KEY, { a: 1 })
      .update(KEY, { set: { a: 2 } }, 'events')
      .delete(KEY, { table: 'world' })
      .check(KEY, 'attribute_exists(pk)', () => new Error('gone'));
    expect(tx.actions.map((a) => [a.kind, a.table])).toEqual([
      ['put', 'control'],
      ['update', 'events'],
      ['delete', 'world'],
      ['check', 'control'],
    ]);
  });

  it('puts an item under its own key, whatever the item says', () => {
    const [action] = new Transaction().put(KEY, { pk: 'other', sk: 'other', a: 1 }).actions;
    expect(action?.item).toEqual({ ...KEY, a: 1 });
  });

  it('puts only where nothing is, when told what it means that something is', () => {
    const taken = new DomainError('name-taken', 'taken');
    const [action] = new Transaction().put(KEY, {}, { ifAbsent: refuseWith(() => taken) }).actions;
    expect(action?.condition).toBe('attribute_not_exists(pk)');
    expect(action?.onFail({})).toBe(taken);
  });

  it('calls a failed condition that nobody has foreseen a bug, and shows what was found', () => {
    const [action] = new Transaction().delete(KEY, { condition: 'a = :a', values: { ':a': 1 } }).actions;
    const bug = action?.onFail({ a: 2 });
    expect(bug).not.toBeInstanceOf(DomainError);
    expect(bug?.message).toContain('{"a":2}');
  });
});
