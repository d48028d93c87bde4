import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../../shared/hypervisor/memory/frames.ts';
import { createNativeProcess } from '../../../shared/hypervisor/memory/native.ts';
import { createNested } from '../../../shared/hypervisor/memory/nested.ts';
import { FIXED_PAGES, type FixedPage, pageMiB } from '../../../shared/hypervisor/memory/pages.ts';
import type { Access, Scheme } from '../../../shared/hypervisor/memory/scheme.ts';
import { createShadow } from '../../../shared/hypervisor/memory/shadow.ts';
import { createThreeTables } from '../../../shared/hypervisor/memory/three-tables.ts';
import { createVmMemory } from '../../../shared/hypervisor/memory/vm-memory.ts';
import { RUNS } from './worlds.ts';

/** A TLB miss on a page that was touched before. */
function secondMiss(scheme: Scheme, page: FixedPage): Access {
  scheme.map(0, 0, page);
  scheme.access(0, 'read');
  scheme.flushTlb();
  return scheme.access(0, 'read');
}
const nested = (guestPage: FixedPage, hostPage: FixedPage, guestLevels = 4, levels = 4): Access => {
  const sizeMiB = Math.max(2, pageMiB(guestPage), pageMiB(hostPage));
  return secondMiss(createNested({ memory: createVmMemory({ sizeMiB, hostPage, levels }), guestLevels }), guestPage);
};
/** Levels that a walk to a page of this size does not need. */
const saved = (page: FixedPage): number => FIXED_PAGES.indexOf(page);

describe('memory references of a TLB miss', () => {
  it('K1 (published nested-paging measurements): native, 4 levels, makes 4 references', () => {
    const miss = secondMiss(createNativeProcess({ machine: createMachine() }), '4k');
    expect(miss).toMatchObject({ tlb: 'miss', references: 4, tablesConsulted: 1 });
  });
  it('K1 (published nested-paging measurements): a shadow page table makes 4 references', () => {
    const miss = secondMiss(createShadow({ memory: createVmMemory({ sizeMiB: 2, hostPage: '4k' }) }), '4k');
    expect(miss).toMatchObject({ tlb: 'miss', references: 4, tablesConsulted: 1, vmmSteps: 0 });
  });
  it('K1 (published nested-paging measurements): nested, guest 4 x host 4, makes 24 references', () => {
    expect(nested('4k', '4k')).toMatchObject({ tlb: 'miss', references: 24, vmmSteps: 0, tablesConsulted: 2 });
  });
  it('K1 (derived from algorithm 8): nested, 2 MiB host pages, 4 x 3, makes 19 references', () => {
    expect(nested('4k', '2m').references).toBe(19);
  });
  it('K1 (derived from algorithm 8): nested, 2 MiB pages in both, 3 x 3, makes 15 references', () => {
    expect(nested('2m', '2m').references).toBe(15);
  });
  it('algorithm 8: a nested miss makes (g + 1)(n + 1) - 1 references, for all levels and pages', () => {
    let cases = 0;
    for (let g = 1; g <= 5; g++)
      for (let n = 1; n <= 5; n++)
        for (const guestPage of FIXED_PAGES)
          for (const hostPage of FIXED_PAGES) {
            const guest = g - saved(guestPage);
            const host = n - saved(hostPage);
            const fits = n > saved(guestPage); // else the VM is smaller than one page of its guest
            if (guest < 1 || host < 1 || !fits) continue;
            cases++;
            expect(nested(guestPage, hostPage, g, n).references).toBe((guest + 1) * (host + 1) - 1);
          }
    expect(cases).toBeGreaterThan(100);
  });
  it('three tables cost a walk of each owner, and every scheme costs none after a TLB hit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (guestLevels, levels) => {
        const three = createThreeTables({
          memory: createVmMemory({ sizeMiB: 2, hostPage: '4k', levels }),
          guestLevels,
        });
        three.map(4096, 0, '4k');
        expect(three.access(4096, 'read')).toMatchObject({ ok: false, fault: { owner: 'VMM' } });
        const memory = createVmMemory({ sizeMiB: 2, hostPage: '4k', levels });
        memory.allocate(0);
        const full = createThreeTables({ memory, guestLevels });
        const miss = secondMiss(full, '4k');
        expect(miss).toMatchObject({ references: guestLevels + levels + 4, tablesConsulted: 3, vmmSteps: 1 });
        expect(full.access(1, 'read')).toMatchObject({ tlb: 'hit', references: 0, tablesConsulted: 0, vmmSteps: 0 });
      }),
      RUNS,
    );
  });
});
