/**
 * Moves every VM off a host by live migration; then the host is in maintenance (ELA-6, MIG-10).
 *
 *   Evacuate -> Enter -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. Evacuate  a migration for each VM, until nothing is left   undo: the host takes VMs again
 * 2. Enter     maintenance, in one write, if it is empty        undo: out of maintenance; the next probe reconciles it
 * 3. Finish    let go of the host                               undo: none, it is the end
 *
 * Unwinding leaves the host serving, with what has not been moved. The request has said that nothing new is placed there;
 * a host that fails meanwhile is recovered like any other, and is not emptied any more.
 */
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import type { State, StepDeps, StepTable } from '../engine/step-table.ts';
import { enterMaintenance, evacuate, leaveMaintenance, stopDraining } from '../host/evacuate.ts';
import { hostKey, hostOf, stillMine } from '../host/records.ts';

export const STEPS: StepTable = {
  evacuate: { percent: 5, do: evacuate, undo: stopDraining },
  enter: { percent: 90, do: enterMaintenance, undo: leaveMaintenance },
  finish: { percent: 95, do: finish, undo: { none: 'it is the last step' } },
};

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await hostOf(state, deps);
  if (host.claim === state.operationId)
    await deps.store.update(hostKey(host), { remove: ['claim'], add: { version: 1 }, ...stillMine(state) });
  const result = { hostId: host.id };
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result }, deps.clock);
  return {};
}
