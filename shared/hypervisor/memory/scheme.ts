import { type FixedPage, pageBytes } from './pages.ts';
import type { Tlb } from './tlb.ts';
import { type Fault, newTrail, type Step, type Trail, vmmStepsOf } from './trail.ts';

export type AccessKind = 'read' | 'write';
export type Access = ({ ok: true; hpa: number } | { ok: false; fault: Fault }) & {
  /** In the order of the lookups (MEM-5). */
  trace: Step[];
  /** Memory references of all lookups: the sum of the trace. */
  references: number;
  /** Different tables in the trace; the TLB is none. */
  tablesConsulted: number;
  /** EPT violations (MEM-8). */
  violations: number;
  tlb: 'hit' | 'miss';
  /** Lookups that the software of the VMM made. */
  vmmSteps: number;
};

/** What a change of the guest's table cost. */
export interface GuestUpdate {
  /** Entries of the guest's table that were written. */
  entryWrites: number;
  /** Writes that the VMM had to trap, and pages that it had to load on behalf of them. */
  vmmSteps: number;
}

/**
 * One way to get from the address of an application to the machine's memory. Addresses in bytes. `target` of a map is a
 * GPA; without virtualisation it is a machine address.
 */
export interface Scheme {
  access(address: number, kind: AccessKind): Access;
  /** Refused by MEM-3 when the target is outside of the VM, the addresses are unaligned, or something is mapped there. */
  map(address: number, target: number, page: FixedPage, writable?: boolean): GuestUpdate;
  /** Refused by MEM-3 when nothing is mapped there, or as `map` is. */
  remap(address: number, target: number, writable?: boolean): GuestUpdate;
  /** Refused by MEM-3 when nothing is mapped there. */
  unmap(address: number): GuestUpdate;
  /** Empties the TLB, as a switch to another process does. */
  flushTlb(): void;
}

/** A page of which every address leads to the machine's memory; `target` is the machine address of its first byte. */
export interface Translation {
  base: number;
  target: number;
  page: FixedPage;
  writable: boolean;
}
export type Resolution = Translation | { fault: Fault };

/** The page of this size around an address that leads to `hpa`. */
export function translationOf(address: number, hpa: number, page: FixedPage, writable: boolean): Translation {
  const offset = address % pageBytes(page);
  return { base: address - offset, target: hpa - offset, page, writable };
}

/** The access of a scheme: the TLB first (MEM-14), then its own walk. `keeper` is the table that says what is writable. */
export function accessThrough(
  tlb: Tlb,
  keeper: Pick<Step, 'owner' | 'table'>,
  resolve: (address: number, trail: Trail) => Resolution,
): Scheme['access'] {
  return (address, kind) => {
    const trail = newTrail();
    const cached = tlb.lookup(address);
    const found = cached ?? resolve(address, trail);
    if (cached !== undefined) {
      const to = address - cached.base + cached.target;
      trail.steps.push({ layer: 'hardware', owner: 'CPU', table: 'TLB', from: address, to, references: 0 });
    }
    if (cached === undefined && !('fault' in found)) tlb.insert(found);
    const { owner, table } = keeper;
    const outcome =
      'fault' in found
        ? { ok: false as const, fault: found.fault }
        : kind === 'write' && !found.writable
          ? { ok: false as const, fault: { owner, table, address, reason: 'read-only' as const } }
          : { ok: true as const, hpa: address - found.base + found.target };
    const tables = new Set(trail.steps.map((s) => s.table));
    tables.delete('TLB');
    return {
      ...outcome,
      trace: trail.steps,
      references: trail.steps.reduce((sum, s) => sum + s.references, 0),
      tablesConsulted: tables.size,
      violations: trail.violations,
      tlb: cached === undefined ? 'miss' : 'hit',
      vmmSteps: vmmStepsOf(trail),
    };
  };
}
