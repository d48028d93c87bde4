import type { IncidentLine } from '../../shared/model/incident.ts';
import type { Vm } from '../../shared/model/vm.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { heldVms } from '../vm/records.ts';
import { NO_TRIES, type Tries } from './retry.ts';

/** The VM while this execution recovers it. */
export type Own = Vm & { hostId: string };

/**
 * The VM, or undefined when it is not ours any more: the recovery of a host gives it an epoch of its own, takes it off its
 * host or lets it rest.
 */
export async function ownVm(state: State, deps: StepDeps): Promise<Own | undefined> {
  const [vm] = await heldVms(state, deps);
  return vm?.state === 'faultResuming' && vm.hostId !== null && vm.guestFault?.epoch === vm.epoch
    ? (vm as Own)
    : undefined;
}

/** How the recovery came out. */
export type Outcome = 'recovered' | 'well' | 'failed' | 'takenOver';
export const TAKEN_OVER = { next: 'report', outcome: 'takenOver' satisfies Outcome };

export const triesOf = (state: State): Tries => (state.tries as Tries | undefined) ?? NO_TRIES;
export const linesOf = (state: State): IncidentLine[] => (state.lines as IncidentLine[] | undefined) ?? [];

/** The timeline with one more line; it is kept in the state, and written with the end. */
export const noted = (state: State, at: number, what: string, detail?: string): { lines: IncidentLine[] } => ({
  lines: [...linesOf(state), { at, what, ...(detail ? { detail } : {}) }],
});
