import type { Host } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import type { UpdateSpec } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';

export const hostOf = (state: State, { store }: StepDeps): Promise<Host> =>
  new Inventory(store, SYSTEM).host(state.hostId as string);

/** The host that this execution has claimed. @throws GiveUp when it has not, or has no more */
export async function claimedHost(state: State, deps: StepDeps): Promise<Host> {
  const host = await hostOf(state, deps);
  if (host.claim !== state.operationId)
    throw new GiveUp('not-ours', `host ${host.id} is held by ${host.claim ?? 'nobody'}`);
  return host;
}

/** The host must still be claimed by this execution. */
export const stillMine = (state: State): Pick<UpdateSpec, 'condition' | 'names' | 'values' | 'onFail'> => ({
  condition: '#claim = :mine',
  names: { '#claim': 'claim' },
  values: { ':mine': state.operationId },
  onFail: () => new TryAgain(`host ${state.hostId} changed meanwhile`),
});

export const hostKey = (host: Host) => keys.host(host.clusterId, host.id);
