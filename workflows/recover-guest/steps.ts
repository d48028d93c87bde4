/**
 * Restarts a VM whose guest has crashed or hung, on its own host or on another one (HA-1; S3, vmFault).
 *
 *   Stop -> Place -> Start -> WaitForBoot -> Confirm -> Report
 *    ^ |      |        |                      |  |        ^
 *    | +------+--------+----------------------|--+--------+   works again, taken over, given up
 *    +----------------------------------------+ it failed again
 *
 * 1. Stop     its process, and no other, is surely over; or the guest works again   undo: none, see below
 * 2. Place    a new epoch and a place, or the limits are reached (HA-9, HA-17)      undo: none, an epoch is never taken back
 * 3. Start    rebuild from the saved specification, all volumes (HA-4, HA-5)        undo: none
 * 4. Confirm  seen running (HA-21), or once more                                    undo: none
 * 5. Report   let go of the VM, close the incident with its timeline (HA-22)        undo: settle the VM as it is seen
 *
 * Only the instance is fenced, never its host. A host that cannot be asked is waited for: it answers again, or its own
 * recovery takes the VM over, and this work lets go of it. Unwinding leaves the VM running where its process stands, in
 * whatever way its guest is, so that the next probe goes on with it within the limit of restarts; where there is no
 * process it is in error: `unknown`, with reason and alarm, to be stopped and started by its owner.
 */
import { SECOND } from '../../shared/kernel/clock.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { causeOf, publicWords, type State, type StepDeps, type StepTable, TryAgain } from '../engine/step-table.ts';
import { startOrder } from '../vm/start.ts';
import { placeVm } from './place.ts';
import { noted, type Outcome, type Own, ownVm, TAKEN_OVER, triesOf } from './records.ts';
import { failedOn } from './retry.ts';
import { settle } from './settle.ts';

/** After a start that was refused, before the next one, s. Declared: what a host lacks for a moment may be there then. */
const REFUSED_PAUSE_S = 20;

export const STEPS: StepTable = {
  stop: { percent: 5, do: stop, undo: { none: 'a process that has ended cannot be brought back as it was' } },
  place: { percent: 20, do: placeVm, undo: { none: 'an epoch is never taken back' } },
  start: { percent: 30, do: start, undo: { none: 'what was started is seen when the VM is settled' } },
  confirm: { percent: 80, do: confirm, undo: { none: 'it only looks' } },
  report: { percent: 95, do: report, undo: settleAsSeen },
};

async function stop(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await ownVm(state, deps);
  if (!vm) return TAKEN_OVER;
  if (state.fault === 'hung' && triesOf(state).failed === 0 && (await worksAgain(vm, deps)))
    return { next: 'report', outcome: 'well', why: 'the guest went on by itself before it was stopped' };
  await stopProcess(vm, deps);
  const line = noted(state, deps.clock.now(), 'stopped', `confirmed by its host ${vm.hostId}`);
  const origin = state.origin ?? vm.hostId;
  return { next: 'place', stopped: vm.epoch, stoppedOn: vm.hostId, origin, ...line };
}

/** Of this epoch and of older ones; a start of them that comes late is refused from then on. */
async function stopProcess(vm: Own, { port }: StepDeps): Promise<void> {
  const [result] = await port.stopVms(vm.siteId, [{ vmId: vm.id, hostId: vm.hostId, epoch: vm.epoch }]);
  if (result?.outcome !== 'stopped' && result?.outcome !== 'absent')
    throw new TryAgain(`host ${vm.hostId} does not confirm that it has stopped: ${result?.outcome}`);
}

/** A hang may end by itself while its host could not be asked. Its process must stand, and its driver be heard again. */
async function worksAgain(vm: Own, { port }: StepDeps): Promise<boolean> {
  const [seen] = await port.inspectVms(vm.siteId, [{ vmId: vm.id, hostId: vm.hostId }]);
  if (seen?.state !== 'running' || seen.epoch !== vm.epoch) return false;
  const beat = (await port.heartbeats(vm.siteId)).find((b) => b.hostId === vm.hostId);
  return beat !== undefined && !beat.guests?.some((g) => g.vmId === vm.id && g.epoch === vm.epoch);
}

/** @throws TryAgain while the host cannot be asked: it comes back, or its own recovery takes the VM over. */
async function start(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await ownVm(state, deps);
  if (!vm) return TAKEN_OVER;
  const [result] = await deps.port.startVms(vm.siteId, [startOrder(vm, vm.hostId)]);
  if (!result || result.outcome === 'unreachable') throw new TryAgain(`host ${vm.hostId} cannot be asked`);
  const now = deps.clock.now();
  if (result.readyAt === undefined)
    return { next: 'confirm', bootSeconds: REFUSED_PAUSE_S, ...noted(state, now, 'start refused', result.reason) };
  const bootSeconds = Math.max(1, Math.ceil((result.readyAt - now) / SECOND));
  return { next: 'confirm', bootSeconds, readyAt: result.readyAt, ...noted(state, now, 'started') };
}

async function confirm(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await ownVm(state, deps);
  if (!vm) return TAKEN_OVER;
  const [seen] = await deps.port.inspectVms(vm.siteId, [{ vmId: vm.id, hostId: vm.hostId }]);
  if (!seen || seen.state === 'unreachable') throw new TryAgain(`host ${vm.hostId} cannot be asked`);
  if (seen.epoch === vm.epoch) {
    if (seen.state === 'running') return { next: 'report', outcome: 'recovered' };
    if (seen.state === 'starting') throw new TryAgain('its guest still boots');
  }
  const crashed = seen.epoch === vm.epoch && seen.state === 'crashed';
  const words = crashed ? 'its guest crashed again as it booted' : 'there is no process of it';
  const tries = failedOn(triesOf(state), vm.hostId);
  return { next: 'stop', tries, ...noted(state, deps.clock.now(), 'start failed', words) };
}

async function report(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const outcome = await settle(state, state.outcome as Outcome, String(state.why ?? ''), deps);
  await new Operations(deps.store, SYSTEM).finish(state.operationId, endOf(outcome, state), deps.clock);
  return {};
}

const endOf = (outcome: Outcome, state: State): Parameters<Operations['finish']>[1] =>
  outcome === 'failed'
    ? { ok: false, error: { code: 'recovery-failed', message: publicWords(String(state.why)) } }
    : { ok: true, result: { vms: state.vms, outcome } };

/** What is seen decides. A host that cannot be asked is waited for, not guessed at. */
async function settleAsSeen(state: State, deps: StepDeps): Promise<void> {
  const why = `the recovery was given up: ${causeOf(state.error).message}`;
  const vm = await ownVm(state, deps);
  if (!vm) return void (await settle(state, 'takenOver', why, deps));
  const [seen] = await deps.port.inspectVms(vm.siteId, [{ vmId: vm.id, hostId: vm.hostId }]);
  if (!seen || seen.state === 'unreachable') throw new TryAgain(`host ${vm.hostId} cannot be asked`);
  const stands = seen.epoch === vm.epoch && seen.state !== 'dead' && seen.state !== 'absent';
  if (stands && seen.state === 'starting') throw new TryAgain('its guest still boots');
  if (!stands) await stopProcess(vm, deps);
  await settle(state, stands ? 'well' : 'failed', why, deps);
}
