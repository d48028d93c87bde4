/**
 * Brings the VMs of a failed host back, without ever running one twice.
 *
 *   Assess -> Verdict? --alive, partitioned, unreachable--------------------------------> Report
 *               | dead                                                                      ^
 *             Fence -> Fenced? --no--> WaitForLease -> Fence                                |
 *               | yes                                                                       |
 *             Plan -> Open? --none----------------------------------------------------------+
 *               ^       | some                                                              |
 *               |     Start -> WaitForBoot -> Confirm -> Left? --none-----------------------+
 *               +------------------------------------------| some
 *
 * 1. Assess   ask the second channel (HA-6)                       undo: none, it only asks
 * 2. Fence    the host surely runs nothing (HA-7)                 undo: none, a fence is never taken back
 * 3. Plan     new epoch and place for each VM, in waves (HA-9)    undo: none, see below
 * 4. Start    rebuild from the saved specification (HA-4, HA-5)   undo: none
 * 5. Confirm  seen running (HA-21), or back to Plan               undo: none
 * 6. Report   close the incident, or keep it open for what waits  undo: none
 *
 * A recovery is not undone but gone on with: when a pass breaks, its host is let go of and the next probe starts another
 * pass, which finds every VM by the index of the failed host. The host's claim makes sure that one pass runs at a time.
 */
import type { StepTable } from '../engine/step-table.ts';
import { assessHost, fence } from './fence.ts';
import { confirm, plan, start } from './recover.ts';
import { letGo, report } from './report.ts';

export const STEPS: StepTable = {
  assess: { percent: 5, do: assessHost, undo: letGo },
  fence: {
    percent: 10,
    do: fence,
    undo: { none: 'a fence is never taken back: only a reconciliation lets the host serve again' },
  },
  plan: { percent: 30, do: plan, undo: { none: 'an epoch is never taken back; the next pass goes on from it' } },
  start: { percent: 50, do: start, undo: { none: 'what was started is confirmed or stopped by the next pass' } },
  confirm: { percent: 80, do: confirm, undo: { none: 'what was seen running runs' } },
  report: { percent: 95, do: report, undo: { none: 'it is the last step' } },
};
