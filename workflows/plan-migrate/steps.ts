/**
 * Moves the VMs of a plan to the other site while both are up (DR-9); nothing is lost. With `rollback` it takes back one that
 * has stopped before the roles changed; with `then: reprotect` it goes on to protect them the other way round (failback).
 *
 *   Check -> Way? --over--> ShutDownWave -> Down? --wait, down--> WaitForStop -> ShutDownWave
 *              | back                         | done
 *              |        FinalSync -> Synced? --wait--> WaitForSync -> FinalSync
 *              |                        | done
 *              |        DemoteSource -> Demoted? --wait--> WaitForLast -> DemoteSource
 *              |                            | done
 *              |        Promote -> SwitchVms -> StartWave -> ConfirmWave (as in plan-failover) -> Report
 *              |                      ^                                                          | reprotect
 *              +----------------------+          InspectOld -> Reverse -> AwaitCopy -> EndReprotection
 *
 * 1. Check           both sites answer, every copy is fed; a roll-back gives the source its right back
 *                                                                   undo: everything, in its own order (below)
 * 2. ShutDownWave    the last to start first; they keep their room   undo: with Check
 * 3. FinalSync       all that was written is at the target           undo: with Check
 * 4. DemoteSource    the source says its last write                  undo: with Check
 * 5. Promote         at the point that holds that write              undo: none, from here on it is gone on with
 * 6. SwitchVms to Report, and the reprotection: none
 *
 * It stops at the first error before Promote: the source has the right to write again, what was shut down stays so until a
 * rerun or a roll-back. One that is cancelled before DemoteSource has ended is undone to the end: the VMs run as before.
 * A site that falls silent before Promote is such an error after a while: then VMs of which nothing can be known are let go of
 * as that, and a failover can take them.
 */
import type { StepTable } from '../engine/step-table.ts';
import { confirmWave } from '../recovery-plan/confirm.ts';
import { awaitCopy, endReprotection, inspectOld, reverse } from '../recovery-plan/reprotect.ts';
import { patient } from '../recovery-plan/silence.ts';
import { startWave } from '../recovery-plan/start.ts';
import { switchVms } from '../recovery-plan/switch.ts';
import { check } from './check.ts';
import { report, unwindMigration } from './end.ts';
import { demoteSource, finalSync, promote } from './hand-over.ts';
import { shutDownWave } from './shut-down.ts';

const WITH_CHECK = { none: 'the undo of the first step does it all, in its own order' };
const GONE_ON_WITH = { none: 'it is gone on with by a rerun; the first step lets go of everything' };

export const STEPS: StepTable = {
  check: { percent: 2, cancelable: true, do: patient(check), undo: unwindMigration },
  shutDownWave: { percent: 5, cancelable: true, do: patient(shutDownWave), undo: WITH_CHECK },
  finalSync: { percent: 20, cancelable: true, do: patient(finalSync), undo: WITH_CHECK },
  demoteSource: { percent: 30, cancelable: true, do: patient(demoteSource), undo: WITH_CHECK },
  promote: { percent: 40, do: promote, undo: { none: 'the right to write was given away; a failback brings it back' } },
  switchVms: { percent: 50, do: switchVms, undo: GONE_ON_WITH },
  startWave: { percent: 60, do: startWave, undo: GONE_ON_WITH },
  confirmWave: { percent: 70, do: confirmWave, undo: GONE_ON_WITH },
  report: { percent: 80, do: report, undo: GONE_ON_WITH },
  inspectOld: { percent: 82, do: inspectOld, undo: GONE_ON_WITH },
  reverse: { percent: 85, do: reverse, undo: GONE_ON_WITH },
  awaitCopy: { percent: 90, do: awaitCopy, undo: GONE_ON_WITH },
  endReprotection: { percent: 95, do: endReprotection, undo: { none: 'it is the last step' } },
};
