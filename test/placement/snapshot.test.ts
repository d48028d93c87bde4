import { describe, expect, it } from 'vitest';
import { CapacitySnapshot, needOf } from '../../shared/placement/snapshot.ts';
import { cluster, datastore, host, need } from './hosts.ts';

const ids = (list: Iterable<{ host: { id: string } }>) => [...list].map((c) => c.host.id);

describe('a picture of the capacity', () => {
  it('shows first the hosts with the most free memory, and last those that cannot be taken', () => {
    const hosts = [
      host('little', { free: { memoryMiB: 10 } }),
      host('down', { state: 'fenced' }),
      host('much'),
      host('far', { siteId: 's2' }),
    ];
    const picture = new CapacitySnapshot([cluster], hosts, []);
    expect(ids(picture.near(need())).slice(0, 2)).toEqual(['much', 'little']);
    expect(ids(picture.all())).toHaveLength(4);
  });

  it.each([
    ['of the host’s site', datastore('d'), true],
    ['that serves the host’s cluster', datastore('d', { clusters: ['c1'] }), true],
    ['that serves other clusters only', datastore('d', { clusters: ['c2'] }), false],
    ['of another site', datastore('d', { siteId: 's2' }), false],
    ['that is local to a host', datastore('d', { kind: 'local', hostId: 'h' }), false],
  ])('knows whether a host reaches a datastore %s', (_what, store, reached) => {
    const picture = new CapacitySnapshot([cluster], [host('h')], [store]);
    expect(picture.candidate('h')?.datastores.map((d) => d.id)).toEqual(reached ? ['d'] : []);
  });

  it('is a copy: what is taken in it is not taken from what it was made of', () => {
    const [mine, store] = [host('h'), datastore('d')];
    const picture = new CapacitySnapshot([cluster], [mine], [store]);
    picture.take('h', { vcpus: 2, mhz: 100, memoryMiB: 4096 }, { datastoreId: 'd', gib: 20 });
    expect([mine.free.vcpus, store.freeGiB]).toEqual([22, 1000]);
    expect(picture.candidate('h')).toMatchObject({
      host: { free: { vcpus: 20, mhz: 52_700, memoryMiB: mine.free.memoryMiB - 4096 } },
      datastores: [{ freeGiB: 980 }],
    });
  });

  it('takes over what the tables say of a host and of a datastore', () => {
    const picture = new CapacitySnapshot([cluster], [host('h')], [datastore('d')]);
    picture.correct(host('h', { free: { vcpus: 1 } }));
    picture.correctDatastore(datastore('d', { freeGiB: 5 }));
    picture.correct(host('unknown'));
    expect(picture.candidate('h')).toMatchObject({ host: { free: { vcpus: 1 } }, datastores: [{ freeGiB: 5 }] });
    expect(picture.candidate('unknown')).toBeUndefined();
  });
});

const spec = {
  cpu: { vcpus: 4, mode: 'full' as const },
  memory: { sizeMiB: 1024, mode: 'shadow' as const, pageSize: '4k' as const },
  disks: [
    { sizeGiB: 10, io: 'virtio' },
    { sizeGiB: 30, io: 'virtio' },
  ],
};
it.each([
  [
    'software modes need no VT-x',
    spec,
    {},
    { hardwareVirtualisation: false, storageGiB: 40, demand: { vcpus: 4, mhz: 0, memoryMiB: 1024 } },
  ],
  [
    'a CPU in hardware mode needs it',
    { ...spec, cpu: { vcpus: 4, mode: 'hardware' as const } },
    {},
    { hardwareVirtualisation: true },
  ],
  [
    'memory in hardware mode needs it',
    { ...spec, memory: { sizeMiB: 1024, mode: 'hardware' as const, pageSize: '4k' as const } },
    {},
    { nestedPaging: true, hardwareVirtualisation: false },
  ],
  [
    'huge pages are needed in place of ordinary memory',
    { ...spec, memory: { sizeMiB: 1024, mode: 'shadow' as const, pageSize: '2m' as const } },
    {},
    { demand: { vcpus: 4, mhz: 0, memoryMiB: 0, pages2m: 512 } },
  ],
  [
    'virtual NUMA nodes are needed whole',
    { ...spec, numa: { nodes: 2 } },
    {},
    {
      vnodes: [
        { vcpus: 2, memoryMiB: 512 },
        { vcpus: 2, memoryMiB: 512 },
      ],
    },
  ],
  [
    'a reservation is needed',
    { ...spec, cpu: { vcpus: 4, mode: 'full' as const, reservationMhz: 900 } },
    {},
    { demand: { mhz: 900 } },
  ],
  ['disks that stand already need no room', spec, { storage: false }, { storageGiB: 0 }],
])('what a VM needs of a place: %s', (_what, vm, where, expected) => {
  expect(needOf(vm, { sites: ['s1'], ...where })).toMatchObject(expected);
});
