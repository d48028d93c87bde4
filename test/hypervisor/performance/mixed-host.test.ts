import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceObservation, VmObservation } from '../../../shared/hypervisor/performance/observation.ts';
import { observe } from '../../../shared/hypervisor/performance/observe.ts';
import { GIB, host, oneCore, vm } from './hosts.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const MODES = ['passthrough', 'virtio', 'emulated'] as const;
type Load = NonNullable<NonNullable<Parameters<typeof vm>[1]>['load']>;

/** Three VMs that differ in nothing but the mode of their devices, under one load. */
const threeOf = (load: Load) =>
  MODES.map((io) =>
    vm(io, {
      machine: { disks: [{ name: 'root', io, sizeGiB: 10 }], nics: [{ id: `nic-${io}`, networkId: 'net', io }] },
      load,
    }),
  );
const diskLoad = fc.record({
  cpu: fc.double({ min: 0, max: 0.5, noNaN: true }),
  readIops: fc.integer({ min: 100, max: 20_000 }),
  writeIops: fc.integer({ min: 0, max: 5000 }),
});
const nicLoad = fc.record({
  cpu: fc.double({ min: 0, max: 0.5, noNaN: true }),
  sendMbps: fc.integer({ min: 10, max: 500 }),
  receiveMbps: fc.integer({ min: 0, max: 500 }),
});

type Three = [DeviceObservation, DeviceObservation, DeviceObservation];
const devices = (vms: readonly VmObservation[], kind: 'disks' | 'nics') => vms.map((v) => v[kind][0]) as Three;
const done = ({ granted }: DeviceObservation) => granted.read + granted.write;

describe('Mixed host', () => {
  it.each([
    ['disks', diskLoad],
    ['nics', nicLoad],
  ] as const)(
    'IO-5: under one load %s by passthrough cost the host less MHz and exits than by virtio, and those less than by full emulation',
    (kind, load) => {
      fc.assert(
        fc.property(load as fc.Arbitrary<Load>, (l) => {
          const vms = threeOf(l);
          for (const { machine } of vms) machine.cpu.vcpus = 8; // CPU for all of it
          const [direct, virtio, emulated] = devices(observe(host(), vms).vms, kind);
          expect(direct.exitsPerSecond).toBe(0);
          expect(virtio.exitsPerSecond).toBeGreaterThan(0);
          expect(emulated.exitsPerSecond).toBeGreaterThanOrEqual(virtio.exitsPerSecond);
          expect(virtio.hostMhz).toBeGreaterThan(direct.hostMhz);
          expect(emulated.hostMhz).toBeGreaterThan(virtio.hostMhz);
          expect([direct, virtio, emulated].map(done)).toEqual(Array(3).fill(done(direct)));
        }),
        { numRuns },
      );
    },
  );

  it.each([
    ['disks', diskLoad],
    ['nics', nicLoad],
  ] as const)(
    'IO-5, K4: when CPU is short, %s by passthrough do at least as much as by virtio, and those as by full emulation, at less host MHz a request',
    (kind, load) => {
      fc.assert(
        fc.property(load as fc.Arbitrary<Load>, (l) => {
          const crowded = host({ hardware: { ...oneCore, mhz: 500, nicMbps: 100_000 } });
          const [direct, virtio, emulated] = devices(observe(crowded, threeOf({ ...l, cpu: 1 })).vms, kind);
          expect(done(direct)).toBeGreaterThan(done(virtio));
          expect(done(virtio)).toBeGreaterThan(done(emulated));
          const each = (d: DeviceObservation) => d.hostMhz / done(d);
          expect(each(virtio)).toBeGreaterThan(each(direct));
          expect(each(emulated)).toBeGreaterThan(each(virtio));
        }),
        { numRuns },
      );
    },
  );

  it('IO-1 to IO-3: `where` and the path say in which layer the cost arises', () => {
    const { vms } = observe(host(), threeOf({ readIops: 5000, sendMbps: 200 }));
    for (const kind of ['disks', 'nics'] as const) {
      const [direct, virtio, emulated] = devices(vms, kind);
      expect(direct.where).toContain('KVM and QEMU have no part in it');
      expect(direct.path).not.toContain('QEMU');
      expect(virtio.where).toMatch(/KVM \d+ %/);
      expect(virtio.path).toContain('virtio front-end driver');
      expect(virtio.path).not.toContain('I/O trap');
      expect(emulated.where).toMatch(/: QEMU \d+ %/);
      expect(emulated.path).toContain('I/O trap');
    }
  });

  it('IO-2: a virtio disk of a guest without the PV driver is emulated, and says so', () => {
    const [seen] = observe(host(), [
      vm('old', { machine: { guest: { os: 'other', pvDriver: false } }, load: { readIops: 100 } }),
    ]).vms;
    expect(seen?.disks[0]).toMatchObject({ io: 'emulated', fallback: expect.stringContaining('no PV driver') });
    expect(seen?.summary.join(' ')).toContain('no PV driver, which virtio needs (IO-2)');
    expect(seen?.disks[0]?.exitsPerSecond).toBe(100);
  });
});

