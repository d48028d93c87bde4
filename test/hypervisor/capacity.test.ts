import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostVcpus, virtualisationDomain } from '../../shared/hypervisor/cpu/capacity.ts';
import { MANAGEMENT_MEMORY_FLOOR_MIB, MANAGEMENT_VCPUS } from '../../shared/hypervisor/parameters.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import { place } from '../../shared/placement/placement.ts';
import { CapacitySnapshot } from '../../shared/placement/snapshot.ts';
import { candidate, cluster, datastore, host, index, need } from '../placement/hosts.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);

describe('worked example A1 (source document; rules CPU-16 to CPU-21)', () => {
  it.each([
    ['2 sockets x 6 cores x 2 threads', { sockets: 2, coresPerSocket: 6 }],
    ['1 socket x 12 cores x 2 threads', { sockets: 1, coresPerSocket: 12 }],
  ])('a host of %s has 24 vCPUs, of which user VMs see 22', (_what, cpu) => {
    const hardware = { threadsPerCore: 2, mhz: 2400, memoryMiB: 65_536, ...cpu };
    expect(hostVcpus(hardware)).toBe(24);
    expect(virtualisationDomain(hardware)).toMatchObject({ vcpus: 22, mhz: 52_800 });
  });

  it.each([
    [52_800, true],
    [52_801, false],
  ])('a set of reservations of %d MHz: admitted is %s', (mhz, admitted) => {
    const half = Math.floor(mhz / 2);
    const picture = new CapacitySnapshot([cluster], [host('h')], [datastore()]);
    picture.take('h', { vcpus: 2, mhz: half, memoryMiB: 4096 });
    expect(place(need({ demand: { vcpus: 20, mhz: mhz - half } }), picture, seededRandom(1)).ok).toBe(admitted);
  });
});

const hardware = fc.record({
  sockets: fc.integer({ min: 1, max: 8 }),
  coresPerSocket: fc.integer({ min: 1, max: 64 }),
  threadsPerCore: fc.integer({ min: 1, max: 2 }),
  mhz: fc.integer({ min: 1000, max: 5000 }),
  memoryMiB: fc.integer({ min: 1024, max: 8_388_608 }),
});

describe('the capacity of a host', () => {
  it('is shared out between management and VMs: nothing is lost, nothing is given twice', () => {
    fc.assert(
      fc.property(hardware, (h) => {
        const vms = virtualisationDomain(h);
        expect(vms.vcpus).toBe(Math.max(0, hostVcpus(h) - MANAGEMENT_VCPUS));
        expect(vms.mhz).toBe(vms.vcpus * h.mhz);
        expect(Number.isInteger(vms.memoryMiB) && vms.memoryMiB >= 0).toBe(true);
        expect(vms.memoryMiB).toBeLessThanOrEqual(Math.max(0, h.memoryMiB - MANAGEMENT_MEMORY_FLOOR_MIB));
      }),
      { numRuns },
    );
  });

  it('does not shrink when a host has more of anything', () => {
    fc.assert(
      fc.property(hardware, fc.constantFrom('sockets', 'coresPerSocket', 'mhz', 'memoryMiB'), (h, more) => {
        const [less, bigger] = [virtualisationDomain(h), virtualisationDomain({ ...h, [more]: h[more as 'mhz'] + 1 })];
        expect(bigger.vcpus >= less.vcpus && bigger.mhz >= less.mhz && bigger.memoryMiB >= less.memoryMiB).toBe(true);
      }),
      { numRuns },
    );
  });

  it('is never allotted twice: what is free and what VMs have taken always make up the whole', () => {
    const demand = fc.record({
      vcpus: fc.integer({ min: 1, max: 8 }),
      mhz: fc.integer({ min: 0, max: 20_000 }),
      memoryMiB: fc.integer({ min: 128, max: 20_000 }),
      storageGiB: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(demand, { maxLength: 60 }), fc.nat(), (demands, seed) => {
        const hosts = [host('a'), host('b', { sockets: 1 }), host('c', { memoryMiB: 16_384 })];
        const picture = new CapacitySnapshot([cluster], hosts, [
          datastore('d1'),
          datastore('d2', { freeGiB: 300, capacityGiB: 300 }),
        ]);
        const random = seededRandom(seed);
        const taken = new Map(hosts.map((h) => [h.id, { vcpus: 0, mhz: 0, memoryMiB: 0 }]));
        let stored = 0;
        for (const wanted of demands) {
          const { storageGiB, ...demand } = wanted;
          const decision = place(need({ demand, storageGiB }), picture, random);
          if (!decision.ok) continue;
          const { id } = decision.candidate.host;
          picture.take(id, demand, { datastoreId: decision.datastore?.id, gib: storageGiB });
          const sum = taken.get(id) as { vcpus: number; mhz: number; memoryMiB: number };
          for (const what of ['vcpus', 'mhz', 'memoryMiB'] as const) sum[what] += wanted[what];
          stored += storageGiB;
        }
        for (const { host: h, datastores } of picture.all()) {
          const sum = taken.get(h.id);
          const free = { vcpus: h.free.vcpus, mhz: h.free.mhz, memoryMiB: h.free.memoryMiB };
          expect(Math.min(...Object.values(free))).toBeGreaterThanOrEqual(0);
          for (const what of ['vcpus', 'mhz', 'memoryMiB'] as const)
            expect(free[what] + (sum?.[what] ?? 0)).toBe(h.capacity[what]);
          expect(datastores.every((d) => d.freeGiB >= 0)).toBe(true);
          expect(datastores.reduce((n, d) => n + d.freeGiB, stored)).toBe(1300);
        }
      }),
      { numRuns },
    );
  });
});

it('a host smaller than its management leaves nothing, and is refused like a full one', () => {
  const tiny = host('tiny', { sockets: 1, coresPerSocket: 1, threadsPerCore: 1, numaNodes: 1, memoryMiB: 1024 });
  expect(tiny.capacity).toMatchObject({ vcpus: 0, mhz: 0, memoryMiB: 0 });
  expect(place(need(), index([candidate(tiny)]), seededRandom(1))).toMatchObject({ ok: false, ruledOut: { cpu: 1 } });
});
