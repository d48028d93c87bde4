import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IoLoad, ioLoadCost } from '../../../shared/hypervisor/io/load.ts';
import type { IoMode } from '../../../shared/hypervisor/io/path.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const base: IoLoad = { mode: 'virtio', kind: 'disk', requestsPerSecond: 10_000, bytesPerRequest: 4096, queueDepth: 32 };
const load = fc.record({
  kind: fc.constantFrom('disk' as const, 'nic' as const),
  requestsPerSecond: fc.double({ min: 1, max: 2_000_000, noNaN: true }),
  bytesPerRequest: fc.integer({ min: 1, max: 1_048_576 }),
  queueDepth: fc.integer({ min: 1, max: 1024 }),
  clockMhz: fc.integer({ min: 1000, max: 5000 }),
});

describe('the live cost of one VM', () => {
  it('IO-5: full emulation reaches no more than virtio, virtio no more than passthrough; per request the VMM pays the reverse', () => {
    fc.assert(
      fc.property(load, (l) => {
        const [emulated, virtio, direct] = (['emulated', 'virtio', 'passthrough'] as const).map((mode) =>
          ioLoadCost({ mode, ...l }),
        ) as [ReturnType<typeof ioLoadCost>, ReturnType<typeof ioLoadCost>, ReturnType<typeof ioLoadCost>];
        expect(emulated.requestsPerSecond).toBeLessThanOrEqual(virtio.requestsPerSecond);
        expect(virtio.requestsPerSecond).toBeLessThanOrEqual(direct.requestsPerSecond);
        const perRequest = (c: typeof emulated) => c.hostMhz / c.requestsPerSecond;
        expect(perRequest(emulated)).toBeGreaterThan(perRequest(virtio));
        expect(perRequest(virtio)).toBeGreaterThan(perRequest(direct));
        expect(direct.exitsPerSecond).toBe(0);
        expect(emulated.exitsPerSecond).toBe(emulated.requestsPerSecond);
      }),
      { numRuns },
    );
  });

  it('K4, IO-3: what passthrough costs the host is named as interrupts, beside a path without the VMM', () => {
    const direct = ioLoadCost({ ...base, mode: 'passthrough' });
    expect(direct.where).toContain('KVM and QEMU have no part in it');
    expect(direct.where).toContain(`${direct.hostMhz.toFixed(1)} MHz on interrupts`);
    expect(ioLoadCost(base).where).not.toContain('interrupts');
  });

  it("Little's law: never more requests under way than the queue is deep", () => {
    fc.assert(
      fc.property(fc.constantFrom<IoMode>('emulated', 'virtio', 'passthrough'), load, (mode, l) => {
        const cost = ioLoadCost({ mode, ...l });
        const underWay = (cost.requestsPerSecond * cost.latencyNs) / 1e9;
        expect(underWay).toBeLessThanOrEqual(l.queueDepth * (1 + 1e-9));
        if (cost.boundBy !== 'demand') expect(underWay).toBeCloseTo(l.queueDepth, 3);
      }),
      { numRuns },
    );
  });

  it('IO-2: a queue of one request is notified for each; a busy backend lets a deep queue share notifications', () => {
    expect(ioLoadCost({ ...base, requestsPerSecond: 1000, queueDepth: 1 })).toMatchObject({
      exitsPerSecond: 1000,
      boundBy: 'demand',
    });
    const busy = ioLoadCost({ ...base, requestsPerSecond: 400_000, queueDepth: 64 });
    expect(busy.exitsPerSecond).toBeLessThan(busy.requestsPerSecond / 4);
  });

  it('names what bounds it: a shallow queue waits for the disk, a deep one for the thread of QEMU', () => {
    expect(ioLoadCost({ ...base, requestsPerSecond: 1e6, queueDepth: 1 }).boundBy).toBe('queue depth');
    expect(ioLoadCost({ ...base, requestsPerSecond: 1e6, queueDepth: 1000 }).boundBy).toBe('backend CPU');
  });

  it('latency grows with the load and falls with the clock; cycles stay the same', () => {
    const idle = ioLoadCost({ ...base, requestsPerSecond: 1000 });
    const busy = ioLoadCost({ ...base, requestsPerSecond: 300_000 });
    const fast = ioLoadCost({ ...base, requestsPerSecond: 1000, clockMhz: 5600 });
    expect(busy.latencyNs).toBeGreaterThan(idle.latencyNs);
    expect(fast.latencyNs).toBeLessThan(idle.latencyNs);
    expect(fast.guestMhz).toBe(idle.guestMhz);
  });

  it('no load costs nothing and has the latency of an unhindered request', () => {
    expect(ioLoadCost({ ...base, requestsPerSecond: 0 })).toMatchObject({ exitsPerSecond: 0, hostMhz: 0, guestMhz: 0 });
    expect(() => ioLoadCost({ ...base, requestsPerSecond: -1 })).toThrow(/IO-2/);
    expect(() => ioLoadCost({ ...base, queueDepth: 0 })).toThrow(/IO-2/);
  });
});
