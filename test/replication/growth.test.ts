import { describe, expect, it } from 'vitest';
import { behindAt, enlarged, isSwitched, roomRefusals, roomToCatchUp } from '../../shared/replication/growth.ts';
import { datastore } from '../placement/hosts.ts';

const volume = (name: string, sizeGiB: number, datastoreId = 'san-b') => ({
  id: `vol_${name}`,
  name,
  sizeGiB,
  datastoreId,
});
const replicas = [
  { siteId: 'b', volumes: [volume('root', 20), volume('data', 50)] },
  { siteId: 'c', volumes: [volume('root', 30, 'san-c'), volume('data', 50, 'san-c')] },
];
const disks = [
  { name: 'root', sizeGiB: 30 },
  { name: 'data', sizeGiB: 60 },
];
const vm = { disks: disks as never, protection: { groupId: 'pg_1', replicas } };

describe('copies of disks that have grown', () => {
  it('are enlarged where they are smaller, and never made smaller', () => {
    const sizes = (of: typeof replicas) => of.map((r) => r.volumes.map((v) => v.sizeGiB));
    expect(sizes(enlarged(replicas, disks))).toEqual([
      [30, 60],
      [30, 60],
    ]);
    expect(sizes(enlarged(replicas, [{ name: 'root', sizeGiB: 1 }]))).toEqual(sizes(replicas));
  });

  it('are behind at the sites where they are smaller', () => {
    expect(behindAt(vm, { name: 'root', sizeGiB: 30 })).toEqual(['b']);
    expect(behindAt(vm, { name: 'data', sizeGiB: 60 })).toEqual(['b', 'c']);
    expect(behindAt({}, { name: 'root', sizeGiB: 30 })).toEqual([]);
  });

  it('need so much room besides what they hold', () => {
    expect(roomToCatchUp([vm])).toEqual([
      { siteId: 'b', datastoreId: 'san-b', gib: 10 },
      { siteId: 'b', datastoreId: 'san-b', gib: 10 },
      { siteId: 'c', datastoreId: 'san-c', gib: 10 },
    ]);
  });

  it('are refused for each datastore that has not the sum left; what fits to the last GiB is not', () => {
    const stores = (b: number) => [datastore('san-b', { freeGiB: b }), datastore('san-c', { freeGiB: 10 })];
    expect(roomRefusals(roomToCatchUp([vm]), stores(20), 'a')).toEqual([]);
    expect(roomRefusals(roomToCatchUp([vm]), stores(19), 'a')).toMatchObject([
      { rule: 'DR-17', figures: { siteId: 'b', neededGiB: 20, freeGiB: 19 } },
    ]);
    expect(roomRefusals([{ siteId: 'a', datastoreId: 'san-c', gib: 11 }], stores(0), 'a')).toMatchObject([
      { rule: 'ELA-3', reason: 'it takes 11 GiB more at a, and its datastore has 10 GiB left' },
    ]);
  });

  it('stay as they are while a plan moves them, and only then', () => {
    expect(
      ['migrating', 'failingOver', 'reprotecting', 'testing'].every((s) => isSwitched({ state: s as never })),
    ).toBe(true);
    expect(['protected', 'suspended', 'error', 'invalid'].some((s) => isSwitched({ state: s as never }))).toBe(false);
  });
});
