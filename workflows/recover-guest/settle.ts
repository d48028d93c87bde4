import { holdsOf, SEAT } from '../../shared/hypervisor/demand.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { raiseAlarm } from '../../shared/store/alarms.ts';
import { closeGuestIncident, type GuestEnd } from '../../shared/store/guest-incidents.ts';
import { keys } from '../../shared/store/keys.ts';
import { shiftHosts } from '../../shared/store/ledger.ts';
import { emit } from '../../shared/store/outbox.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { publicWords, type State, type StepDeps } from '../engine/step-table.ts';
import { heldVms, Moved, unchanged, vmKey } from '../vm/records.ts';
import { linesOf, type Outcome, ownVm } from './records.ts';

/** Lets go of the VM and closes the incident, in one transaction; repeating it changes nothing. */
export async function settle(state: State, outcome: Outcome, why: string, deps: StepDeps): Promise<Outcome> {
  const [held] = await heldVms(state, deps);
  const own = await ownVm(state, deps);
  const now = deps.clock.now();
  const incident = await deps.store.get<Incident>(keys.incident(String(state.incidentId)));
  const open = incident?.state === 'open';
  // Whatever it seemed to be: a VM that a recovery has taken over is that one's business. Or it was settled before.
  const end = own || (!held && !open) ? outcome : 'takenOver';
  const tx = new Transaction();
  if (own && end !== 'takenOver') {
    if (end === 'failed') await alarm(own, why, deps);
    tx.update(vmKey(own), { ...change(own, end, why), ...unchanged(own) });
    if (end === 'failed') shiftHosts(tx, () => own.clusterId, holdsOf(own), holdsOf({ ...own, hostId: null }));
    if (end === 'recovered')
      emit(tx, {
        id: deps.ids.make('event', tagOfTenant(own.tenantId)),
        type: 'vm.recovered',
        at: now,
        tenantId: own.tenantId,
        subject: own.id,
        data: { epoch: own.epoch },
      });
  } else if (held) tx.update(vmKey(held), letGo(held, state));
  if (open)
    closeGuestIncident(tx, incident, endOf(end, own ?? held, why, state, now), { event: deps.ids.make('event'), now });
  if (tx.actions.length > 0) await deps.store.commit(tx);
  return end;
}

function change(vm: Vm, end: Outcome, why: string): Pick<UpdateSpec, 'set' | 'add' | 'remove'> {
  if (end !== 'failed')
    return {
      set: { state: vmMachine.next(vm.state, 'recovered') },
      add: { version: 1 },
      remove: ['claim', 'guestFault', 'reason'],
    };
  const reason = `its guest could not be restarted: ${publicWords(why)}`;
  return {
    set: { state: vmMachine.next(vm.state, 'recoveryError'), hostId: null, reason },
    add: { version: 1 },
    remove: ['claim', 'guestFault', 'runsOn', ...SEAT],
  };
}

/**
 * The version stays: what a recovery is about to write of the VM is not disturbed. The stored state is not asked, since it
 * may lag behind the believed one (see withRecoveries); every change of it comes with a new version.
 */
const letGo = (vm: Vm, state: State): UpdateSpec => ({
  remove: ['claim', 'guestFault'],
  condition: '#claim = :mine AND #version = :versionWas',
  names: { '#version': 'version' },
  values: { ':mine': state.operationId, ':versionWas': vm.version },
  onFail: () => new Moved(vm.id),
});

/** Raised before the VM is in error, so that at no instant it lies there unnoticed. */
const alarm = (vm: Vm, why: string, { store, ids, clock }: StepDeps): Promise<void> =>
  raiseAlarm(
    store,
    ids,
    {
      code: 'vm-recovery-failed',
      object: vm.id,
      severity: 'critical',
      text: `The guest of VM ${vm.name} (${vm.id}) could not be restarted: ${why}. Stop it, and start it again`,
    },
    clock.now(),
  );

function endOf(end: Outcome, vm: Vm | undefined, why: string, state: State, now: number): GuestEnd {
  const lines = linesOf(state);
  const toHost = vm?.hostId ? { toHost: vm.hostId } : {};
  const readyAt = Number(state.readyAt ?? now);
  switch (end) {
    case 'recovered':
      return {
        state: 'closed',
        lines: [...lines, { at: readyAt, what: 'ready', detail: 'seen running' }],
        vm: { outcome: 'recovered', readyAt, ...toHost },
      };
    case 'well':
      return {
        state: 'falseAlarm',
        lines: [...lines, { at: now, what: 'nothing is restarted', detail: why }],
        vm: { outcome: 'recovered', reason: why, ...toHost },
      };
    case 'failed':
      return {
        state: 'closed',
        lines: [...lines, { at: now, what: 'given up', detail: why }],
        vm: { outcome: 'error', reason: why },
      };
    case 'takenOver': {
      const reason = vm ? `taken over by the recovery of its host: it is ${vm.state}` : 'there is no such VM any more';
      return {
        state: 'closed',
        lines: [...lines, { at: now, what: 'taken over', detail: reason }],
        vm: { outcome: 'stopped', reason },
      };
    }
  }
}
