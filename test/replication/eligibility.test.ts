import { describe, expect, it } from 'vitest';
import type { Datastore, Link } from '../../shared/model/inventory.ts';
import type { ReplicationSpec } from '../../shared/model/protection.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { eligibilityOf, type Question } from '../../shared/replication/eligibility.ts';
import { initialCopyMs, longestPauseMs, rpoRefusals } from '../../shared/replication/feasible.ts';
import { cluster, datastore } from '../placement/hosts.ts';
import { vm as protectedVm } from '../recovery/things.ts';

const vm = (id: string, fields: Partial<Vm> = {}): Vm => {
  const { protection: _, ...rest } = protectedVm(id);
  return { ...rest, ...fields } as Vm;
};
const link = (from: string, to: string, fields: Partial<Link> = {}): Link => ({
  id: `link_${from}${to}`,
  from,
  to,
  latencyMs: 1,
  mbps: 1_000,
  freeMbps: 1_000,
  mode: 'sync',
  ...fields,
});
const site = (id: string, hypervisor: 'fusioncompute' | 'vmware' = 'fusioncompute') => ({ id, name: id, hypervisor });
const store = (id: string, siteId: string, fields: Partial<Datastore> = {}) =>
  datastore(id, { siteId, kind: 'shared', clusters: [], ...fields });
const inventory = (more: Partial<Question['inventory']> = {}): Question['inventory'] => ({
  sites: [site('a'), site('b'), site('c')],
  clusters: ['a', 'b', 'c'].map((s) => ({ ...cluster, id: `${s}-c1`, siteId: s })),
  datastores: ['a', 'b', 'c'].map((s) => store(`san-${s}`, s)),
  links: [
    link('a', 'b'),
    link('c', 'a', { mode: 'async', latencyMs: 12 }),
    link('b', 'c', { mode: 'async', latencyMs: 12 }),
  ],
  ...more,
});

let volumes = 0;
const ask = (vms: Vm[], replication: Partial<ReplicationSpec> = {}, more: Partial<Question> = {}) =>
  eligibilityOf({
    vms,
    replication: { mode: 'async', targetSiteId: 'b', ...replication },
    vdc: { id: 'vdc_1', sites: ['a', 'b', 'c'] },
    inventory: inventory(),
    writeMBps: new Map(),
    newVolumeId: () => `vol_${++volumes}`,
    ...more,
  });
const reasons = (found: ReturnType<typeof ask>, id = 'v') => (found.vms.get(id) ?? []).map((r) => r.reason);

describe('a VM that has all that it takes', () => {
  it('is eligible, with a copy of each disk in a datastore of the target that has most room', () => {
    const stores = [store('san-a', 'a'), store('small', 'b', { freeGiB: 100 }), store('large', 'b', { freeGiB: 900 })];
    const found = ask([vm('v')], {}, { inventory: inventory({ datastores: stores }) });
    expect([found.group, reasons(found)]).toEqual([[], []]);
    expect(found.replicas.get('v')).toMatchObject([
      { siteId: 'b', volumes: [{ name: 'root', sizeGiB: 20, datastoreId: 'large' }] },
    ]);
  });

  it('several share the room there is, and only who finds none is refused', () => {
    const stores = [store('san-a', 'a'), store('small', 'b', { freeGiB: 50 })];
    const found = ask([vm('v'), vm('w'), vm('x')], {}, { inventory: inventory({ datastores: stores }) });
    expect([...found.vms].map(([id, r]) => [id, r.map((x) => x.figures)])).toEqual([
      ['v', []],
      ['w', []],
      ['x', [{ siteId: 'b', neededGiB: 20, freeGiB: 10, datastores: 1 }]],
    ]);
  });
});

