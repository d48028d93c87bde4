import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  DEFAULT_MIGRATION_LIMITS,
  type MigrationLimits,
  networkBudget,
  type QueuedMigration,
} from '../../../shared/hypervisor/migration/budgets.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const live = (id: string, hosts: string[], rest: Partial<QueuedMigration> = {}): QueuedMigration => ({
  id,
  kind: 'live',
  hosts,
  networks: [],
  datastores: [],
  ...rest,
});
const storage = (id: string, hosts: string[], rest: Partial<QueuedMigration> = {}): QueuedMigration => ({
  ...live(id, hosts, rest),
  kind: 'storage',
});
const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

const names = (...list: string[]) => fc.subarray(list, { maxLength: 2 });
const migrations = fc
  .array(
    fc.record({
      kind: fc.constantFrom('live' as const, 'storage' as const),
      hosts: names('a', 'b', 'c'),
      networks: names('n1', 'n2'),
      datastores: names('d1', 'd2'),
    }),
    { maxLength: 40 },
  )
  .map((list) => list.map((m, i): QueuedMigration => ({ id: `m${i}`, ...m })));
const limits: fc.Arbitrary<MigrationLimits> = fc
  .record({
    host: fc.integer({ min: 1, max: 9 }),
    network: fc.integer({ min: 1, max: 9 }),
    fast: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ host, network, fast }) => ({
    host: { ...DEFAULT_MIGRATION_LIMITS.host, units: host },
    network: { ...DEFAULT_MIGRATION_LIMITS.network, units: network, unitsOf: { n2: fast } },
    datastore: { ...DEFAULT_MIGRATION_LIMITS.datastore, units: 40 },
  }));
const KINDS = [
  ['host', 'hosts'],
  ['network', 'networks'],
  ['datastore', 'datastores'],
] as const;

/** What is used of each resource, and what it has. */
function loads(list: readonly QueuedMigration[], by: MigrationLimits) {
  const found = new Map<string, { used: number; units: number }>();
  for (const m of list)
    for (const [kind, ids] of KINDS)
      for (const id of m[ids]) {
        const load = found.get(`${kind} ${id}`) ?? { used: 0, units: by[kind].unitsOf?.[id] ?? by[kind].units };
        found.set(`${kind} ${id}`, { ...load, used: load.used + by[kind].cost[m.kind] });
      }
  return found;
}
const pays = (m: QueuedMigration, by: MigrationLimits) =>
  new Set(KINDS.flatMap(([kind, ids]) => (by[kind].cost[m.kind] > 0 ? m[ids].map((id) => `${kind} ${id}`) : [])));