describe('caps of devices', () => {
  const capped = (qos: object, load: Load) =>
    observe(host(), [vm('vm', { machine: { disks: [{ name: 'data', io: 'virtio', sizeGiB: 10, qos }] }, load })]).vms[0]
      ?.disks[0] as DeviceObservation;

  it('L3 (derived): 1000 IOPS and 50 000 000 B/s let 762 requests of 64 KiB and 1000 of 4 KiB through', () => {
    const qos = { read: { iops: 1000, kbps: 50_000 } };
    const large = capped(qos, { readIops: 5000, requestKiB: 64 });
    expect(large).toMatchObject({ granted: { read: 762, write: 0 }, boundBy: 'read byte cap' });
    const small = capped(qos, { readIops: 5000, requestKiB: 4 });
    expect(small).toMatchObject({ granted: { read: 1000, write: 0 }, boundBy: 'read IOPS cap' });
  });

  it('QOS-6: each direction names its own cap', () => {
    const disk = capped({ read: { iops: 100 } }, { readIops: 500, writeIops: 500 });
    expect(disk).toMatchObject({ granted: { read: 100, write: 500 }, boundBy: 'reads: read IOPS cap; writes: demand' });
  });

  it("L2 (derived): in a steady state a port sends at its average; a NIC's own shaping goes before its network's", () => {
    const shaping = { net: { send: { averageMbps: 50 } } };
    const nic = (qos?: object) =>
      observe(host(), [
        vm('vm', {
          machine: { nics: [{ id: 'nic', networkId: 'net', io: 'virtio', ...(qos ? { qos } : {}) }] },
          load: { sendMbps: 500, receiveMbps: 500 },
          shaping,
        }),
      ]).vms[0]?.nics[0];
    expect(nic()).toMatchObject({ granted: { write: 50, read: 500 }, boundBy: 'receiving: demand; sending: shaping' });
    expect(nic({ send: { averageMbps: 100, peakMbps: 200, burstMbit: 100 } })).toMatchObject({
      granted: { write: 100 },
    });
  });

  it('QOS-5: a full line goes to lower priority numbers first, then in equal parts, in each direction by itself', () => {
    const sender = (id: string, priority: number) =>
      vm(id, {
        machine: { nics: [{ id: `nic-${id}`, networkId: 'net', io: 'passthrough', qos: { priority } }] },
        load: { sendMbps: 600, receiveMbps: 100 },
      });
    const { vms } = observe(host({ hardware: { nicMbps: 1000 } }), [sender('a', 7), sender('b', 2), sender('c', 7)]);
    expect(vms.map((v) => v.nics[0]?.granted.write)).toEqual([200, 600, 200]);
    expect(vms.map((v) => v.nics[0]?.granted.read)).toEqual([100, 100, 100]);
    expect(vms[0]?.nics[0]?.boundBy).toBe("receiving: demand; sending: the host's line");
  });
});

