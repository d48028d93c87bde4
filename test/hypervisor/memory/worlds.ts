import { createMachine } from '../../../shared/hypervisor/memory/frames.ts';
import { createNativeProcess } from '../../../shared/hypervisor/memory/native.ts';
import { createNested } from '../../../shared/hypervisor/memory/nested.ts';
import { type FixedPage, pageBytes, smallerPage } from '../../../shared/hypervisor/memory/pages.ts';
import type { Scheme } from '../../../shared/hypervisor/memory/scheme.ts';
import { createShadow } from '../../../shared/hypervisor/memory/shadow.ts';
import { createThreeTables } from '../../../shared/hypervisor/memory/three-tables.ts';
import { createVmMemory, type VmMemory } from '../../../shared/hypervisor/memory/vm-memory.ts';

export const RUNS = { numRuns: Number(process.env.STRATA_RANDOM_RUNS ?? 100) };
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
export const VIRTUAL = { 'three-tables': createThreeTables, shadow: createShadow, nested: createNested };

/** A VM of which every host page is there, scattered over the machine by `order`. */
export function scattered(sizeMiB: number, hostPage: FixedPage, order: (pages: number) => number[]): VmMemory {
  const memory = createVmMemory({ sizeMiB, hostPage });
  const pages = (sizeMiB * MIB) / pageBytes(hostPage);
  for (const page of order(pages)) memory.allocate(page * pageBytes(hostPage));
  return memory;
}

/** A native process that is given, as its own mapping, what the guest's mapping leads to on this host. */
export function nativeTwin(memory: VmMemory, tlbEntries: number): Scheme {
  const process = createNativeProcess({ machine: createMachine(), tlbEntries });
  const sizes = new Map<number, { page: FixedPage; own: FixedPage }>();
  const eachOwn = (address: number, act: (offset: number) => void) => {
    const { page, own } = sizes.get(address) as { page: FixedPage; own: FixedPage };
    for (let offset = 0; offset < pageBytes(page); offset += pageBytes(own)) act(offset);
    return { entryWrites: 0, vmmSteps: 0 };
  };
  return {
    ...process,
    map(address, gpa, page, writable) {
      const own = smallerPage(page, memory.hostPage);
      sizes.set(address, { page, own });
      return eachOwn(address, (o) => process.map(address + o, memory.touch(gpa + o), own, writable));
    },
    remap: (address, gpa, writable) =>
      eachOwn(address, (o) => process.remap(address + o, memory.touch(gpa + o), writable)),
    unmap: (address) => eachOwn(address, (o) => process.unmap(address + o)),
  };
}
