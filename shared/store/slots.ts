import type { Cluster, SlotNotes } from '../model/inventory.ts';
import { type Amount, extraSlots } from '../placement/load.ts';
import { keys } from './keys.ts';
import type { OnFail, Transaction } from './transaction.ts';

export const NO_SLOTS: SlotNotes = { mhz: 0, memoryMiB: 0, extra: 0, changes: 0 };

/**
 * Has the cluster note VMs that are about to take more than it knows of (HA-13), with what each took before. Writes
 * nothing where slots are not counted, or where nothing is larger: the item of the cluster is not in everybody's way.
 */
export function noteSlots(
  tx: Transaction,
  { id, ha: { admission }, slots }: Cluster,
  vms: readonly { before?: Amount; need: Amount }[],
  onFail: OnFail,
): void {
  if (admission.kind !== 'slots') return;
  const cap = admission.slotCap;
  const known = slots ?? NO_SLOTS;
  const more = vms.reduce(
    (sum, { before, need }) => sum + Math.max(0, extraSlots(need, cap) - (before ? extraSlots(before, cap) : 0)),
    0,
  );
  const after: SlotNotes = {
    mhz: Math.max(known.mhz, ...vms.map((v) => v.need.mhz)),
    memoryMiB: Math.max(known.memoryMiB, ...vms.map((v) => v.need.memoryMiB)),
    extra: known.extra + more,
    changes: known.changes + 1,
  };
  if (after.mhz === known.mhz && after.memoryMiB === known.memoryMiB && more === 0) return;
  writeSlots(tx, id, slots, after, onFail);
}

/** Replaces what was noted, if nobody has changed it since it was read. */
export function writeSlots(
  tx: Transaction,
  clusterId: string,
  read: SlotNotes | undefined,
  slots: SlotNotes,
  onFail: OnFail,
): void {
  tx.update(keys.cluster(clusterId), {
    set: { slots },
    condition: read ? '#slots.#changes = :read' : 'attribute_exists(pk) AND attribute_not_exists(#slots)',
    names: { '#slots': 'slots', ...(read ? { '#changes': 'changes' } : {}) },
    values: read ? { ':read': read.changes } : {},
    onFail,
  });
}
