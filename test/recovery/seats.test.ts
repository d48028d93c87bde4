import { describe, expect, it } from 'vitest';
import { demandOf, seated } from '../../shared/hypervisor/demand.ts';
import { minus } from '../../shared/model/amounts.ts';
import type { Host } from '../../shared/model/inventory.ts';
import type { HeldSeat } from '../../shared/model/placeholder.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { failuresWords, rehearsePlan } from '../../shared/recovery/capacity.ts';
import { seatsFor, withinHosts } from '../../shared/recovery/seats.ts';
import { RecoverySite, type SitePicture } from '../../shared/recovery/site.ts';
import { cluster, datastore } from '../placement/hosts.ts';
import { OUT, picture, plan, vm } from './things.ts';

const ERP = plan(['pg_1'], { reserve: 'full' });
const vms = (count: number, fields: Partial<Vm> = {}) =>
  Array.from({ length: count }, (_, i) => vm(`vm_${i + 1}`, fields));

/** The picture once these seats are taken. */
const taken = (of: SitePicture, seats: ReadonlyMap<string, HeldSeat>): SitePicture => ({
  ...of,
  hosts: of.hosts.map((h) => ({
    ...h,
    free: [...seats.values()].reduce((free, s) => (s.hostId === h.id ? minus(free, s.amounts) : free), h.free),
  })),
});
const change = (of: SitePicture, id: string, fields: Partial<Host>): SitePicture => ({
  ...of,
  hosts: of.hosts.map((h) => (h.id === id ? { ...h, ...fields } : h)),
});
/** Three VMs with their seats on two hosts. */
function begun(free = 40_000) {
  const before = picture(2, free);
  const { seats } = seatsFor(ERP, vms(3), OUT, before);
  return { seats, after: taken(before, seats) };
}

describe('the seats of a plan', () => {
  it('are one for each VM, with all that it takes of a host; also for one that is wanted stopped', () => {
    const all = [...vms(2), vm('vm_9', { desired: 'stopped', state: 'stopped' })];
    const { seats, lacking } = seatsFor(ERP, all, OUT, picture());
    expect([...seats.keys()].sort()).toEqual(['vm_1', 'vm_2', 'vm_9']);
    expect(lacking.size).toBe(0);
    for (const [id, seat] of seats)
      expect(seat.amounts).toEqual(demandOf(seated(all.find((v) => v.id === id) as Vm, seat)));
  });

  it('go to those first that start first, and who gets none is told why', () => {
    const { seats, lacking } = seatsFor({ ...ERP, priorities: { vm_3: 1 } }, vms(3), OUT, picture(1, 8_192));
    expect(seats.has('vm_3')).toBe(true);
    expect([seats.size, lacking.size]).toEqual([2, 1]);
    expect([...lacking.values()]).toEqual(['no host of 1 can take it: memory rules out 1']);
  });

  it('stay as they are where nothing has changed, even when there is no room besides', () => {
    const { seats, after } = begun();
    const full = { ...after, hosts: after.hosts.map((h) => ({ ...h, free: { ...h.free, memoryMiB: 0 } })) };
    const again = seatsFor(ERP, vms(3), OUT, full, { held: seats });
    for (const [id, seat] of seats) expect(again.seats.get(id)).toBe(seat);
  });

  it.each([
    ['fenced', { state: 'fenced' }],
    ['in maintenance', { state: 'maintenance' }],
    ['being emptied', { draining: 'op_1' }],
  ] as [string, Partial<Host>][])('leave a host that is %s', (_, fields) => {
    const { seats, after } = begun();
    const [, first] = [...seats][0] as [string, HeldSeat];
    const again = seatsFor(ERP, vms(3), OUT, change(after, first.hostId, fields), { held: seats });
    expect([...again.seats.values()].map((s) => s.hostId)).not.toContain(first.hostId);
    expect(again.seats.size).toBe(3);
  });

  it('wait on a host of which it is not known yet what becomes of it', () => {
    const { seats, after } = begun();
    const [, first] = [...seats][0] as [string, HeldSeat];
    for (const state of ['suspect', 'reconciling'] as const)
      expect(seatsFor(ERP, vms(3), OUT, change(after, first.hostId, { state }), { held: seats }).seats).toEqual(seats);
  });

  it('grow and shrink with their VMs', () => {
    const { seats, after } = begun();
    const larger = vms(3, { memory: { sizeMiB: 8192, mode: 'hardware', pageSize: '4k' } });
    const again = seatsFor(ERP, larger, OUT, after, { held: seats });
    expect([...again.seats.values()].map((s) => s.amounts.memoryMiB)).toEqual([8192, 8192, 8192]);
  });

  it('that are lent to a test are left alone', () => {
    const { seats, after } = begun();
    const [id, first] = [...seats][0] as [string, HeldSeat];
    const lent = new Map([...seats, [id, { ...first, lentTo: 'vm_copy' }]]);
    const lost = change(after, first.hostId, { state: 'fenced' });
    expect(seatsFor(ERP, vms(3), OUT, lost, { held: lent }).seats.get(id)).toBe(lent.get(id));
  });

  it('are in the cluster of the map, and move when that changes', () => {
    const two = picture(2, 40_000);
    const clusters = [...two.clusters, { ...cluster, id: 'b-c2', name: 'c2', siteId: 'b' }];
    const hosts = [...two.hosts, ...picture(2).hosts.map((h) => ({ ...h, id: `${h.id}x`, clusterId: 'b-c2' }))];
    const of = { clusters, hosts, datastores: [datastore('san-b', { siteId: 'b' })] };
    const to = (target: string) => ({ ...ERP, clusterMap: { 'a-c1': target } });
    const { seats } = seatsFor(to('b-c2'), vms(3), OUT, of);
    const where = (all: ReadonlyMap<string, HeldSeat>) => [...new Set([...all.values()].map((s) => s.clusterId))];
    expect(where(seats)).toEqual(['b-c2']);
    expect(where(seatsFor(to('b-c1'), vms(3), OUT, taken(of, seats), { held: seats }).seats)).toEqual(['b-c1']);
  });

  it('are not taken in a cluster that recovers from a failure, and stay where they are there', () => {
    const { seats, after } = begun();
    const closed = new Set(['b-c1']);
    expect(seatsFor(ERP, vms(3), OUT, after, { held: seats, closed }).seats).toEqual(seats);
    const none = seatsFor(ERP, vms(3), OUT, picture(), { closed });
    expect([...none.lacking.values()]).toEqual(Array(3).fill('its cluster recovers from a failure'));
  });

  it('leave what the cluster keeps for failures, and its failover hosts', () => {
    const kept = picture(2);
    const [b] = kept.clusters;
    const half = { kind: 'percentage' as const, cpuPercent: 0, memoryPercent: 50 };
    const clusters = [{ ...(b as typeof cluster), ha: { ...cluster.ha, admission: half } }];
    // 40,000 of 61,440 MiB of each host are free: VMs take 35 % of all.
    const { seats, lacking } = seatsFor(ERP, vms(10), OUT, { ...kept, clusters });
    expect(lacking.size).toBeGreaterThan(0);
    expect([...lacking.values()][0]).toContain('failover-capacity');
    expect(seatsFor(ERP, vms(10), OUT, kept).lacking.size).toBe(0);
    expect(seats.size + lacking.size).toBe(10);
    const spared = { ...cluster.ha, failoverHosts: ['b-h1'], recovery: 'reservedThenAutomatic' as const };
    const dedicated = { ...kept, clusters: [{ ...(b as typeof cluster), ha: spared }] };
    const hosts = [...seatsFor(ERP, vms(3), OUT, dedicated).seats.values()].map((s) => s.hostId);
    expect(new Set(hosts)).toEqual(new Set(['b-h2']));
  });
});