describe('the budgets of migrations (MIG-7)', () => {
  it('are never exceeded, and every migration either starts or waits with a reason', () => {
    fc.assert(
      fc.property(migrations, limits, (queue, by) => {
        const first = admit(queue, [], by);
        const started = queue.filter((m) => first.start.includes(m.id));
        for (const { used, units } of loads(started, by).values()) expect(used).toBeLessThanOrEqual(units);
        expect([...first.start, ...first.wait.map((w) => w.id)].sort()).toEqual(queue.map((m) => m.id).sort());
        expect(first.wait.every((w) => w.why.length > 0)).toBe(true);
        // What runs now counts the next time.
        const rest = queue.filter((m) => !first.start.includes(m.id));
        expect(admit(rest, started, by).start).toEqual([]);
      }),
      { numRuns },
    );
  });

  it('are given in the order of the queue wherever two migrations use the same resource', () => {
    fc.assert(
      fc.property(migrations, limits, (queue, by) => {
        const { start, wait } = admit(queue, [], by);
        expect(start).toEqual(queue.map((m) => m.id).filter((id) => start.includes(id)));
        const waits = new Set(wait.filter((w) => !w.never).map((w) => w.id));
        for (const [i, later] of queue.entries()) {
          if (!start.includes(later.id)) continue;
          for (const earlier of queue.slice(0, i)) {
            if (!waits.has(earlier.id)) continue;
            expect([...pays(later, by)].some((resource) => pays(earlier, by).has(resource))).toBe(false);
          }
        }
      }),
      { numRuns },
    );
  });

  it('let every migration that can ever start do so, when those that run end', () => {
    fc.assert(
      fc.property(migrations, limits, (queue, by) => {
        let rest = queue;
        for (let step = 0; step <= queue.length && rest.length > 0; step++) {
          const { start } = admit(rest, [], by);
          rest = rest.filter((m) => !start.includes(m.id));
        }
        expect(admit(rest, [], by).wait.every((w) => w.never)).toBe(true);
      }),
      { numRuns },
    );
  });

  it('of a host let 8 live migrations run, 2 storage migrations, or 1 and 4 (vSphere, limits on simultaneous migrations)', () => {
    const onHost = (list: QueuedMigration[]) => admit(list, []).start.length;
    expect(onHost(times(12, (i) => live(`l${i}`, ['h', `t${i}`])))).toBe(8);
    expect(onHost(times(12, (i) => storage(`s${i}`, ['h'])))).toBe(2);
    expect(onHost([storage('s', ['h']), ...times(12, (i) => live(`l${i}`, ['h', `t${i}`]))])).toBe(5);
  });

  it('of networks let 4 run at 1 GbE and 8 at 10 GbE, of a datastore 128 live or 8 storage migrations', () => {
    const over = { network: { ...DEFAULT_MIGRATION_LIMITS.network, unitsOf: { fast: networkBudget(10_000) } } };
    const by = { ...DEFAULT_MIGRATION_LIMITS, ...over };
    const on = (n: number, rest: Partial<QueuedMigration>, make = live) =>
      admit(
        times(n, (i) => make(`m${i}`, [], rest)),
        [],
        by,
      ).start.length;
    expect(on(200, { networks: ['slow'] })).toBe(4);
    expect(on(200, { networks: ['fast'] })).toBe(8);
    expect(on(200, { datastores: ['d'] })).toBe(128);
    expect(on(200, { datastores: ['d'] }, storage)).toBe(8);
    expect([100, 1000, 9999, 10_000, 25_000].map(networkBudget)).toEqual([4, 4, 4, 8, 8]);
  });

  it('of one migration per host, as another platform has it, are kept too', () => {
    const one = { units: 1, cost: { live: 1, storage: 1 } };
    const by = { ...DEFAULT_MIGRATION_LIMITS, host: one };
    const queue = [live('m1', ['a', 'b']), storage('m2', ['b']), live('m3', ['c', 'd'])];
    expect(admit(queue, [], by)).toEqual({
      start: ['m1', 'm3'],
      wait: [{ id: 'm2', why: 'host b uses 1 of 1, this costs 1', never: false }],
    });
  });

  it('are not taken from a dear migration by cheap ones behind it', () => {
    const running = times(5, (i) => live(`r${i}`, ['h', `t${i}`]));
    const queue = [storage('dear', ['h']), live('cheap', ['h', 'x']), live('elsewhere', ['y', 'z'])];
    expect(admit(queue, running)).toEqual({
      start: ['elsewhere'],
      wait: [
        { id: 'dear', why: 'host h uses 5 of 8, this costs 4', never: false },
        { id: 'cheap', why: 'dear is first in line for host h', never: false },
      ],
    });
  });

  it('that a migration can never meet are named, and nobody waits behind it', () => {
    const by = { ...DEFAULT_MIGRATION_LIMITS, host: { ...DEFAULT_MIGRATION_LIMITS.host, units: 1 } };
    expect(admit([storage('dear', ['h']), live('cheap', ['h'])], [], by)).toEqual({
      start: ['cheap'],
      wait: [{ id: 'dear', why: 'host h has a budget of 1, a storage migration costs it 4', never: true }],
    });
  });

  it('are refused for a migration that is told twice', () => {
    expect(() => admit([live('m', ['a'])], [live('m', ['a'])])).toThrow(/MIG-7/);
  });
});
