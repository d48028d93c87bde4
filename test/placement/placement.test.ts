import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../shared/kernel/random.ts';
import type { Cluster, Host } from '../../shared/model/inventory.ts';
import type { Candidate, Need } from '../../shared/placement/need.ts';
import {
  type Chosen,
  EXAMINED_LIMIT,
  explain,
  place,
  type Refused,
  roomiest,
} from '../../shared/placement/placement.ts';
import { type Rule, VALIDATORS } from '../../shared/placement/validators.ts';
import { candidate, cluster, datastore, host, index, need } from './hosts.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const chance = (seed = 1) => seededRandom(seed);

/** A cluster with a host that takes VMs of failed hosts only. */
const keeping: Cluster = { ...cluster, ha: { ...cluster.ha, failoverHosts: ['kept'] } };
const NO_ROOM = { rule: 'HA-13', reason: 'it would not be kept', fix: 'stop VMs' };

/** A rule, a host that breaks it and no other, and a need that the host cannot meet. */
const BREAKS: [Rule, Host, Need, Partial<Candidate>?][] = [
  ['site', host('h', { siteId: 's2' }), need()],
  ['cluster', host('h', { clusterId: 'c2' }), need({ clusterId: 'c1' })],
  ['host', host('h'), need({ hostId: 'other' })],
  ['state', host('h', { state: 'suspect' }), need()],
  ['failover', host('kept'), need(), { cluster: keeping }],
  ['avoided', host('h'), need({ avoid: new Set(['h']) })],
  ['hardware', host('h', { hardwareVirtualisation: false }), need()],
  ['nested-paging', host('h', { nestedPaging: false }), need()],
  ['generation', host('h', { cpuGeneration: 'Nehalem' }), need({ generation: 'Westmere' })],
  ['cpu', host('h', { free: { vcpus: 1 } }), need()],
  ['cpu-reservation', host('h', { free: { mhz: 999 } }), need({ demand: { mhz: 1000 } })],
  ['memory', host('h', { free: { memoryMiB: 4095 } }), need()],
  ['vms', host('h', { free: { vms: 0 } }), need({ demand: { vms: 1 } })],
  ['memory-reservation', host('h', { free: { reservedMiB: 99 } }), need({ demand: { reservedMiB: 100 } })],
  ['huge-pages', host('h', { hugePages: { '2m': 9 } }), need({ demand: { pages2m: 10 } })],
  ['device', host('h', { devices: [{ id: 'n', kind: 'nic', functions: 1 }] }), need({ demand: { nicFunctions: 2 } })],
  ['numa', host('h'), need({ vnodes: [{ vcpus: 13, memoryMiB: 100 }] })],
  ['storage', host('h'), need({ storageGiB: 1001 })],
  ['failover-capacity', host('h'), need({ powersOn: true }), { promise: { refusal: () => NO_ROOM } }],
];

describe('a rule', () => {
  it.each(BREAKS)('"%s" rules a host out, is counted, and says what would help', (rule, broken, wanted, more = {}) => {
    const there = candidate(broken, undefined, more);
    const refused = place(wanted, index([there]), chance()) as Refused;
    expect(refused).toMatchObject({ ok: false, hosts: 1, ruledOut: { [rule]: 1 } });
    expect(Object.keys(refused.ruledOut)).toEqual([rule]);
    expect(refused.help).toHaveLength(1);
    expect(explain(wanted, [there])[0]?.reasons).toEqual([{ rule, reason: expect.stringMatching(/\S/) }]);
  });

  it('is tested here, whichever there is', () => {
    expect(BREAKS.map(([rule]) => rule)).toEqual(VALIDATORS.map((v) => v.rule));
  });

  it.each([
    ['CPU', host('h', { free: { vcpus: 2 } })],
    ['memory', host('h', { free: { memoryMiB: 4096 } })],
    ['MHz', host('h', { free: { mhz: 500 } })],
  ])('lets a host pass that has exactly enough %s', (_what, exact) => {
    expect(place(need({ demand: { mhz: 500 } }), index([candidate(exact)]), chance()).ok).toBe(true);
  });

  it('about hardware asks nothing of a need that can do without', () => {
    const old = candidate(host('h', { hardwareVirtualisation: false }));
    expect(place(need({ hardwareVirtualisation: false }), index([old]), chance()).ok).toBe(true);
  });
});