describe('a recovery site', () => {
  it('gives a VM the seat that is kept for it, and nobody else', () => {
    const { seats, after } = begun();
    const full = { ...after, hosts: after.hosts.map((h) => ({ ...h, free: { ...h.free, memoryMiB: 0 } })) };
    const site = new RecoverySite('b', full, { seats });
    expect(site.place(vm('vm_9'), ERP, OUT)).toMatchObject({ ok: false });
    for (const of of vms(3)) {
      const place = site.place(of, ERP, OUT);
      expect(place).toMatchObject({ ok: true, seat: { hostId: seats.get(of.id)?.hostId }, held: seats.get(of.id) });
    }
    // It is used up.
    expect(site.place(vm('vm_1'), ERP, OUT)).toMatchObject({ ok: false });
  });

  it('gives a VM another place where the host of its seat is lost', () => {
    const { seats, after } = begun();
    const [id, first] = [...seats][0] as [string, HeldSeat];
    const place = new RecoverySite('b', change(after, first.hostId, { state: 'fenced' }), { seats }).place(
      vm(id),
      ERP,
      OUT,
    );
    expect(place).toMatchObject({ ok: true });
    expect(place.ok && place.seat.hostId).not.toBe(first.hostId);
    expect(place.ok && place.held).toBe(undefined);
  });

  it('is rehearsed with what is kept: it counts among what is free, and all find a place', () => {
    const { seats, after } = begun(12_288);
    const full = { ...after, hosts: after.hosts.map((h) => ({ ...h, free: { ...h.free, memoryMiB: 0 } })) };
    expect(rehearsePlan(ERP, vms(3), OUT, full).homeless).toHaveLength(3);
    const found = rehearsePlan(ERP, vms(3), OUT, full, { seats });
    expect(found).toMatchObject({ homeless: [], lacking: {}, reserved: { vms: 3, memoryMiB: 12_288 } });
  });

  it('says of a switch that nothing is left for failures, and gives a test no place there', () => {
    const { clusters, ...rest } = picture(2);
    const half = { kind: 'percentage' as const, cpuPercent: 0, memoryPercent: 50 };
    const of = { ...rest, clusters: clusters.map((c) => ({ ...c, ha: { ...cluster.ha, admission: half } })) };
    const [over, test] = [false, true].map((copies) => rehearsePlan(ERP, vms(10), OUT, of, { copies }));
    expect(over?.homeless).toEqual([]);
    expect(failuresWords(over as never)).toContain('50 % must be');
    expect(test?.homeless.length).toBeGreaterThan(0);
    expect(test?.failures[0]?.figures).toMatchObject({ memoryReservePercent: 50 });
    expect(rehearsePlan(ERP, vms(1), OUT, picture(2)).failures).toEqual([]);
  });
});

describe('a change of many seats', () => {
  const seat = (hostId: string): HeldSeat => ({
    hostId,
    clusterId: 'b-c1',
    amounts: { vcpus: 1, mhz: 0, memoryMiB: 1 },
  });

  it('touches so many hosts at most, and is done in the end', () => {
    const [h1, h2, h3] = ['h1', 'h2', 'h3'].map(seat) as [HeldSeat, HeldSeat, HeldSeat];
    const first = withinHosts({ a: h1 }, { a: h2, b: h3 }, 2);
    expect(first).toEqual({ seats: { a: h2 }, whole: false });
    expect(withinHosts(first.seats, { a: h2, b: h3 }, 2)).toEqual({ seats: { a: h2, b: h3 }, whole: true });
    expect(withinHosts({ a: h1 }, {}, 2)).toEqual({ seats: {}, whole: true });
  });
});
