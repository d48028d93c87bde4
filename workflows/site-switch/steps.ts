/**
 * Switches all recovery plans of a site, of all tenants, in their order (DR-2): when the site is lost, or to empty it.
 *
 *   ListPlans -> SwitchPlans -> Report        (on failure: Unwind -> Failed)
 *
 * 1. ListPlans    which plans, and in which order               undo: let go of the site; what was not begun is told
 * 2. SwitchPlans  passes: begins each as its tenant would       undo: none, each plan that was begun has its own way back
 * 3. Report       state, alarm; let go of the site              undo: none, it is the end
 *
 * Each plan is an execution of its own. Unwinding leaves those that were begun alone, and begins no other: the same
 * request again goes on with what is left.
 */
import type { StepTable } from '../engine/step-table.ts';
import { letGo, report } from './end.ts';
import { listPlans } from './list.ts';
import { switchPlans } from './pass.ts';

export const STEPS: StepTable = {
  listPlans: { percent: 5, do: listPlans, undo: letGo },
  switchPlans: {
    percent: 10,
    do: switchPlans,
    undo: { none: 'what was begun goes on by itself; the first step tells what was not' },
  },
  report: { percent: 95, do: report, undo: { none: 'it is the last step' } },
};