describe('a refusal', () => {
  it('counts every host once, for the first rule that it breaks', () => {
    const hosts = [
      host('a', { free: { vcpus: 0, memoryMiB: 0 } }),
      host('b', { free: { memoryMiB: 0 } }),
      host('c', { state: 'fenced', free: { vcpus: 0 } }),
    ];
    const refused = place(need(), index(hosts.map((h) => candidate(h))), chance());
    expect(refused).toMatchObject({ ok: false, hosts: 3, ruledOut: { cpu: 1, memory: 1, state: 1 } });
  });

  it('without any host says to load an estate', () => {
    expect(place(need(), index([]), chance())).toMatchObject({
      ok: false,
      hosts: 0,
      help: [expect.stringMatching(/estate/)],
    });
  });
});

const hosts = fc
  .array(
    fc.record({
      free: fc.record({ vcpus: fc.integer({ min: 0, max: 22 }), memoryMiB: fc.integer({ min: 0, max: 60_000 }) }),
      state: fc.constantFrom('online' as const, 'online' as const, 'suspect' as const),
    }),
    { maxLength: EXAMINED_LIMIT },
  )
  .map((list) => list.map((fields, i) => candidate(host(`h${i}`, fields))));

describe('a decision', () => {
  it.each([1, 64, 65, 1000])(`looks at no more than ${EXAMINED_LIMIT} of %d hosts`, (count) => {
    const all = index(Array.from({ length: count }, (_, i) => candidate(host(`h${i}`))));
    const chosen = place(need(), all, chance()) as Chosen;
    expect(chosen.examined).toBe(Math.min(count, EXAMINED_LIMIT));
    expect(all.looked).toBeLessThanOrEqual(EXAMINED_LIMIT + 1);
  });

  it('does not depend on the order in which the hosts are shown', () => {
    const shuffled = hosts.chain((list) =>
      fc.record({ list: fc.constant(list), again: fc.shuffledSubarray(list, { minLength: list.length }) }),
    );
    fc.assert(
      fc.property(shuffled, fc.nat(), ({ list, again }, seed) => {
        const idOf = (d: Chosen | Refused) => (d.ok ? d.candidate.host.id : d.ruledOut);
        expect(idOf(place(need(), index(list), chance(seed)))).toEqual(idOf(place(need(), index(again), chance(seed))));
      }),
      { numRuns },
    );
  });

  it('takes a host that its explanation calls fit, and is refused exactly when there is none', () => {
    fc.assert(
      fc.property(hosts, fc.nat(), (list, seed) => {
        const fit = explain(need(), list).filter((h) => h.fits);
        const decision = place(need(), index(list), chance(seed));
        expect(decision.ok).toBe(fit.length > 0);
        if (decision.ok) expect(fit.map((h) => h.hostId)).toContain(decision.candidate.host.id);
      }),
      { numRuns },
    );
  });

  it('prefers what stays the least loaded', () => {
    const list = [host('full', { free: { vcpus: 2 } }), host('half', { free: { vcpus: 11 } }), host('empty')];
    const chosen = place(need(), index(list.map((h) => candidate(h))), chance()) as Chosen;
    expect(chosen.candidate.host.id).toBe('empty');
  });

  it('spreads schedulers with the same picture over the best quarter of the hosts', () => {
    const list = Array.from({ length: 40 }, (_, i) => candidate(host(`h${i}`)));
    const taken = new Set(
      Array.from({ length: 200 }, (_, seed) => (place(need(), index(list), chance(seed)) as Chosen).candidate.host.id),
    );
    expect(taken.size).toBe(10);
  });
});

it.each([
  ['the one with the most room', [10, 500, 30], 20, 'ds1'],
  ['none that is too small', [10, 19], 20, undefined],
  ['the one that fits exactly', [20], 20, 'ds0'],
])('of several datastores a VM is given %s', (_what, free, storageGiB, expected) => {
  const datastores = free.map((freeGiB, i) => datastore(`ds${i}`, { freeGiB }));
  expect(roomiest(candidate(host('h'), datastores), { storageGiB })?.id).toBe(expected);
});
