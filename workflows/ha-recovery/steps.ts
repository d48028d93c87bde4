/**
 * Brings the VMs of hosts that failed together back, without ever running one twice. One execution at a time works on an
 * incident; what it does for many VMs it does in waves.
 *
 *   Assess -> Verdict? --alive, partitioned, unreachable--------------------------------> Report
 *               | dead                                                                      ^
 *             Fence -> Fenced? --no--> WaitForLease -> Fence                                |
 *               | yes                                                                       |
 *             Plan -> Open? --none----------------------------------------------------------+
 *               ^       | some                                                              |
 *               |     Start -> WaitForBoot -> Confirm -> Left? --none-----------------------+
 *               |                   ^                      | |
 *               |                   +---- some boot still -+ |
 *               +------------------ starts failed -----------+
 *
 * 1. Assess   ask the second channel (HA-6)                       undo: let go of the incident
 * 2. Fence    the hosts surely run nothing (HA-7)                 undo: none, a fence is never taken back
 * 3. Plan     new epoch and place for each VM, in waves (HA-9)    undo: none, see below
 * 4. Start    rebuild from the saved specification (HA-4, HA-5)   undo: none
 * 5. Confirm  seen running (HA-21), or back to Plan               undo: none
 * 6. Report   close the incident, or keep it open for what waits  undo: none
 *
 * Assess and Fence give hosts that differ an incident of their own, so that nobody waits for another one's fence.
 *
 * A recovery is not undone but gone on with: when a pass breaks, its incident is let go of and the next probe starts
 * another pass, which finds every VM by the index of the failed hosts and in the parts of the incident. The claim of the
 * incident makes sure that one pass runs at a time.
 */
import type { StepTable } from '../engine/step-table.ts';
import { assessHosts } from './assess.ts';
import { confirm } from './confirm.ts';
import { fence } from './fence.ts';
import { plan } from './place.ts';
import { letGo, report } from './report.ts';
import { start } from './start.ts';

export const STEPS: StepTable = {
  assess: { percent: 5, do: assessHosts, undo: letGo },
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
