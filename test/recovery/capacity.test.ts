import { describe, expect, it } from 'vitest';
import { capacityWords, rehearsePlan } from '../../shared/recovery/capacity.ts';
import { RecoverySite } from '../../shared/recovery/site.ts';
import { cluster, datastore, host } from '../placement/hosts.ts';
import { OUT, picture, plan, vm } from './things.ts';

const vms = (count: number, fields: Parameters<typeof vm>[1] = {}) =>
  Array.from({ length: count }, (_, i) => vm(`vm-${String(i).padStart(3, '0')}`, fields));
const rehearse = (count: number, of = picture(), fields = {}) =>
  rehearsePlan(plan(['pg_1']), vms(count, fields), OUT, of);
const twoClusters = picture(1, 8_192, {
  clusters: ['b-c1', 'b-c2'].map((id) => ({ ...cluster, id, name: id, siteId: 'b' })),
  hosts: [
    host('b-h1', { siteId: 'b', clusterId: 'b-c1', free: { memoryMiB: 8_192 } }),
    host('b-h2', { siteId: 'b', clusterId: 'b-c2', free: { memoryMiB: 40_000 } }),
  ],
});

describe('the rehearsal of a plan at its recovery site (DR-21)', () => {
  it('places all VMs where there is room, and says where', () => {
    const found = rehearse(4);
    expect(found.homeless).toEqual([]);
    expect(found.places.map((p) => p.vmId)).toEqual(['vm-000', 'vm-001', 'vm-002', 'vm-003']);
    expect(found.clusters).toMatchObject([
      { clusterId: 'b-c1', hosts: 2, needed: { vms: 4, vcpus: 8, memoryMiB: 16_384 } },
    ]);
    expect(capacityWords(found)).toBeUndefined();
  });

  it('says of what is lacking how much is needed and free', () => {
    const found = rehearse(22, picture(2, 40_000));
    // Nine VMs of 4 GiB go onto each host.
    expect(found.homeless).toHaveLength(4);
    expect(found).toMatchObject({
      needed: { vms: 22, memoryMiB: 90_112 },
      free: { memoryMiB: 80_000 },
      lacking: { memoryMiB: 10_112 },
    });
    expect(found.homeless[0]).toMatchObject({ needs: { memoryMiB: 4096 }, ruledOut: { memory: 2 } });
    expect(capacityWords(found)).toBe(
      '4 of 22 VMs find no place at site b (90112 memoryMiB needed, 80000 free); the first is the vm-018',
    );
  });

  it('does not take a sum for a place: what no host has room for by itself finds none', () => {
    const found = rehearse(1, picture(4, 3_000));
    expect(found.lacking).toEqual({});
    expect(capacityWords(found)).toContain('in sum there is enough, but no host has room for each');
  });

  it('gives what there is to the most urgent', () => {
    const all = vms(3);
    const priorities = { 'vm-000': 5, 'vm-002': 1 };
    const found = rehearsePlan(plan(['pg_1'], { priorities }), all, OUT, picture(1, 8_192));
    expect(found.places.map((p) => p.vmId)).toEqual(['vm-002', 'vm-001']);
    expect(found.homeless).toMatchObject([{ vmId: 'vm-000', priority: 5 }]);
  });

  it('asks no room for what is wanted stopped, or is there already', () => {
    expect(rehearse(3, picture(), { desired: 'stopped' }).needed.vms).toBe(0);
    expect(rehearse(3, picture(), { siteId: 'b' }).needed.vms).toBe(0);
  });

  it('counts no host that is not online, or is about to be emptied', () => {
    const of = picture(3);
    const [first, second, third] = of.hosts;
    const hosts = [{ ...first, state: 'fenced' }, { ...second, draining: 'op_1' }, third] as typeof of.hosts;
    expect(rehearse(1, { ...of, hosts }).clusters[0]).toMatchObject({ hosts: 1, free: { memoryMiB: 40_000 } });
  });

  it('takes the cluster that is mapped, though another one has more room', () => {
    const to = (clusterMap?: Record<string, string>) =>
      rehearsePlan(plan(['pg_1'], clusterMap ? { clusterMap } : {}), vms(3), OUT, twoClusters);
    expect(new Set(to().places.map((p) => p.clusterId))).toEqual(new Set(['b-c2']));
    const mapped = to({ 'a-c1': 'b-c1' });
    expect(mapped.places.map((p) => p.clusterId)).toEqual(['b-c1', 'b-c1']);
    expect(mapped.homeless).toHaveLength(1);
  });

  it('takes no cluster that does not reach the datastore of the copies', () => {
    const datastores = [datastore('san-b', { siteId: 'b', clusters: ['b-c1'] })];
    const found = rehearsePlan(plan(['pg_1']), vms(1), OUT, { ...twoClusters, datastores });
    expect(found.places).toMatchObject([{ clusterId: 'b-c1' }]);
    const nowhere = [datastore('san-b', { siteId: 'b', clusters: ['b-c9'] })];
    expect(
      rehearsePlan(plan(['pg_1']), vms(1), OUT, { ...twoClusters, datastores: nowhere }).homeless[0]?.help,
    ).toEqual(['Map the cluster to one of the recovery site, and let that reach the datastores of the copies.']);
  });

  it('of a test says what its copies take of datastores, with figures; of a switch nothing, as the copies are there', () => {
    const of = picture(2, 40_000, { datastores: [datastore('san-b', { siteId: 'b', freeGiB: 50 })] });
    const test = rehearsePlan(plan(['pg_1']), vms(3), OUT, of, { copies: true });
    expect(test.storage).toEqual([{ datastoreId: 'san-b', neededGiB: 60, freeGiB: 50 }]);
    expect(capacityWords(test)).toBe('copies of a test need 60 GiB of datastore san-b, which has 50 free');
    expect(rehearse(3, of).storage).toEqual([]);
  });

  it('gives the same places for the same picture', () => {
    const once = () => rehearse(12, picture(5)).places;
    expect(once()).toEqual(once());
  });

  it('says of a site without clusters that there is none', () => {
    const site = new RecoverySite('b', { clusters: [], hosts: [], datastores: [] });
    expect(site.place(vm('db'), plan(['pg_1']), OUT)).toMatchObject({ ok: false, hosts: 0 });
  });
});
