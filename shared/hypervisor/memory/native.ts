import { TABLE_LEVELS, TLB_ENTRIES } from '../parameters.ts';
import { type Machine, machineSpace } from './frames.ts';
import { pageOfBytes } from './pages.ts';
import { accessThrough, type Scheme, translationOf } from './scheme.ts';
import { createApplicationTable } from './table-changes.ts';
import { createTlb } from './tlb.ts';
import { lookUp, type Step } from './trail.ts';

const VA_MA = { layer: 'hardware', owner: 'host OS', table: 'VA-MA' } as const satisfies Partial<Step>;

/** A process without memory virtualisation (MEM-1): the host OS keeps VA -> MA, the MMU walks it. */
export function createNativeProcess(options: { machine: Machine; levels?: number; tlbEntries?: number }): Scheme {
  const { machine, levels = TABLE_LEVELS, tlbEntries = TLB_ENTRIES } = options;
  const tlb = createTlb(tlbEntries);
  const space = machineSpace(machine);
  const write = (address: number, word: number): number => {
    space.write(address, word);
    return 0;
  };
  const { table, changes } = createApplicationTable({
    space: { ...space, write },
    levels,
    tlb,
    checkTarget: () => undefined,
  });
  return {
    ...changes,
    access: accessThrough(tlb, VA_MA, (va, trail) => {
      const found = lookUp(trail, VA_MA, va, table.walk(va));
      if (!found.found) return { fault: found.fault };
      return translationOf(va, found.address, pageOfBytes(found.pageBytes), found.writable);
    }),
  };
}
