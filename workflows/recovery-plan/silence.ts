import { PortTimeout } from '../../shared/hypervisor/port.ts';
import { MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import type { Execution } from '../../shared/model/execution.ts';
import { GiveUp, type State, type StepDeps } from '../engine/step-table.ts';
import { findCase, writeExecution } from './case.ts';

/** How long a site that both a plan and its undoing could do without is waited for before a step gives up, ms. Declared. */
export const SILENCE_PATIENCE_MS = 2 * MINUTE;
/** How long a silent site is waited for by whoever lets go of its VMs, ms: by then it is known to be silent. Declared. */
export const LET_GO_PATIENCE_MS = 30 * SECOND;
/** How long a silent host of a site that answers is, ms: longer than it takes to be fenced (HA-7). Declared. */
export const HOST_PATIENCE_MS = 4 * MINUTE;

/** Notes that a site does not answer, once; answers for how long it has not, ms. */
export async function silentFor(execution: Execution, { store, clock }: StepDeps): Promise<number> {
  const now = clock.now();
  if (execution.silentSince) return now - execution.silentSince;
  await writeExecution(store, execution, { silentSince: now });
  return 0;
}

/**
 * A step that asks sites: one that stays silent for long is no reason to wait on, but the error at which a planned migration
 * stops (DR-9). The longer it waits, the later a failover may begin.
 */
export const patient =
  (step: (state: State, deps: StepDeps) => Promise<Record<string, unknown>>) =>
  async (state: State, deps: StepDeps): Promise<Record<string, unknown>> => {
    const execution = async () => (await findCase(state, deps))?.execution;
    try {
      const answer = await step(state, deps);
      const after = await execution();
      if (after?.silentSince) await writeExecution(deps.store, after, { silentSince: 0 });
      return answer;
    } catch (error) {
      const found = error instanceof PortTimeout ? await execution() : undefined;
      if (found && (await silentFor(found, deps)) > SILENCE_PATIENCE_MS)
        throw new GiveUp('site-silent', `${(error as Error).message} for ${SILENCE_PATIENCE_MS / MINUTE} minutes`);
      throw error;
    }
  };
