import type { TableSpace } from './frames.ts';
import { createPageTable, type PageRange, type PageTable } from './page-table.ts';
import { pageBytes } from './pages.ts';
import type { GuestUpdate, Scheme } from './scheme.ts';
import type { Tlb } from './tlb.ts';

/** The table of an application, kept by the guest OS, or by the host OS where there is no guest. */
export interface ApplicationTable {
  table: PageTable;
  changes: Pick<Scheme, 'map' | 'remap' | 'unmap' | 'flushTlb'>;
}

/**
 * A table whose changes are answered with their cost and seen by the next access. `write` writes an entry and answers
 * the steps that the VMM had to take for it; `checkTarget` refuses targets that the keeper of the table does not have.
 */
export function createApplicationTable(options: {
  space: Omit<TableSpace, 'write'> & { write(address: number, word: number): number };
  levels: number;
  tlb: Tlb;
  checkTarget(target: number, bytes: number): void;
}): ApplicationTable {
  const { space, tlb, checkTarget } = options;
  let cost: GuestUpdate = { entryWrites: 0, vmmSteps: 0 };
  const write = (address: number, word: number): void => {
    cost.entryWrites++;
    cost.vmmSteps += space.write(address, word);
  };
  const table = createPageTable({ ...space, write }, options.levels);
  const costOf = (change: () => PageRange): GuestUpdate => {
    cost = { entryWrites: 0, vmmSteps: 0 };
    const { base, bytes } = change();
    tlb.invalidate(base, bytes);
    return cost;
  };
  return {
    table,
    changes: {
      map: (address, target, page, writable) =>
        costOf(() => {
          checkTarget(target, pageBytes(page));
          return table.map(address, target, page, writable);
        }),
      remap: (address, target, writable) =>
        costOf(() => {
          const old = table.walk(address);
          checkTarget(target, old.found ? old.pageBytes : 1);
          return table.remap(address, target, writable);
        }),
      unmap: (address) => costOf(() => table.unmap(address)),
      flushTlb: () => tlb.flush(),
    },
  };
}
