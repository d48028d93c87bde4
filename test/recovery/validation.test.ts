import { describe, expect, it } from 'vitest';
import { PLAN_BYTES_MAX, type RecoveryPlanSpec } from '../../shared/model/recovery-plan.ts';
import type { PlanFacts } from '../../shared/recovery/plan-facts.ts';
import { planFlaws } from '../../shared/recovery/validation.ts';
import { facts, group, HOME, network, OUT, spec, vm } from './things.ts';

const two = facts([group('pg_1', ['db', 'web'])], [vm('db'), vm('web', { ip: '10.1.0.3' })]);
const flaws = (plan: Partial<RecoveryPlanSpec>, of: PlanFacts = two, route: typeof OUT | undefined = OUT) =>
  planFlaws(spec(['pg_1'], plan), of, route).map((f) => `${f.location}: ${f.message}`);

/** A network of site `a` alone, with the VMs on it, and one that reaches `b`. */
const direct = (ips: string[], more: Partial<PlanFacts> = {}) =>
  facts(
    [group('pg_1', ips)],
    ips.map((ip) => vm(ip, { networkId: 'net_lan', ip })),
    {
      networks: new Map([
        ['net_lan', network('lan', { type: 'direct', externalNetworkId: 'ext_a', cidr: '192.0.2.0/24' })],
        ['net_far', network('far', { cidr: '10.2.0.0/29' })],
        ['net_lan2', network('lan2', { type: 'direct', externalNetworkId: 'ext_a', cidr: '192.0.2.0/24' })],
      ]),
      externalSites: new Map([['ext_a', ['a']]]),
      ...more,
    },
  );

describe('a plan is refused with everything that is wrong', () => {
  it('and nothing is wrong with one that has a name and groups', () => {
    expect(flaws({})).toEqual([]);
  });

  it('unknown VMs, wherever they are named', () => {
    expect(flaws({ priorities: { gone: 1, db: 2 }, dependsOn: { web: ['lost'], other: [] } })).toEqual([
      'body.priorities.gone: gone is no VM of the groups of the plan',
      'body.dependsOn.web.0: lost is no VM of the groups of the plan',
      'body.dependsOn.other: other is no VM of the groups of the plan',
    ]);
  });

  it('a dependency across priorities, with both', () => {
    expect(flaws({ priorities: { db: 1 }, dependsOn: { web: ['db'] } })).toEqual([
      'body.dependsOn.web.0: web has priority 3, and depends on db of priority 1',
    ]);
  });

  it('a circle, with all who are in it', () => {
    expect(flaws({ dependsOn: { web: ['db'], db: ['web'] } })).toEqual([
      'body.dependsOn: a circle of 2: web -> db -> web',
    ]);
  });

  it('groups that are not there, are named twice, or go another way', () => {
    const of = { ...two, groups: [...two.groups, group('pg_2', [], { primarySiteId: 'b', legs: [] })] };
    expect(
      planFlaws(spec(['pg_1', 'pg_9', 'pg_1', 'pg_2']), of, OUT).map((f) => `${f.location}: ${f.message}`),
    ).toEqual([
      "body.groups.1: There is no protected group 'pg_9'",
      'body.groups.2: pg_1 is named twice',
      'body.groups.3: group pg_2 goes b -> nowhere, group pg_1 goes a -> b',
    ]);
  });

  it('a step that would never come up, and one whose name is taken', () => {
    const step = { name: 'ask', at: 'beforeStart', kind: 'pause' } as const;
    expect(flaws({ steps: [{ ...step, priority: 1 }, step] })).toEqual([
      'body.steps.0.priority: no VM has priority 1, so the step would never come up; there are 3',
      "body.steps.1.name: step 0 has the name 'ask' too",
    ]);
  });

  it('clusters that are not there, or of the wrong site', () => {
    expect(flaws({ clusterMap: { 'a-c1': 'b-c1' } })).toEqual([]);
    expect(flaws({ clusterMap: { 'a-c1': 'b-c1' } }, two, HOME)).toEqual([]);
    expect(flaws({ clusterMap: { 'a-c9': 'a-c1' } })).toEqual([
      "body.clusterMap.a-c9: There is no cluster 'a-c9'",
      'body.clusterMap.a-c9: cluster a-c1 is of site a, not b',
    ]);
  });

  it('more than an item of the table holds', () => {
    const priorities = Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`vm_${i}`, 1]));
    const [first] = flaws({ priorities });
    expect(first).toMatch(new RegExp(`the plan has \\d{6} bytes, ${PLAN_BYTES_MAX} are the most`));
  });
});

