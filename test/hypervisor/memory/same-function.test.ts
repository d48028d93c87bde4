import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FixedPage, pageBytes } from '../../../shared/hypervisor/memory/pages.ts';
import type { AccessKind, Scheme } from '../../../shared/hypervisor/memory/scheme.ts';
import { GIB, MIB, nativeTwin, RUNS, scattered, VIRTUAL } from './worlds.ts';

/** Few enough host pages to fill the VM for every run, large enough for the guest pages beside them. */
const WORLDS: Record<FixedPage, { sizeMiB: number; guestPages: FixedPage[] }> = {
  '4k': { sizeMiB: 4, guestPages: ['4k', '2m'] },
  '2m': { sizeMiB: 2048, guestPages: ['4k', '2m', '1g'] },
  '1g': { sizeMiB: 4096, guestPages: ['4k', '2m', '1g'] },
};
const SLOTS = 2;
const TIME_OUT_MS = 60_000 + RUNS.numRuns * 300;
/** Places of the application, far enough from each other for pages of every size. */
const slotAddress = (slot: number): number => slot * GIB * 3;

/** A uniform share; `fc.double` would mostly draw shares next to 0. */
const part = fc.nat(9_999).map((n) => n / 10_000);
const slot = fc.nat(SLOTS - 1);
const command = fc.oneof(
  fc.record({ do: fc.constant('map' as const), slot, size: part, target: part, writable: fc.boolean() }),
  fc.record({ do: fc.constant('remap' as const), slot, target: part, writable: fc.boolean() }),
  fc.record({ do: fc.constant('unmap' as const), slot }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('access' as const),
      slot,
      at: part,
      near: fc.boolean(),
      kind: fc.constantFrom<AccessKind>('read', 'write'),
    }),
  },
);

describe('translation is the same function under every scheme (MEM-2 to MEM-8, MEM-14)', () => {
  for (const hostPage of ['4k', '2m', '1g'] as const) {
    const { sizeMiB, guestPages } = WORLDS[hostPage];
    it(
      `whatever the guest maps, remaps, unmaps and accesses, on ${hostPage} pages of the host`,
      () => {
        fc.assert(
          fc.property(
            fc.array(command, { minLength: 5, maxLength: 40 }),
            fc.constantFrom(0, 1, 2, 64),
            fc.integer({ min: 1, max: 1000 }),
            (commands, tlbEntries, stride) => {
              const order = (pages: number) => {
                const step = stride * 2 + 1; // odd, so it visits each of 2^n pages once
                return Array.from({ length: pages }, (_, i) => (i * step) % pages);
              };
              const schemes: Scheme[] = Object.values(VIRTUAL).map((create) =>
                create({ memory: scattered(sizeMiB, hostPage, order), tlbEntries }),
              );
              const truth = scattered(sizeMiB, hostPage, order);
              schemes.push(nativeTwin(truth, tlbEntries));
              const mapped = new Map<number, { page: FixedPage; gpa: number; writable: boolean }>();

              for (const c of commands) {
                const address = slotAddress(c.slot);
                const old = mapped.get(c.slot);
                if (c.do === 'unmap') {
                  if (old === undefined) continue;
                  for (const s of schemes) s.unmap(address);
                  mapped.delete(c.slot);
                } else if (c.do === 'map' || c.do === 'remap') {
                  if (c.do === 'remap' && old === undefined) continue;
                  const fresh = c.do === 'map' ? guestPages[Math.floor(c.size * guestPages.length)] : old?.page;
                  const page = fresh as FixedPage;
                  const pages = (sizeMiB * MIB) / pageBytes(page);
                  const gpa = Math.floor(c.target * pages) * pageBytes(page);
                  for (const s of schemes) {
                    if (c.do === 'map' && old !== undefined) s.unmap(address);
                    if (c.do === 'remap') s.remap(address, gpa, c.writable);
                    else s.map(address, gpa, page, c.writable);
                  }
                  mapped.set(c.slot, { page, gpa, writable: c.writable });
                } else {
                  const span = c.near ? 8192 : pageBytes(old?.page ?? '4k');
                  const offset = Math.floor(c.at * span);
                  const answers = schemes.map((s) => s.access(address + offset, c.kind));
                  const inside = old !== undefined && offset < pageBytes(old.page);
                  for (const answer of answers) {
                    expect(answer.references).toBe(answer.trace.reduce((sum, step) => sum + step.references, 0));
                    if (!inside) expect(answer).toMatchObject({ ok: false, fault: { reason: 'missing' } });
                    else if (c.kind === 'write' && !old.writable)
                      expect(answer).toMatchObject({ ok: false, fault: { reason: 'read-only' } });
                    else expect(answer).toMatchObject({ ok: true, hpa: truth.touch(old.gpa + offset) });
                    if (answer.tlb === 'hit') expect(answer.references).toBe(0);
                  }
                }
              }
            },
          ),
          RUNS,
        );
      },
      TIME_OUT_MS,
    );
  }
});
