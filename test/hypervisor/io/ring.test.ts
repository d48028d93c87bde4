import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedRing } from '../../../shared/hypervisor/io/ring.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);

describe('the shared ring (IO-1, IO-2)', () => {
  it('requests come out as they went in, none lost or doubled, however full the ring is', () => {
    const step = fc.constantFrom('put', 'kick', 'take', 'complete');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), fc.array(step, { maxLength: 200 }), (log2, steps) => {
        const ring = new SharedRing<number>(2 ** log2);
        const out: number[] = [];
        let next = 0;
        let completed = 0;
        for (const s of steps) {
          if (s === 'put') {
            const full = next - completed === ring.capacity;
            expect(ring.put(next)).toBe(!full);
            if (!full) next++;
          } else if (s === 'kick') ring.kick();
          else if (s === 'take') {
            const request = ring.take();
            if (request !== undefined) out.push(request);
          } else if (ring.complete()) completed++;
          expect(ring.used).toBe(next - completed);
          expect(completed).toBeLessThanOrEqual(out.length);
        }
        ring.kick();
        for (let r = ring.take(); r !== undefined; r = ring.take()) out.push(r);
        expect(out).toEqual(Array.from({ length: next }, (_, i) => i));
      }),
      { numRuns },
    );
  });

  it('n requests before one kick cost one notification', () => {
    const ring = new SharedRing<number>(8);
    for (let i = 0; i < 8; i++) ring.put(i);
    expect(ring.put(8)).toBe(false);
    expect(ring.kick()).toBe(true);
    expect(ring.notifications).toBe(1);
  });

  it('a backend that polls is not notified again; one that found nothing is', () => {
    const ring = new SharedRing<string>(4);
    expect(ring.kick()).toBe(false);
    ring.put('a');
    expect(ring.take()).toBeUndefined();
    expect(ring.kick()).toBe(true);
    ring.put('b');
    expect(ring.kick()).toBe(false);
    expect([ring.take(), ring.take(), ring.take()]).toEqual(['a', 'b', undefined]);
    ring.put('c');
    expect(ring.kick()).toBe(true);
    expect(ring.notifications).toBe(2);
  });

  it.each([0, 3, 1.5, -2, 65_536])('a ring of %d descriptors is refused', (capacity) => {
    expect(() => new SharedRing(capacity)).toThrow(/IO-2/);
  });
});
