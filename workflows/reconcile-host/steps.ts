/**
 * Lets a host that was away serve again (HA-18).
 *
 *   Reconcile -> Finish        (on failure: Unwind -> Failed)
 *
 * 1. Reconcile  read what runs there, kill what must not     undo: let go of the host; the next probe tries again
 * 2. Finish     online                                       undo: none, it is the end
 *
 * Until it has ended nothing is placed on the host; unwinding leaves the host reconciling.
 */
import { hostMachine } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { emit, Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { State, StepDeps, StepTable } from '../engine/step-table.ts';
import { reconcileHost } from '../host/reconcile.ts';
import { claimedHost, hostKey, hostOf, stillMine } from '../host/records.ts';

export const STEPS: StepTable = {
  reconcile: { percent: 10, do: reconcile, undo: letGo },
  finish: { percent: 80, do: finish, undo: { none: 'it is the last step' } },
};

async function reconcile(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  return { ...(await reconcileHost(await claimedHost(state, deps), deps)) };
}

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await claimedHost(state, deps);
  const now = deps.clock.now();
  const tx = new Transaction().update(hostKey(host), {
    set: {
      state: host.state === 'online' ? 'online' : hostMachine.next(host.state, 'reconciled'),
      power: 'on',
      seenAt: now,
      servesSince: state.lookedAt as number,
    },
    add: { version: 1 },
    remove: ['claim', 'reason'],
    ...stillMine(state),
  });
  emit(tx, {
    id: deps.ids.make('event'),
    type: 'host.online',
    at: now,
    subject: host.id,
    data: { killed: state.killed ?? 0 },
  });
  await deps.store.commit(tx);
  await new Operations(deps.store, SYSTEM).finish(
    state.operationId,
    { ok: true, result: { hostId: host.id, killed: state.killed ?? 0 } },
    deps.clock,
  );
  return {};
}

async function letGo(state: State, deps: StepDeps): Promise<void> {
  const host = await hostOf(state, deps);
  if (host.claim !== state.operationId) return;
  await deps.store.update(hostKey(host), { remove: ['claim'], add: { version: 1 }, ...stillMine(state) });
}