describe('a VM is not protected (DR-16) that', () => {
  const disk = vm('v').disks[0] as Vm['disks'][number];
  const nic = vm('v').nics[0] as Vm['nics'][number];
  it.each<[string, Partial<Vm>, RegExp]>([
    ['has a passthrough disk', { disks: [{ ...disk, io: 'passthrough' }] }, /passthrough/],
    ['has a passthrough NIC', { nics: [{ ...nic, io: 'passthrough' }] }, /passthrough/],
    ['has no disk', { disks: [] }, /no disk/],
    ['has no NIC', { nics: [] }, /no NIC/],
    ['has a disk that is not persistent', { disks: [{ ...disk, persistent: false }] }, /root is not persistent/],
    ['is the copy of a test', { testOf: { vmId: 'w', planId: 'p', executionId: 'e' } }, /DR test/],
    ['is being deleted', { state: 'deleting' }, /being deleted/],
    ['is of another VDC', { vdcId: 'vdc_2' }, /another VDC/],
    ['is in a group already', { protection: { groupId: 'pg_9', replicas: [] } }, /pg_9/],
    ['lies on local storage', { disks: [{ ...disk, datastoreId: 'nvme' }] }, /local storage/],
  ])('%s', (_, fields, words) => {
    const stores = [...inventory().datastores, store('nvme', 'a', { kind: 'local', hostId: 'a-h1' })];
    const found = ask([vm('v', fields)], {}, { inventory: inventory({ datastores: stores }) });
    expect(reasons(found)).toEqual([expect.stringMatching(words)]);
    expect(found.vms.get('v')?.[0]?.rule).toBe('DR-16');
  });

  it('stands elsewhere than the others', () => {
    expect(reasons(ask([vm('u'), vm('v', { siteId: 'c', clusterId: 'c-c1' })]))).toEqual([
      expect.stringMatching(/stands at c/),
    ]);
  });

  it("is of the cloud's own management", () => {
    const vdc = { id: 'vdc_1', sites: ['a', 'b'], management: true };
    expect(reasons(ask([vm('v')], {}, { vdc }))).toEqual([expect.stringMatching(/own management/)]);
    // Another VDC's VM is refused for that alone: what its own one is for is not said here.
    expect(reasons(ask([vm('v', { vdcId: 'vdc_2' })], {}, { vdc }))).toEqual([expect.stringMatching(/another VDC/)]);
  });

  it('has several of these: all are told at once', () => {
    expect(reasons(ask([vm('v', { nics: [], disks: [], vdcId: 'vdc_2' })]))).toHaveLength(3);
  });

  it('has no hosts of its architecture at the target', () => {
    const clusters = inventory().clusters.map((c) => (c.siteId === 'b' ? { ...c, arch: 'arm' as const } : c));
    expect(reasons(ask([vm('v')], {}, { inventory: inventory({ clusters }) }))).toEqual([
      expect.stringMatching(/no cluster of b has hosts of its architecture, x86/),
    ]);
  });
});

describe('a policy is refused', () => {
  const group = (replication: Partial<ReplicationSpec>, more: Partial<Question> = {}) =>
    ask([vm('v')], replication, more).group.map(({ rule, reason, figures }) => [rule, reason, figures]);

  it('to a site that the VDC does not have, of which nothing else is said', () => {
    expect(group({}, { vdc: { id: 'vdc_1', sites: ['a'] } })).toEqual([
      ['DR-16', "the VDC has no site 'b'", undefined],
    ]);
    expect(reasons(ask([vm('v')], {}, { vdc: { id: 'vdc_1', sites: ['a'] } }))).toEqual([]);
  });
  it('to another hypervisor', () => {
    const sites = [site('a'), site('b', 'vmware')];
    expect(group({}, { inventory: inventory({ sites }) })[0]?.[1]).toBe('b runs vmware, and a runs fusioncompute');
  });
  it.each([
    [{ hypervisorVersion: '6.5.1' }, {}, 'b runs fusioncompute 8.6.0, and a runs 6.5.1'],
    [{}, { hypervisorVersion: '9.0' }, 'b runs fusioncompute 9.0, and a runs 8.6.0'],
    [{ hypervisorVersion: '8.0.1' }, { hypervisorVersion: '8.6' }, undefined],
  ])('to a site of another major release: %j and %j', (a, b, words) => {
    const sites = [
      { ...site('a'), ...a },
      { ...site('b'), ...b },
    ];
    expect(group({}, { inventory: inventory({ sites }) })[0]?.[1]).toBe(words);
  });
  it('without a link', () => {
    expect(group({}, { inventory: inventory({ links: [] }) })[0]?.[1]).toBe('there is no link between a and b');
  });
  it('synchronous over a link that carries asynchronous replication only, or is too long', () => {
    expect(group({ mode: 'sync', targetSiteId: 'c' })[0]?.[2]).toMatchObject({ latencyMs: 12, latencyMaxMs: 5 });
    const links = [link('a', 'b', { latencyMs: 5.1 })];
    expect(group({ mode: 'sync' }, { inventory: inventory({ links }) })[0]?.[2]).toMatchObject({ latencyMs: 5.1 });
    const near = [link('a', 'b', { latencyMs: 5 })];
    expect(group({ mode: 'sync' }, { inventory: inventory({ links: near }) })).toEqual([]);
  });
  it('that takes more of the link than is left, but what the group has already is its own', () => {
    const links = [link('a', 'b', { freeMbps: 100 })];
    const more = { inventory: inventory({ links }) };
    expect(group({ mbps: 101 }, more)[0]?.[2]).toEqual({ from: 'a', to: 'b', freeMbps: 100, mbps: 101 });
    const of = { id: 'pg_1', primarySiteId: 'a', vms: [], links: { link_ab: 50 } };
    expect(group({ mbps: 150 }, { ...more, group: of })).toEqual([]);
  });
  it.each<[string, Partial<ReplicationSpec>, RegExp]>([
    ['a third site without three centres', { thirdSiteId: 'c' }, /activeStandby has none/],
    ['three centres without a third site', { topology: 'cascade' }, /needs a third site/],
    ['a site twice', { topology: 'star', thirdSiteId: 'b' }, /named twice/],
    ['where they are', { targetSiteId: 'a' }, /named twice/],
  ])('with %s', (_, replication, words) => {
    expect(group(replication).map((r) => r[1])).toEqual([expect.stringMatching(words)]);
  });
});

