import { BASE_PAGE_BYTES, GUEST_TABLE_AREA_BYTES, TABLE_LEVELS, VM_HVA_BASE } from '../parameters.ts';
import { Refused } from '../refusal.ts';
import { createFrames, createMachine, type Frames, type Machine, machineSpace } from './frames.ts';
import { addressEnd, createPageTable } from './page-table.ts';
import { type FixedPage, MIB, pageBytes, pagesOf } from './pages.ts';
import { type Translation, translationOf } from './scheme.ts';
import { type Fault, lookUp, newTrail, type Trail } from './trail.ts';

export interface VmMemoryOptions {
  sizeMiB: number;
  /** Page of the host's memory behind the VM: of the VMM's table, the host's, and the EPT. */
  hostPage: FixedPage;
  /** Levels of the VMM's table and of the EPT. */
  levels?: number;
}

/** The memory of a VM as VMM and host OS keep it: GPA -> HVA -> HPA (MEM-3). */
export interface VmMemory {
  readonly machine: Machine;
  readonly sizeMiB: number;
  readonly hostPage: FixedPage;
  readonly levels: number;
  /** Frames of the VM, by GPA, in which the guest OS keeps its tables. The guest clears them at its boot. */
  readonly tableFrames: Frames;
  readonly tableArea: { from: number; to: number };
  /** Refused by MEM-3 when the range is not within the VM. Bytes. */
  checkInside(gpa: number, bytes: number): void;
  /** The VMM enters the host page of this GPA in its table; the host gives no memory yet. */
  register(gpa: number): void;
  /** VMM and host OS see to it that memory is behind this GPA. Repeating it changes nothing. */
  allocate(gpa: number): void;
  /** host(VMM(GPA)) by the software of both; a miss names its owner. Notes both lookups. */
  compose(gpa: number, trail: Trail): Translation | { fault: Fault };
  /** The same when the VMM handles a miss: memory that is not there yet is allocated. */
  provide(gpa: number, trail: Trail): Translation;
  /** HPA behind a GPA, where the guest uses its own memory. */
  touch(gpa: number): number;
}

/** Refused by MEM-11 when the size is no whole number of host pages, by MEM-3 when the tables cannot reach all of it. */
export function createVmMemory({ sizeMiB, hostPage, levels = TABLE_LEVELS }: VmMemoryOptions): VmMemory {
  const size = pagesOf(sizeMiB, hostPage) * pageBytes(hostPage);
  if (size > addressEnd(levels) || size < GUEST_TABLE_AREA_BYTES)
    throw new Refused({
      rule: 'MEM-3',
      reason: `${sizeMiB} MiB are not between the ${GUEST_TABLE_AREA_BYTES} bytes of the guest's tables and what ${levels} levels translate`,
      fix: 'change the size or the number of levels',
      figures: { sizeMiB, levels, mostMiB: addressEnd(levels) / MIB },
    });
  const machine = createMachine();
  const vmm = createPageTable(machineSpace(machine), levels);
  const host = createPageTable(machineSpace(machine), TABLE_LEVELS);
  const tableArea = { from: size - GUEST_TABLE_AREA_BYTES, to: size };
  const hostBytes = pageBytes(hostPage);
  const baseOf = (gpa: number): number => gpa - (gpa % hostBytes);

  const memory: VmMemory = {
    machine,
    sizeMiB,
    hostPage,
    levels,
    tableArea,
    tableFrames: createFrames(tableArea.from, tableArea.to, 'MEM-3', "the guest's table area"),
    checkInside(gpa, bytes) {
      if (Number.isSafeInteger(gpa) && gpa >= 0 && gpa + bytes <= size) return;
      throw new Refused({
        rule: 'MEM-3',
        reason: `guest physical address ${gpa} with ${bytes} bytes is outside of a VM of ${sizeMiB} MiB`,
        fix: `use addresses below ${size}`,
        figures: { gpa, bytes, memoryBytes: size },
      });
    },
    register(gpa) {
      memory.checkInside(gpa, 1);
      const base = baseOf(gpa);
      if (!vmm.walk(base).found) vmm.map(base, VM_HVA_BASE + base, hostPage);
    },
    allocate(gpa) {
      memory.register(gpa);
      const hva = VM_HVA_BASE + baseOf(gpa);
      if (!host.walk(hva).found) host.map(hva, machine.frames.take(hostBytes), hostPage);
    },
    compose(gpa, trail) {
      const first = lookUp(trail, { layer: 'VMM', owner: 'VMM', table: 'GPA-HVA' }, gpa, vmm.walk(gpa));
      if (!first.found) return { fault: first.fault };
      const hva = first.address;
      const second = lookUp(trail, { layer: 'host OS', owner: 'host OS', table: 'HVA-HPA' }, hva, host.walk(hva));
      if (!second.found) return { fault: second.fault };
      return translationOf(gpa, second.address, hostPage, second.writable);
    },
    provide(gpa, trail) {
      memory.allocate(gpa);
      const found = memory.compose(gpa, trail);
      if ('fault' in found) throw new Error(`no memory behind GPA ${gpa} after it was allocated`);
      return found;
    },
    touch(gpa) {
      const found = memory.provide(gpa, newTrail());
      return gpa - found.base + found.target;
    },
  };
  for (let gpa = tableArea.from; gpa < tableArea.to; gpa += BASE_PAGE_BYTES) memory.allocate(gpa);
  return memory;
}
