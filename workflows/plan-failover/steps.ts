/**
 * Brings the VMs of a plan to the site that holds their copies, when the one where they are is lost (DR-10). It carries on
 * after errors of single groups and VMs, and reports them.
 *
 *   FenceOld -> Promote -> Fenced? --no--> WaitForLease -> Promote
 *                            | yes
 *                        SwitchVms -> StartWave -> Turn? --wait--> WaitForWord -> StartWave
 *                                       ^            | boot
 *                                       |        WaitForBoot -> ConfirmWave -> Turned? --boot--> WaitForBoot
 *                                       |                                         | start, after a delay
 *                                       +------------- WaitBetween <--------------+
 *                                                                                 | done
 *                                                                               Report
 *
 * 1. FenceOld     revoke the lease, tell the old site (DR-7)       undo: let go of everything, as it is
 * 2. Promote      the newest complete point, or the one asked for  undo: none, a right that was given is not taken back
 * 3. SwitchVms    epoch, seat, copy and addresses, in waves        undo: none
 * 4. StartWave    one priority after the other (DR-11)             undo: none
 * 5. ConfirmWave  seen running, or tried on another host           undo: none
 * 6. Report       states, alarm, record; let go                    undo: none
 *
 * A failover is not undone but gone on with: when it breaks off, plan and groups are let go of as partly recovered, and the
 * same action again does what is left. No VM is forgotten: each rests or runs where its bytes are.
 */
import type { StepTable } from '../engine/step-table.ts';
import { confirmWave } from '../recovery-plan/confirm.ts';
import { startWave } from '../recovery-plan/start.ts';
import { fenceOld, promote } from './fence.ts';
import { letGo, report } from './report.ts';
import { switchOver } from './switch-over.ts';

const GONE_ON_WITH = { none: 'it is gone on with by the next failover; the first step lets go of everything' };

export const STEPS: StepTable = {
  fenceOld: { percent: 5, do: fenceOld, undo: letGo },
  promote: {
    percent: 10,
    do: promote,
    undo: { none: 'the right to write was given away; taking it back could lose writes' },
  },
  switchVms: { percent: 30, do: switchOver, undo: GONE_ON_WITH },
  startWave: { percent: 50, do: startWave, undo: GONE_ON_WITH },
  confirmWave: { percent: 60, do: confirmWave, undo: GONE_ON_WITH },
  report: { percent: 95, do: report, undo: { none: 'it is the last step' } },
};
