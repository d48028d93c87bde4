/**
 * Turns a VM of a VMware pool into one of a FusionCompute pool (MIG-9, ARCH-19 "Rainbow").
 *
 *   Stop -> CreateVolumes -> Copy <-> More? -> Verify -> SwitchOver -> Start -> WaitForBoot -> Confirm -> RemoveSource
 *     \________________________________________________________________________________________/
 *                                            Unwind -> Failed
 *
 * 1. Stop           the source process ends and says so                     undo: see below
 * 2. CreateVolumes  empty volumes at the target, beside those of the source undo: with Stop
 * 3. Copy           block by block, a few pages for each turn of the loop   undo: with Stop
 * 4. Verify         one hash of each volume, the same at both sites         undo: with Stop
 * 5. SwitchOver     the VM is now its target; the source is held besides    undo: with Stop
 * 6. Start          order it at the target, if it ran before                undo: with Stop
 * 7. Confirm        seen running at the target                              undo: with Stop
 * 8. RemoveSource   delete the old volumes, give back what was held         undo: none, it is the end
 *
 * The request holds room for volumes and VM at the target; both places are held until the end, so that the source can
 * run again. Unwinding leaves the VM running at its source as it was, and nothing at the target; once it was seen running
 * at the target it goes on to the end instead. The undo is one piece, as its order is not that of the steps: the source
 * runs again first, and what is at a target that may be out of reach is removed then.
 */
import type { StepTable } from '../engine/step-table.ts';
import { orderStarts } from '../vm/start.ts';
import { takeBack } from './back.ts';
import { copy, createVolumes, verify } from './copy.ts';
import { confirm, removeSource, stop, switchOver } from './move.ts';

const WITH_STOP = { none: 'the undo of the first step does it all, in its own order' };

export const STEPS: StepTable = {
  stop: { percent: 5, do: stop, undo: takeBack },
  createVolumes: { percent: 10, do: createVolumes, undo: WITH_STOP },
  copy: { percent: 15, do: copy, undo: WITH_STOP },
  verify: { percent: 60, do: verify, undo: WITH_STOP },
  switchOver: { percent: 70, do: switchOver, undo: WITH_STOP },
  start: { percent: 75, do: orderStarts, undo: WITH_STOP },
  confirm: { percent: 85, do: confirm, undo: WITH_STOP },
  removeSource: { percent: 95, do: removeSource, undo: { none: 'it is the last step' } },
};
