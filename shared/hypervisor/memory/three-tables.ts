import { composeTables, createGuestTable, type GuestOptions, guestWords, withDefaults } from './guest.ts';
import { accessThrough, type Scheme } from './scheme.ts';
import { createTlb } from './tlb.ts';

/**
 * Full memory virtualisation without any optimisation (MEM-2 to MEM-5): three owners look up three tables in turn. A
 * table that has no entry stops the access; nothing is allocated for it.
 */
export function createThreeTables(options: GuestOptions): Scheme {
  const { memory, guestLevels, tlbEntries } = withDefaults(options);
  const tlb = createTlb(tlbEntries);
  const words = guestWords(memory);
  const { table, changes } = createGuestTable({
    memory,
    levels: guestLevels,
    tlb,
    read: words.read,
    write: (gpa, word) => {
      words.write(gpa, word);
      return 0;
    },
  });
  return {
    ...changes,
    access: accessThrough(tlb, { owner: 'guest OS', table: 'GVA-GPA' }, (gva, trail) => {
      const composed = composeTables(gva, { layer: 'guest OS', table, behind: memory.compose }, trail);
      return 'fault' in composed ? composed : composed.page;
    }),
  };
}
