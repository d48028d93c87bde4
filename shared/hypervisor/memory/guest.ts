import { TABLE_LEVELS, TLB_ENTRIES } from '../parameters.ts';
import type { Words } from './frames.ts';
import type { PageTable } from './page-table.ts';
import { pageOfBytes, smallerPage } from './pages.ts';
import { type Translation, translationOf } from './scheme.ts';
import { type ApplicationTable, createApplicationTable } from './table-changes.ts';
import type { Tlb } from './tlb.ts';
import { type Fault, lookUp, type Step, type Trail } from './trail.ts';
import type { VmMemory } from './vm-memory.ts';

/** The CPU and guest of a scheme. */
export interface GuestOptions {
  memory: VmMemory;
  /** Levels of the guest's table. */
  guestLevels?: number;
  tlbEntries?: number;
}
export const withDefaults = ({ memory, guestLevels, tlbEntries }: GuestOptions): Required<GuestOptions> => ({
  memory,
  guestLevels: guestLevels ?? TABLE_LEVELS,
  tlbEntries: tlbEntries ?? TLB_ENTRIES,
});

/** The memory of a VM as its guest sees it, by GPA. */
export const guestWords = (memory: VmMemory): Words => ({
  read: (gpa) => memory.machine.words.read(memory.touch(gpa)),
  write: (gpa, word) => memory.machine.words.write(memory.touch(gpa), word),
});

/** The GVA-GPA table of an application. The guest OS keeps it in its own memory (MEM-3). */
export function createGuestTable(options: {
  memory: VmMemory;
  levels: number;
  tlb: Tlb;
  read(gpa: number): number;
  /** Writes an entry, and answers the steps that the VMM had to take for it. */
  write(gpa: number, word: number): number;
}): ApplicationTable {
  const { memory, levels, tlb, read, write } = options;
  return createApplicationTable({
    space: { takeFrame: () => memory.tableFrames.take(), giveFrame: memory.tableFrames.give, read, write },
    levels,
    tlb,
    checkTarget: memory.checkInside,
  });
}

/** The page that the guest's and the host's pages have in common, from the GVA to the machine. */
export function commonPage(
  gva: number,
  guest: { address: number; pageBytes: number; writable: boolean },
  behind: Pick<Translation, 'base' | 'target' | 'page'>,
): Translation {
  const page = smallerPage(pageOfBytes(guest.pageBytes), behind.page);
  return translationOf(gva, guest.address - behind.base + behind.target, page, guest.writable);
}

/** GVA -> HPA by the software of all three owners (MEM-3). `layer` walks the guest's table; `entry` is the GPA of its entry. */
export function composeTables(
  gva: number,
  options: { layer: Step['layer']; table: PageTable; behind: VmMemory['compose'] },
  trail: Trail,
): { page: Translation; entry: number } | { fault: Fault } {
  const { layer, table } = options;
  const guest = lookUp(trail, { layer, owner: 'guest OS', table: 'GVA-GPA' }, gva, table.walk(gva));
  if (!guest.found) return { fault: guest.fault };
  const behind = options.behind(guest.address, trail);
  if ('fault' in behind) return behind;
  return { page: commonPage(gva, guest, behind), entry: guest.entry };
}