describe('memory and NUMA of a host', () => {
  const overcommit = { enabled: true, ratioPercent: 150, alarmPercent: 120, sharing: 'off' as const, balloon: true };
  const full = (count: number, load: Load, swapMiB = 0) =>
    observe(
      host({ overcommit, swapMiB, hardware: { memoryMiB: 64 * GIB } }),
      Array.from({ length: count }, (_, i) =>
        vm(`vm-${i}`, { machine: { memory: { sizeMiB: 8 * GIB, mode: 'hardware', pageSize: '4k' } }, load }),
      ),
    );

  it('OVC-1: a short host takes back what guests do not use, and their memory is no slower for it', () => {
    const { memory, vms } = full(10, { cpu: 0.5, touchedMiB: 7 * GIB, activeMiB: 2 * GIB });
    expect(memory.balloonedMiB).toBeGreaterThan(0);
    expect(vms[0]?.memory).toMatchObject({ swappedMiB: 0, slowdown: 1 });
    expect(vms[0]?.summary.join(' ')).toMatch(/MiB are in its balloon, unused \(OVC-1\)/);
  });

  it('OVC-2: a guest whose working set is swapped waits for it, and is told how much', () => {
    const { memory, vms } = full(10, { cpu: 0.5, touchedMiB: 8 * GIB, activeMiB: 8 * GIB }, 64 * GIB);
    expect(memory.swappedMiB).toBeGreaterThan(0);
    expect(vms[0]?.memory.slowdown).toBeGreaterThan(10);
    expect(vms[0]?.summary.join(' ')).toMatch(/have to wait for a page from the swap partition/);
    // The CPU that it has is the same: it waits on it.
    expect(vms[0]?.cpu.grantedMhz).toBe(vms[0]?.cpu.wantedMhz);
  });

  it('NUMA-1: a VM wider than a node is spread, has remote accesses and slower memory, and says so; vnodes stay local (NUMA-2)', () => {
    const memory = { sizeMiB: 80 * GIB, mode: 'hardware' as const, pageSize: '4k' as const };
    const cpu = { vcpus: 20, mode: 'hardware' as const };
    const wide = (more: object) =>
      observe(host(), [vm('wide', { machine: { cpu, memory, ...more }, load: { cpu: 0.5 } })]).vms[0];
    const floating = wide({}) as VmObservation;
    expect(floating.numa).toMatchObject({ spilled: true });
    expect(floating.numa.remoteShare).toBeGreaterThan(0.3);
    expect(floating.memory.slowdown).toBeCloseTo(1 + 0.5 * floating.numa.remoteShare, 9);
    expect(floating.summary.join(' ')).toContain('memory accesses go to another node (NUMA-1)');
    const vnodes = wide({ numa: { nodes: 2 }, home: [0, 1] }) as VmObservation;
    expect(vnodes.numa).toMatchObject({
      localShare: 1,
      nodes: [
        { node: 0, vcpus: 10, memoryMiB: 40 * GIB },
        { node: 1, vcpus: 10, memoryMiB: 40 * GIB },
      ],
    });
    expect(vnodes.memory.slowdown).toBe(1);
  });

  it('MEM-13: transparent huge pages reach further while nothing is reclaimed, and are split where it is', () => {
    const thp = (activeMiB: number, enabled: boolean) =>
      observe(
        host({ overcommit: { ...overcommit, enabled }, hardware: { memoryMiB: 64 * GIB } }),
        Array.from({ length: enabled ? 10 : 4 }, (_, i) =>
          vm(`vm-${i}`, {
            machine: { memory: { sizeMiB: 8 * GIB, mode: 'hardware', pageSize: 'thp' } },
            load: { touchedMiB: 8 * GIB, activeMiB },
          }),
        ),
      ).vms[0]?.memory.walk.tlbReachMiB as number;
    expect(thp(2 * GIB, false)).toBe(3072);
    expect(thp(2 * GIB, true)).toBeLessThan(3072);
  });
});

it('a VM that nothing holds back says so in one sentence', () => {
  const [seen] = observe(host(), [vm('calm', { load: { cpu: 0.1, readIops: 10, sendMbps: 1 } })]).vms;
  expect(seen?.summary.filter((s) => s.startsWith('Nothing holds it back'))).toHaveLength(1);
  const [busy] = observe(host(), [
    vm('busy', { machine: { cpu: { vcpus: 1, mode: 'full', limitMhz: 500 } }, load: { cpu: 1 } }),
  ]).vms;
  expect(busy?.summary.join(' ')).not.toContain('Nothing holds it back');
});
