/**
 * Adds hardware to a host without stopping a VM (ELA-6).
 *
 *   Evacuate -> Enter -> PowerOff -> Install -> PowerOn -> AwaitHost -> Reconcile -> Finish
 *       \________________________________________________________________________/
 *                                  Unwind -> Failed
 *
 * 1. Evacuate   a migration for each VM, until nothing is left   undo: the host takes VMs again
 * 2. Enter      maintenance, in one write, if it is empty        undo: out of maintenance; the next probe reconciles it
 * 3. PowerOff   confirmed by its power controller                undo: power on again, and wait until it answers
 * 4. Install    the hardware; the ledger follows at once         undo: taken out, unless the ledger has followed
 * 5. PowerOn    confirmed by its power controller                undo: none, that of step 3 is the same
 * 6. AwaitHost  its heartbeats                                   undo: none, nothing was changed
 * 7. Reconcile  nothing runs there; its settings are told        undo: none, it is reconciled before it serves
 * 8. Finish     online                                           undo: none, it is the end
 *
 * Unwinding leaves the host serving, with the new hardware where it was installed. One that does not come up again stays
 * in maintenance, with the reason. Nothing is powered off while a VM is left on the host.
 */
import type { Expandable } from '../../shared/model/inventory.ts';
import { type Host, hostMachine } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { emit, Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { enterMaintenance, evacuate, leaveMaintenance, stopDraining } from '../host/evacuate.ts';
import { reconcileHost } from '../host/reconcile.ts';
import { claimedHost, hostKey, hostOf, stillMine } from '../host/records.ts';
import { adopt, hasHardware } from './adopt.ts';
import { bringBack, hasComeUp } from './power.ts';

export const STEPS: StepTable = {
  evacuate: { percent: 5, do: evacuate, undo: stopDraining },
  enter: { percent: 50, do: enterMaintenance, undo: leaveMaintenance },
  powerOff: { percent: 55, do: powerOff, undo: bringBack },
  install: { percent: 65, do: install, undo: takeOut },
  powerOn: { percent: 75, do: powerOn, undo: { none: 'that of powerOff switches it on' } },
  awaitHost: { percent: 80, do: awaitHost, undo: { none: 'it changes nothing' } },
  reconcile: { percent: 90, do: reconcile, undo: { none: 'the host is reconciled again before it serves' } },
  finish: { percent: 95, do: finish, undo: { none: 'it is the last step' } },
};

const afterOf = (state: State) => state.hardware as Expandable;
const beforeOf = (state: State) => state.before as Expandable;

async function powerOff(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await claimedHost(state, deps);
  const [result] = await deps.port.fenceHosts(host.siteId, [host.id]);
  if (result?.outcome !== 'confirmed') throw new TryAgain(`the power controller of ${host.id} cannot be reached`);
  await note(host, 'off', state, deps);
  return {};
}

async function note(host: Host, power: Host['power'], state: State, { store }: StepDeps): Promise<void> {
  if (host.power !== power)
    await store.update(hostKey(host), { set: { power }, add: { version: 1 }, ...stillMine(state) });
}

async function install(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await claimedHost(state, deps);
  const [result] = await deps.port.changeHardware(host.siteId, [{ hostId: host.id, ...afterOf(state) }]);
  if (result?.outcome !== 'done') throw new GiveUp('not-installed', result?.reason ?? 'the site gave no answer');
  await adopt(host, afterOf(state), state, deps);
  return {};
}

/** What the ledger does not know of must not stay, or hosts would differ from what is believed of them. */
async function takeOut(state: State, deps: StepDeps): Promise<void> {
  const host = await hostOf(state, deps);
  if (host.claim !== state.operationId || host.power !== 'off' || hasHardware(host, afterOf(state))) return;
  await deps.port.changeHardware(host.siteId, [{ hostId: host.id, ...beforeOf(state) }]);
}

async function powerOn(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await claimedHost(state, deps);
  const [result] = await deps.port.powerOnHosts(host.siteId, [host.id]);
  if (result?.outcome !== 'confirmed') throw new TryAgain(`the power controller of ${host.id} cannot be reached`);
  await note(host, 'booting', state, deps);
  return {};
}

async function awaitHost(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await claimedHost(state, deps);
  if (!(await hasComeUp(host, deps))) throw new TryAgain(`host ${host.id} has not come up yet`);
  return {};
}

async function reconcile(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  return { ...(await reconcileHost(await claimedHost(state, deps), deps)) };
}

async function finish(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const host = await hostOf(state, deps);
  if (host.claim === state.operationId) await serve(host, state, deps);
  const { hardware, before } = state;
  const result = { hostId: host.id, before, after: hardware };
  await new Operations(deps.store, SYSTEM).finish(state.operationId, { ok: true, result }, deps.clock);
  return {};
}

async function serve(host: Host, state: State, deps: StepDeps): Promise<void> {
  const now = deps.clock.now();
  const tx = new Transaction().update(hostKey(host), {
    set: {
      state: hostMachine.next(hostMachine.next(host.state, 'exitMaintenance'), 'reconciled'),
      power: 'on',
      seenAt: now,
      servesSince: state.lookedAt as number,
    },
    add: { version: 1 },
    remove: ['claim', 'reason'],
    ...stillMine(state),
  });
  const data = { killed: state.killed ?? 0, expanded: true };
  emit(tx, { id: deps.ids.make('event'), type: 'host.online', at: now, subject: host.id, data });
  await deps.store.commit(tx);
}
