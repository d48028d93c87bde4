import { machineSpace } from './frames.ts';
import { composeTables, createGuestTable, type GuestOptions, guestWords, withDefaults } from './guest.ts';
import { createPageTable } from './page-table.ts';
import { pageOfBytes } from './pages.ts';
import { accessThrough, type Scheme, translationOf } from './scheme.ts';
import { createTlb } from './tlb.ts';
import { type Fault, lookUp, type Step, type Trail } from './trail.ts';

const SHADOW = { layer: 'hardware', owner: 'VMM', table: 'shadow' } as const satisfies Partial<Step>;

/**
 * The shadow page table (MEM-6): the three tables merged into GVA -> HPA, which the MMU walks. The guest's tables are
 * write-protected: each write traps to the VMM, which drops the shadow of the entry before it writes, and merges anew
 * at the next access. So no access can complete through a stale entry.
 */
export function createShadow(options: GuestOptions): Scheme {
  const { memory, guestLevels, tlbEntries } = withDefaults(options);
  const tlb = createTlb(tlbEntries);
  const words = guestWords(memory);
  const shadow = createPageTable(machineSpace(memory.machine), guestLevels);
  /** Pages of the shadow by the guest's entry, GPA, that they were merged from. */
  const mergedFrom = new Map<number, number[]>();

  const trap = (gpa: number, word: number): number => {
    for (const page of mergedFrom.get(gpa) ?? []) shadow.unmap(page);
    mergedFrom.delete(gpa);
    words.write(gpa, word);
    return 1;
  };
  const { table, changes } = createGuestTable({ memory, levels: guestLevels, tlb, read: words.read, write: trap });

  const merge = (gva: number, trail: Trail): { fault?: Fault } => {
    // The VMM queries the guest's table upward and the host's downward.
    const composed = composeTables(gva, { layer: 'VMM', table, behind: memory.provide }, trail);
    if ('fault' in composed) return composed;
    const { base, target, page, writable } = composed.page;
    shadow.map(base, target, page, writable);
    mergedFrom.set(composed.entry, [...(mergedFrom.get(composed.entry) ?? []), base]);
    return {};
  };

  return {
    ...changes,
    access: accessThrough(tlb, { owner: 'guest OS', table: 'GVA-GPA' }, (gva, trail) => {
      let found = lookUp(trail, SHADOW, gva, shadow.walk(gva));
      if (!found.found) {
        const { fault } = merge(gva, trail);
        if (fault !== undefined) return { fault };
        found = lookUp(trail, SHADOW, gva, shadow.walk(gva));
      }
      if (!found.found) return { fault: found.fault };
      return translationOf(gva, found.address, pageOfBytes(found.pageBytes), found.writable);
    }),
  };
}