it.each([
  [
    'cascade',
    [
      ['a', 'b'],
      ['b', 'c'],
    ],
    { link_ab: 100, link_bc: 100 },
  ],
  [
    'parallel',
    [
      ['a', 'b'],
      ['a', 'c'],
    ],
    { link_ab: 100, link_ca: 100 },
  ],
  [
    'star',
    [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'c', 'stands by'],
    ],
    { link_ab: 100, link_ca: 100, link_bc: 100 },
  ],
] as const)('a %s has its legs, and holds its part of each link', (topology, legs, links) => {
  const found = ask([vm('v')], { mode: 'sync', topology, thirdSiteId: 'c' });
  expect(found.group).toEqual([]);
  expect(found.legs.map((l) => [l.from, l.siteId, ...(l.standby ? ['stands by'] : [])])).toEqual(legs);
  expect(found.legs.map((l) => l.mode)).toEqual(['sync', ...legs.slice(1).map(() => 'async')]);
  expect(found.links).toEqual(links);
  expect(found.replicas.get('v')?.map((r) => r.siteId)).toEqual(['b', 'c']);
});

describe('an RPO is kept or not (DR-5, DR-22)', () => {
  const asked = (more: Partial<Parameters<typeof rpoRefusals>[0]>) =>
    rpoRefusals({ rpoMinutes: 15, mbps: 100, latencyMs: 10, writeMBps: 0, gib: 20, ...more });

  it('what is written in a period must be sent within half of the RPO: at the rate of the link, and not above', () => {
    expect(asked({ writeMBps: 12.49 })).toEqual([]);
    expect(asked({ writeMBps: 12.5 })[0]?.figures).toMatchObject({ transferSeconds: 451, allowedSeconds: 450 });
  });
  it('the pause between windows must leave time for it, over midnight too', () => {
    expect(longestPauseMs([{ fromHour: 22, toHour: 4 }])).toBe(18 * 3_600_000);
    expect(
      longestPauseMs([
        { fromHour: 0, toHour: 12 },
        { fromHour: 12, toHour: 23 },
      ]),
    ).toBe(3_600_000);
    expect(longestPauseMs([{ fromHour: 5, toHour: 5 }])).toBe(0);
    expect(longestPauseMs([])).toBe(0);
    const windows = [{ fromHour: 0, toHour: 23 }];
    expect(asked({ windows, rpoMinutes: 120 })).toEqual([]);
    expect(asked({ windows, rpoMinutes: 119 })[0]?.figures).toMatchObject({ pauseMinutes: 60, allowedMinutes: 59.5 });
  });
  it('a first copy that never ends is none', () => {
    // 1 TiB over 1 Mbit/s: 2^40 * 8 / 10^6 s, 101.8 days.
    expect(initialCopyMs(1_024, 1) / 86_400_000).toBeCloseTo(101.8, 1);
    expect(asked({ gib: 1_024, mbps: 1 })[0]?.figures).toEqual({ gib: 1_024, mbps: 1, days: 102, allowedDays: 31 });
    expect(initialCopyMs(1, 1, [{ fromHour: 0, toHour: 6 }])).toBe(4 * initialCopyMs(1, 1));
  });
});