describe('networks of the recovery site', () => {
  it('one that is not there must be mapped, and it is said who is on it', () => {
    expect(flaws({}, direct(['192.0.2.5', '192.0.2.6']))).toEqual([
      'body.networkMap.net_lan: network lan (net_lan) does not reach site b: its external network is at a; 2 NICs of 2 VMs are on it (the 192.0.2.5, the 192.0.2.6)',
    ]);
    expect(flaws({ networkMap: { net_lan: 'net_far' } }, direct(['192.0.2.5']))).toEqual([]);
  });

  it('a map to a network that is not there either, to one that goes, or to none', () => {
    const of = direct(['192.0.2.5']);
    expect(flaws({ networkMap: { net_lan: 'net_lan2' } }, of)).toEqual([
      'body.networkMap.net_lan: network lan2 (net_lan2) does not reach site b: its external network is at a',
    ]);
    expect(flaws({ networkMap: { net_lan: 'net_9' } }, of)).toEqual([
      "body.networkMap.net_lan: There is no network 'net_9'",
    ]);
    const going = new Map([...of.networks, ['net_far', network('far', { state: 'deleting' })]]);
    expect(flaws({ networkMap: { net_lan: 'net_far' } }, { ...of, networks: going })).toEqual([
      'body.networkMap.net_lan: far is being deleted',
    ]);
  });

  it('two that are mapped to one could not be told apart on the way back', () => {
    expect(flaws({ networkMap: { net_lan: 'net_far', net_lan2: 'net_far' } }, direct(['192.0.2.5']))).toEqual([
      'body.networkMap.net_lan2: net_lan is mapped to net_far too, so nobody could tell which is which on the way back',
    ]);
  });

  it('on the way home the map is read the other way round', () => {
    const away = facts(
      [group('pg_1', ['db'], { primarySiteId: 'b' })],
      [vm('db', { networkId: 'net_far', ip: '10.2.0.2' })],
      {
        ...direct([]),
      },
    );
    const of = { ...away, groups: [group('pg_1', ['db'])], vms: [vm('db', { networkId: 'net_far', ip: '10.2.0.2' })] };
    expect(flaws({ networkMap: { net_lan: 'net_far' } }, of, HOME)).toEqual([]);
  });

  it('one with too few free addresses, with figures', () => {
    const ips = Array.from({ length: 4 }, (_, i) => `192.0.2.${i + 5}`);
    // Of a /29 five addresses are usable; two are taken.
    const taken = new Map([
      [
        'net_far',
        new Map([
          [0x0a020002, 'other'],
          [0x0a020003, 'other'],
        ]),
      ],
    ]);
    expect(flaws({ networkMap: { net_lan: 'net_far' } }, direct(ips, { taken }))).toEqual([
      'body.networkMap.net_lan: 4 NICs come to far (10.2.0.0/29), which has 3 free addresses',
    ]);
    expect(flaws({ networkMap: { net_lan: 'net_far' } }, direct(ips.slice(1), { taken }))).toEqual([]);
  });

  it('addresses that are out of the range, taken, given twice, or of no NIC', () => {
    const taken = new Map([['net_far', new Map([[0x0a020003, 'other']])]]);
    const ipMap = { 'a-n': '10.9.0.1', 'b-n': '10.2.0.3', 'c-n': '10.2.0.4', 'd-n': '10.2.0.4', 'x-n': '10.2.0.5' };
    const of = { ...direct([], { taken }), vms: ['a', 'b', 'c', 'd'].map((id) => vm(id, { networkId: 'net_lan' })) };
    expect(flaws({ networkMap: { net_lan: 'net_far' }, ipMap }, of)).toEqual([
      'body.ipMap.x-n: x-n is no NIC of the VMs of the plan',
      'body.ipMap.a-n: 10.9.0.1 is not among the usable addresses 10.2.0.2 to 10.2.0.6 of far',
      'body.ipMap.b-n: 10.2.0.3 is taken in far',
      'body.ipMap.d-n: 10.2.0.4 is given to c-n too',
    ]);
  });

  it('an address that the VM holds itself is free to it', () => {
    const taken = new Map([['net_far', new Map([[0x0a020003, 'a']])]]);
    const of = { ...direct([], { taken }), vms: [vm('a', { networkId: 'net_lan' })] };
    expect(flaws({ networkMap: { net_lan: 'net_far' }, ipMap: { 'a-n': '10.2.0.3' } }, of)).toEqual([]);
  });

  it('an address for a NIC that stays where it is would never be given', () => {
    expect(flaws({ ipMap: { 'db-n': '10.1.0.4' } })).toEqual([
      'body.ipMap.db-n: db-n stays in network net_inner, and keeps its address',
    ]);
  });
});

it('says all of it together, not the first', () => {
  const of = direct(['192.0.2.5']);
  const found = planFlaws(
    spec(['pg_1', 'pg_9'], { priorities: { gone: 1 }, dependsOn: { gone: ['gone'] }, ipMap: { no: '10.2.0.3' } }),
    of,
    OUT,
  );
  expect(found.map((f) => f.location)).toEqual([
    'body.groups.1',
    'body.priorities.gone',
    'body.dependsOn.gone',
    'body.dependsOn.gone.0',
    'body.dependsOn',
    'body.networkMap.net_lan',
    'body.ipMap.no',
  ]);
  expect(found.every((f) => (f.fix ?? '').length > 0)).toBe(true);
});
