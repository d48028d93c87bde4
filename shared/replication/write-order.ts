import { Refused } from '../hypervisor/refusal.ts';

/**
 * DR-6, I6: the writes of all VMs of a group are numbered in one sequence. A point is consistent when it holds, with
 * every write, all that were before it, on whichever VM: it is cut from the beginning of the sequence.
 */
export interface GroupWrite {
  /** Place in the sequence of the group; no two writes share one. */
  sequence: number;
  vmId: string;
}

/** The writes in order. @throws `Refused` DR-6 when two share a place, or a place is no number */
export function inSequence<W extends GroupWrite>(writes: readonly W[]): W[] {
  const ordered = [...writes].sort((a, b) => a.sequence - b.sequence);
  const bad = ordered.find((w, i) => !Number.isSafeInteger(w.sequence) || w.sequence === ordered[i - 1]?.sequence);
  if (bad)
    throw new Refused({
      rule: 'DR-6',
      reason: `the place ${bad.sequence} of a write of ${bad.vmId} is no whole number, or is taken`,
      fix: 'number the writes of all VMs of the group in one sequence',
      figures: { sequence: bad.sequence, vmId: bad.vmId },
    });
  return ordered;
}

/** Every consistent point of the group, from the one without writes to the one with all. @throws `Refused` DR-6 */
export function consistencyPoints<W extends GroupWrite>(writes: readonly W[]): W[][] {
  const ordered = inSequence(writes);
  return Array.from({ length: ordered.length + 1 }, (_, length) => ordered.slice(0, length));
}

/**
 * The writes that a point lacks although it holds a later one; none when it is consistent.
 * @throws `Refused` DR-6 when the point holds a write that the group did not make
 */
export function missing<W extends GroupWrite>(writes: readonly W[], point: ReadonlySet<number>): W[] {
  const ordered = inSequence(writes);
  const made = new Set(ordered.map((w) => w.sequence));
  for (const sequence of point)
    if (!made.has(sequence))
      throw new Refused({
        rule: 'DR-6',
        reason: `the point holds write ${sequence}, which the group did not make`,
        fix: 'compare a point with the writes of its own group',
        figures: { sequence },
      });
  const newest = Math.max(Number.NEGATIVE_INFINITY, ...point);
  return ordered.filter((w) => w.sequence < newest && !point.has(w.sequence));
}

/** The newest consistent point that can be made of the writes that have arrived: up to the first gap. @throws `Refused` DR-6 */
export function newestPoint<W extends GroupWrite>(writes: readonly W[], arrived: ReadonlySet<number>): W[] {
  const ordered = inSequence(writes);
  const gap = ordered.findIndex((w) => !arrived.has(w.sequence));
  return gap < 0 ? ordered : ordered.slice(0, gap);
}
