import { BASE_PAGE_BYTES } from '../parameters.ts';
import { machineSpace } from './frames.ts';
import { commonPage, createGuestTable, type GuestOptions, withDefaults } from './guest.ts';
import { createPageTable, isPresent, targetOf, walk } from './page-table.ts';
import { accessThrough, type Scheme } from './scheme.ts';
import { createTlb } from './tlb.ts';
import { lookUp, newTrail, type Step, type Trail, vmmStepsOf } from './trail.ts';

const CR3 = { layer: 'hardware', owner: 'guest OS', table: 'CR3' } as const satisfies Partial<Step>;
const EPT = { layer: 'hardware', owner: 'VMM', table: 'EPT' } as const satisfies Partial<Step>;

/**
 * Hardware assistance, EPT or NPT (MEM-7, MEM-8): the CPU walks the guest's own table, and as every entry of that table
 * stands at a GPA, it walks the EPT for each of them, and once more for the page. Only a GPA that the EPT does not have
 * raises an exception. The walk then goes on where it stopped; real hardware begins the access anew, which costs a
 * first touch more references and changes nothing else.
 */
export function createNested(options: GuestOptions): Scheme {
  const { memory, guestLevels, tlbEntries } = withDefaults(options);
  const { words } = memory.machine;
  const tlb = createTlb(tlbEntries);
  const ept = createPageTable(machineSpace(memory.machine), memory.levels);

  /** An EPT violation: VMM and host OS see to the memory, and the merged entry is loaded. */
  const load = (gpa: number, trail: Trail): void => {
    trail.violations++;
    const { base, target, page } = memory.provide(gpa, trail);
    ept.map(base, target, page);
  };
  const throughEpt = (gpa: number, trail: Trail): number => {
    for (;;) {
      const found = lookUp(trail, EPT, gpa, ept.walk(gpa));
      if (found.found) return found.address;
      load(gpa, trail);
    }
  };

  // The guest clears the memory of its tables at its boot; this is the first touch of them, and it loads their entries.
  for (let gpa = memory.tableArea.from; gpa < memory.tableArea.to; gpa += BASE_PAGE_BYTES) throughEpt(gpa, newTrail());

  const { table, changes } = createGuestTable({
    memory,
    levels: guestLevels,
    tlb,
    read: (gpa) => words.read(throughEpt(gpa, newTrail())),
    write: (gpa, word) => {
      const trail = newTrail();
      words.write(throughEpt(gpa, trail), word);
      return vmmStepsOf(trail);
    },
  });

  return {
    ...changes,
    access: accessThrough(tlb, CR3, (gva, trail) => {
      const guest = walk(table.root, guestLevels, gva, (gpa) => {
        const word = words.read(throughEpt(gpa, trail));
        trail.steps.push({ ...CR3, from: gva, to: isPresent(word) ? targetOf(word) : null, references: 1 });
        return word;
      });
      if (!guest.found)
        return { fault: { owner: 'guest OS', table: 'CR3', address: gva, reason: 'missing', level: guest.level } };
      const target = throughEpt(guest.address, trail);
      return commonPage(gva, guest, { base: guest.address, target, page: memory.hostPage });
    }),
  };
}
