import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IoMode } from '../../../shared/hypervisor/io/path.ts';
import { runRequests } from '../../../shared/hypervisor/io/request.ts';
import { IO_TRACE_MAX_REQUESTS, VIRTIO_RING_SIZE } from '../../../shared/hypervisor/parameters.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const mode = fc.constantFrom<IoMode>('emulated', 'virtio', 'passthrough');
const run = fc.record({
  requests: fc.integer({ min: 1, max: 2_000 }),
  bytes: fc.integer({ min: 1, max: 1_048_576 }),
  kind: fc.constantFrom('disk' as const, 'nic' as const),
  batch: fc.integer({ min: 1, max: 600 }),
});

describe('requests on their paths', () => {
  it('IO-1: full emulation traps once per request, whatever the batch', () => {
    const trace = runRequests({ mode: 'emulated', requests: 100, bytes: 4096, kind: 'disk', batch: 32 });
    expect(trace).toMatchObject({ exits: 100, exitsPerRequest: 1, notifications: 0, copies: 200 });
    expect(trace.where).toMatch(/QEMU \d+ %.*KVM \d+ %/);
  });

  it('IO-2: virtio notifies once per batch', () => {
    const trace = runRequests({ mode: 'virtio', requests: 100, bytes: 4096, kind: 'disk', batch: 32 });
    expect(trace).toMatchObject({ exits: 4, notifications: 4, exitsPerRequest: 0.04, copies: 100 });
  });

  it('IO-2: a batch larger than the ring costs a notification per full ring', () => {
    const trace = runRequests({ mode: 'virtio', requests: 1024, bytes: 512, kind: 'nic', batch: 100_000 });
    expect(trace.notifications).toBe(1024 / VIRTIO_RING_SIZE);
  });

  it('IO-3: passthrough leaves the VMM nothing to do', () => {
    const trace = runRequests({ mode: 'passthrough', requests: 100, bytes: 4096, kind: 'nic', batch: 1 });
    expect(trace).toMatchObject({ exits: 0, notifications: 0, copies: 0, hostCpuNs: 0 });
    expect(trace.where).toContain('KVM and QEMU have no part in it');
  });

  it('IO-5: under the same load VMM overhead and latency fall from full emulation over virtio to passthrough', () => {
    fc.assert(
      fc.property(run, (load) => {
        const [emulated, virtio, direct] = (['emulated', 'virtio', 'passthrough'] as const).map((m) =>
          runRequests({ mode: m, ...load }),
        ) as [ReturnType<typeof runRequests>, ReturnType<typeof runRequests>, ReturnType<typeof runRequests>];
        for (const figure of ['hostCpuNs', 'latencyNs', 'copies'] as const) {
          expect(emulated[figure]).toBeGreaterThan(virtio[figure]);
          expect(virtio[figure]).toBeGreaterThan(direct[figure]);
        }
        expect(virtio.exits).toBeLessThanOrEqual(emulated.exits);
        expect(direct.exits).toBe(0);
      }),
      { numRuns },
    );
  });

  it('every request passes every hop, and the hops account for all CPU time', () => {
    fc.assert(
      fc.property(mode, run, (m, load) => {
        const trace = runRequests({ mode: m, ...load });
        expect(trace.path.every((h) => h.count === load.requests)).toBe(true);
        const steps = [...trace.path, ...(trace.notification ? [trace.notification] : [])];
        const cpu = steps.filter((h) => h.paidBy !== 'device').reduce((ns, h) => ns + h.ns, 0);
        expect(trace.guestCpuNs + trace.hostCpuNs).toBeCloseTo(cpu, 0);
        expect(trace.exits).toBe(steps.filter((h) => h.exit).reduce((n, h) => n + h.count, 0));
      }),
      { numRuns },
    );
  });

  it.each([
    { requests: 0, bytes: 1, batch: 1 },
    { requests: 1.5, bytes: 1, batch: 1 },
    { requests: IO_TRACE_MAX_REQUESTS + 1, bytes: 1, batch: 1 },
    { requests: 1, bytes: Number.NaN, batch: 1 },
    { requests: 1, bytes: 1, batch: 0 },
  ])('bad input is refused by the rule of the mode: %o', (bad) => {
    expect(() => runRequests({ mode: 'virtio', kind: 'disk', ...bad })).toThrow(/IO-2/);
  });
});
