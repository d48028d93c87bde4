/**
 * Switches a fenced host on again. That it serves is found by the probe, which has it reconciled.
 *
 *   PowerOn -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. PowerOn  the power controller obeys   undo: let go of the host; a host without a claim can be ordered again
 * 2. Finish   let go of the host           undo: none, it is the end
 *
 * Unwinding leaves the host fenced, off or on: either is safe, as nothing is placed on a fenced host.
 */
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';

export const STEPS: StepTable = {
  powerOn: { percent: 20, do: powerOn, undo: letGo },
  finish: { percent: 90, do: finish, undo: { none: 'it is the last step' } },
};

async function powerOn(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await new Inventory(deps.store, SYSTEM).host(state.hostId as string);
  const [result] = await deps.port.powerOnHosts(host.siteId, [host.id]);
  if (result?.outcome !== 'confirmed') throw new TryAgain(`the power controller of ${host.id} cannot be reached`);
  return {};
}

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  await letGo(state, deps);
  await new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    { ok: true, result: { hostId: state.hostId as string } },
    deps.clock,
  );
  return {};
}

async function letGo(state: State, deps: StepDeps): Promise<void> {
  const host = await new Inventory(deps.store, SYSTEM).host(state.hostId as string);
  if (host.claim !== state.operationId) return;
  await deps.store.update(keys.host(host.clusterId, host.id), {
    set: { power: 'booting' },
    remove: ['claim'],
    add: { version: 1 },
    ...stillMine(state),
  });
}

/** Whoever has taken the host since is not disturbed; the step is repeated, and finds it gone. */
const stillMine = (state: State) => ({
  condition: '#claim = :mine',
  names: { '#claim': 'claim' },
  values: { ':mine': state.operationId },
  onFail: () => new TryAgain('the host is held by somebody else now'),
});
