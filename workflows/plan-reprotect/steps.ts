/**
 * Protects the VMs of a plan the other way round after a switch (DR-12): the site that they came from becomes the target.
 *
 *   InspectOld -> Reverse -> AwaitCopy -> Copied? --wait--> WaitForCopy -> AwaitCopy
 *                                            | done
 *                                        EndReprotection
 *
 * 1. InspectOld       nothing there may be written, or lost by it (DR-14)  undo: plan and groups are let go of
 * 2. Reverse          legs, lease, and the order to the new primary        undo: none
 * 3. AwaitCopy        the first complete point at the old site             undo: none
 * 4. EndReprotection  states and record; let go                            undo: none
 *
 * What broke off is gone on with by the next one: unwinding leaves the VMs running and what was ordered ordered.
 */
import type { StepTable } from '../engine/step-table.ts';
import { awaitCopy, endReprotection, inspectOld, letGoReprotection, reverse } from '../recovery-plan/reprotect.ts';

export const STEPS: StepTable = {
  inspectOld: { percent: 5, do: inspectOld, undo: letGoReprotection },
  reverse: { percent: 20, do: reverse, undo: { none: 'what was ordered is kept; it protects the VMs' } },
  awaitCopy: { percent: 40, do: awaitCopy, undo: { none: 'it changes nothing' } },
  endReprotection: { percent: 95, do: endReprotection, undo: { none: 'it is the last step' } },
};
