import { MINUTE } from '../../shared/kernel/clock.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { assess } from '../../shared/model/liveness.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { hostKey, hostOf, stillMine } from '../host/records.ts';

/** How long a failed operation waits for its host to come up again, ms. Declared. */
const PATIENCE_MS = 5 * MINUTE;

/**
 * It answers, and its power controller says that it is up, since the last heartbeat may be from before it was switched
 * off. Where the controller cannot be asked, it is up if it was never switched off.
 */
export async function hasComeUp(host: Host, { port, clock }: StepDeps): Promise<boolean> {
  const beat = (await port.heartbeats(host.siteId)).find((b) => b.hostId === host.id);
  if (assess(beat, clock.now()) !== 'alive') return false;
  return beat?.power === 'on' || (beat?.power === 'unknown' && host.power === 'on');
}

/**
 * Switches the host on again and waits until it answers. One that cannot be switched on, or does not come up, is left in
 * maintenance, where nobody takes it for one that has failed.
 */
export async function bringBack(state: State, deps: StepDeps): Promise<void> {
  const host = await hostOf(state, deps);
  if (host.claim !== state.operationId || host.state !== 'maintenance') return;
  if (await hasComeUp(host, deps)) return;
  const [result] = await deps.port.powerOnHosts(host.siteId, [host.id]);
  const on = result?.outcome === 'confirmed';
  if (on && deps.clock.now() - (await failedAt(state, deps)) < PATIENCE_MS)
    throw new TryAgain(`host ${host.id} has not come up yet`);
  const reason = on
    ? 'it was switched on after a failed expansion and did not come up'
    : 'its expansion failed and its power controller cannot be reached to switch it on';
  await deps.store.update(hostKey(host), {
    set: { reason, power: on ? 'booting' : 'off' },
    remove: ['claim'],
    add: { version: 1 },
    ...stillMine(state),
  });
}

/** When the step that failed began: it may have waited for the host itself. */
async function failedAt(state: State, { store }: StepDeps): Promise<number> {
  const { steps, createdAt } = await new Operations(store, SYSTEM).get(state.operationId);
  return steps.at(-1)?.startedAt ?? createdAt;
}
