import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DiskCaps, diskCapsOf, grantDisk } from '../../../shared/hypervisor/qos/disk-caps.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const none = { iops: 0, bytesPerRequest: 4096 };
const greedy = (bytesPerRequest: number) => ({ iops: 1e6, bytesPerRequest });

describe('disk QoS (QOS-6)', () => {
  it.each([
    [65_536, 762, 'bytes'],
    [4_096, 1000, 'IOPS'],
  ])(
    'L3 (derived): 1000 IOPS and 50 000 000 B/s: at %d bytes per request %d IOPS, bound by %s',
    (size, iops, boundBy) => {
      const read = diskCapsOf({ read: { iops: 1000, kbps: 50_000 } });
      expect(grantDisk({ read: greedy(size), write: none }, read).read).toEqual({
        iops,
        bytesPerSecond: iops * size,
        boundBy,
      });
      const total = diskCapsOf({ total: { iops: 1000, kbps: 50_000 } });
      expect(grantDisk({ read: none, write: greedy(size) }, total).write).toMatchObject({
        iops,
        boundBy: `total ${boundBy}`,
      });
    },
  );

  it('a separate and a combined cap hold together: the combined one bounds the sum, in equal parts of both', () => {
    const caps = diskCapsOf({ read: { iops: 600 }, total: { iops: 1000 } });
    const { read, write } = grantDisk(
      { read: { iops: 5000, bytesPerRequest: 4096 }, write: { iops: 900, bytesPerRequest: 4096 } },
      caps,
    );
    expect(read).toMatchObject({ iops: 400, boundBy: 'total IOPS' });
    expect(write).toMatchObject({ iops: 600, boundBy: 'total IOPS' });
  });

  it('without caps everything is granted', () => {
    const demand = { read: greedy(512), write: greedy(65_536) };
    const { read, write } = grantDisk(demand, diskCapsOf({ read: { iops: 0, kbps: 0 } }));
    expect([read.iops, write.iops, read.boundBy, write.boundBy]).toEqual([1e6, 1e6, 'demand', 'demand']);
  });

  it('a request larger than a second of the cap is slow, not stuck', () => {
    const { read } = grantDisk({ read: greedy(64_000), write: none }, diskCapsOf({ read: { kbps: 8 } }));
    expect(read).toMatchObject({ iops: 0.125, bytesPerSecond: 8000, boundBy: 'bytes' });
  });

  it('no cap is ever exceeded, nobody gets more than wanted, and no cap binds without need', () => {
    const cap = fc.record({
      kbps: fc.oneof(fc.constant(0), fc.integer({ min: 8, max: 10_000_000 })),
      iops: fc.oneof(fc.constant(0), fc.integer({ min: 16, max: 1_000_000 })),
    });
    const want = fc.record({
      iops: fc.integer({ min: 0, max: 2_000_000 }),
      bytesPerRequest: fc.integer({ min: 512, max: 1_048_576 }),
    });
    fc.assert(
      fc.property(fc.record({ read: cap, write: cap, total: cap }), want, want, (spec, r, w) => {
        const caps: DiskCaps = diskCapsOf(spec);
        const { read, write } = grantDisk({ read: r, write: w }, caps);
        const sum = { iops: read.iops + write.iops, bytesPerSecond: read.bytesPerSecond + write.bytesPerSecond };
        for (const [got, limit] of [
          [read, caps.read],
          [write, caps.write],
          [sum, caps.total],
        ] as const) {
          expect(got.iops).toBeLessThanOrEqual(limit.iops * (1 + 1e-9));
          expect(got.bytesPerSecond).toBeLessThanOrEqual(limit.bytes * (1 + 1e-9));
        }
        for (const [got, wanted] of [
          [read, r],
          [write, w],
        ] as const) {
          expect(got.iops).toBeLessThanOrEqual(wanted.iops);
          if (got.boundBy === 'demand') expect(got.iops).toBe(wanted.iops);
        }
        // A cap that binds is used up, but for the fraction of a request of each direction.
        if (read.boundBy === 'total bytes') {
          expect(sum.bytesPerSecond + r.bytesPerRequest + w.bytesPerRequest).toBeGreaterThanOrEqual(caps.total.bytes);
        }
        if (read.boundBy === 'IOPS') expect(read.iops + 1).toBeGreaterThan(caps.read.iops);
      }),
      { numRuns },
    );
  });

  it.each([
    { read: { kbps: 7 } },
    { write: { iops: 15 } },
    { total: { kbps: 9_007_199_254_740_992 } },
    { total: { iops: 4_294_967_296 } },
    { read: { iops: -1 } },
    { read: { iops: 16.5 } },
    { both: {} },
    undefined,
  ])('refused by QOS-6: %o', (bad) => {
    expect(() => diskCapsOf(bad)).toThrow(/QOS-6/);
  });

  it('the ends of the ranges are legal', () => {
    expect(
      diskCapsOf({ read: { kbps: 8, iops: 16 }, total: { kbps: 9_007_199_254_740_991, iops: 4_294_967_295 } }),
    ).toMatchObject({
      read: { bytes: 8000, iops: 16 },
      write: { bytes: Number.POSITIVE_INFINITY, iops: Number.POSITIVE_INFINITY },
      total: { iops: 4_294_967_295 },
    });
  });

  it('a demand that cannot be is refused', () => {
    expect(() => grantDisk({ read: { iops: -1, bytesPerRequest: 1 }, write: none }, diskCapsOf({}))).toThrow(/QOS-6/);
    expect(() => grantDisk({ read: { iops: 1, bytesPerRequest: 0 }, write: none }, diskCapsOf({}))).toThrow(/QOS-6/);
  });
});
