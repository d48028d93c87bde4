import type { Walk } from './page-table.ts';

/** Who looks something up (MEM-5). `hardware` is the MMU of the CPU, which stands under all of them. */
export type Layer = 'hardware' | 'guest OS' | 'VMM' | 'host OS';
/** Who keeps a table. */
export type Owner = 'CPU' | 'guest OS' | 'VMM' | 'host OS';
/** VA = MA without virtualisation; CR3 is the guest's GVA-GPA table as the CPU has it loaded. */
export type TableName = 'TLB' | 'VA-MA' | 'GVA-GPA' | 'GPA-HVA' | 'HVA-HPA' | 'shadow' | 'CR3' | 'EPT';

/** One lookup of a translation. */
export interface Step {
  layer: Layer;
  owner: Owner;
  table: TableName;
  from: number;
  /** What the lookup gave; null when it missed. */
  to: number | null;
  /** Table entries that were read from memory. */
  references: number;
}

/** Why an access did not complete (MEM-3). */
export interface Fault {
  owner: Owner;
  table: TableName;
  /** The address that the table does not translate, or not for writing. */
  address: number;
  reason: 'missing' | 'read-only';
  /** The level of the table that missed, 1 is the lowest; absent when no level did. */
  level?: number;
}

/** What happens during one access. */
export interface Trail {
  steps: Step[];
  violations: number;
}
export const newTrail = (): Trail => ({ steps: [], violations: 0 });
export const vmmStepsOf = (trail: Trail): number => trail.steps.filter((s) => s.layer === 'VMM').length;

/** A lookup of one owner in his own table, noted in the trail. */
export function lookUp(
  trail: Trail,
  by: { layer: Layer; owner: Owner; table: TableName },
  address: number,
  walk: Walk,
): Extract<Walk, { found: true }> | { found: false; fault: Fault } {
  trail.steps.push({ ...by, from: address, to: walk.found ? walk.address : null, references: walk.references });
  if (walk.found) return walk;
  const { owner, table } = by;
  return { found: false, fault: { owner, table, address, reason: 'missing', level: walk.level } };
}
