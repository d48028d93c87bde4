import { describe, expect, it } from 'vitest';
import { storageMigrationRefusals } from '../../../shared/hypervisor/migration/storage-prechecks.ts';
import { planVolumeMoves } from '../../../shared/hypervisor/migration/volumes.ts';
import { datastore } from '../../placement/hosts.ts';

const disk = (name: string, more: object = {}) => ({ name, sizeGiB: 10, io: 'virtio', datastoreId: 'old', ...more });
const store = (id: string, more: object = {}) => datastore(id, { siteId: 's', clusters: [], freeGiB: 100, ...more });
const check = (more: object) =>
  storageMigrationRefusals({
    vm: { siteId: 's', clusterId: 'c', disks: [disk('a'), disk('b'), disk('card', { io: 'passthrough' })] },
    moves: [{ name: 'a', datastoreId: 'new' }],
    datastores: [store('old'), store('new')],
    ...more,
  });
const rulesAt = (more: object) => check(more).map((r) => `${r.rule} ${r.sort} ${r.at}`);
const to = (...names: string[]) => names.map((name) => ({ name, datastoreId: 'new' }));

describe('what forbids a storage migration (STO-5)', () => {
  it('nothing, for a disk to another datastore with room', () => expect(check({})).toEqual([]));

  it.each([
    ['no disk at all', { moves: [] }, ['STO-5 request disks']],
    ['a passthrough disk', { moves: to('card') }, ['IO-4 property disks.0.name']],
    ['a local datastore', { datastores: [store('new', { kind: 'local' })] }, ['STO-1 property disks.0.datastoreId']],
    [
      'a disk of one host',
      { datastores: [store('new', { kind: 'virtualised-local', hostId: 'h' })] },
      ['STO-1 property disks.0.datastoreId'],
    ],
    [
      'a datastore that its hosts do not reach',
      { datastores: [store('new', { clusters: ['other'] })] },
      ['MIG-8 property disks.0.datastoreId'],
    ],
    ['another site', { datastores: [store('new', { siteId: 't' })] }, ['STO-5 request disks.0.datastoreId']],
    ['19.9 MiB/s', { mbps: 19.9 }, ['STO-5 request mbps']],
    [
      'room for one of two',
      { moves: to('a', 'b'), datastores: [store('new', { freeGiB: 19 })] },
      ['STO-5 room disks.0.datastoreId'],
    ],
  ])('%s', (_, more, rules) => expect(rulesAt(more)).toEqual(rules));

  it('room is counted for the disks that come, and not for one that is there already', () => {
    const datastores = [store('old', { freeGiB: 0 }), store('new', { freeGiB: 20 })];
    expect(check({ moves: to('a', 'b'), datastores })).toEqual([]);
    expect(check({ moves: [{ name: 'a', datastoreId: 'old' }], datastores }).map((r) => r.sort)).toEqual(['request']);
  });
});

describe('how volumes are copied', () => {
  const disks = [{ name: 'a', sizeGiB: 10, usedGiB: 1 }];
  const load = { writeIops: 5120, requestKiB: 4 };

  it('half of the writes of a guest with two disks go to the one that is moved', () => {
    const plan = planVolumeMoves(disks, { load, disks: 2 }, {});
    expect(plan.rounds[0]).toMatchObject({ sentMiB: 1024, dirtyRateMiBps: 10 });
  });

  it('a thick copy sends the whole disk', () => {
    expect(planVolumeMoves(disks, { load, disks: 2 }, { thick: true }).rounds[0]?.sentMiB).toBe(10_240);
  });

  it('of a stopped VM one round sends all, and nothing stands still', () => {
    expect(planVolumeMoves(disks, undefined, { mbps: 20 })).toMatchObject({ downtimeMs: 0, totalSeconds: 51.2 });
  });
});
