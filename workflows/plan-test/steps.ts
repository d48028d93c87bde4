/**
 * Tests a recovery plan (DR-8): copies of its VMs start at the recovery site, in networks that nobody else is in. Production
 * and its replication go on untouched.
 *
 *   CreateCopies -> CloneVolumes -> StartWave -> ConfirmWave (as in plan-failover) -> Report
 *
 * 1. CreateCopies  VMs of their own, with room, addresses, epochs  undo: see below
 * 2. CloneVolumes  all of a group at the same point (DR-6)         undo: with CreateCopies
 * 3. StartWave     one priority after the other (DR-11)            undo: with CreateCopies
 * 4. ConfirmWave   seen running, or tried on another host          undo: with CreateCopies
 * 5. Report        whether the test counts; let go                 undo: none
 *
 * Unwinding leaves a failed test to be cleaned up, with every copy at rest or running; one that was cancelled is removed.
 */
import type { StepTable } from '../engine/step-table.ts';
import { confirmWave } from '../recovery-plan/confirm.ts';
import { startWave } from '../recovery-plan/start.ts';
import { cloneVolumes } from './clone.ts';
import { createCopies } from './copies.ts';
import { letGo, report } from './end.ts';

const WITH_CREATE = { none: 'the undo of the first step does it all' };

export const STEPS: StepTable = {
  createCopies: { percent: 5, cancelable: true, do: createCopies, undo: letGo },
  cloneVolumes: { percent: 20, cancelable: true, do: cloneVolumes, undo: WITH_CREATE },
  startWave: { percent: 40, cancelable: true, do: startWave, undo: WITH_CREATE },
  confirmWave: { percent: 60, cancelable: true, do: confirmWave, undo: WITH_CREATE },
  report: { percent: 95, do: report, undo: { none: 'it is the last step' } },
};
