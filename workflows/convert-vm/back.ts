import { demandOf, SEAT } from '../../shared/hypervisor/demand.ts';
import { nextEpoch, vmMachine } from '../../shared/model/vm.ts';
import { keys } from '../../shared/store/keys.ts';
import { giveHost } from '../../shared/store/ledger.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { unchanged, vmKey } from '../vm/records.ts';
import { startOrder } from '../vm/start.ts';
import { stopProcesses } from '../vm/stop.ts';
import { contents } from './copy.ts';
import { removeSource, seenRunning, settle } from './move.ts';
import { type Converting, changeOver, convertingVm, leave } from './records.ts';

/**
 * Gives a conversion up: the source runs again, then what is at the target is removed. Each pass does one thing and looks
 * again, so that it can be broken off anywhere.
 */
export async function takeBack(state: State, deps: StepDeps): Promise<void> {
  for (;;) {
    const vm = await convertingVm(state, deps);
    if (!vm) return;
    const why = `it was not converted: ${causeOf(state)}`;
    if (vm.conversion.stage === 'switched') await fromTarget(vm, why, deps);
    else if (vm.conversion.stage === 'confirmed')
      await (vm.reason ? leave(vm, deps, vm.reason) : removeSource(state, deps));
    else if (vm.state === 'migrating') await toSource(vm, why, deps);
    else if (vm.state === 'starting') await startSource(vm, why, deps);
    else return leave(vm, deps, why);
  }
}

const causeOf = (state: State): string =>
  (state.error as { Cause?: string } | undefined)?.Cause ?? 'no reason was given';

/**
 * The VM is its target already. If it runs there, the conversion goes on to its end. If not, its process is stopped for
 * sure; it goes back where nothing was written at the target, which the content of the volumes tells. What was written
 * is never given up for that: such a VM stays where its bytes are.
 */
async function fromTarget(vm: Converting, why: string, deps: StepDeps): Promise<void> {
  if (vm.state === 'faultResuming') throw new TryAgain(`${vm.id} is recovered from a failure of its host`);
  if (vm.state !== 'starting' || (await seenRunning(vm, deps))) return settle(vm, deps);
  await stopProcesses([vm], deps);
  const written = (await contents(vm, deps)).some((s) => s.own !== s.other);
  if (!written) return deps.store.commit(changeOver(vm, 'copying', vmMachine.next(vm.state, 'switchBack')));
  await rest(vm, `${why}; it had written at its target, so it is there, stopped`, deps, {
    'conversion.stage': 'confirmed',
  });
}

/** The source is stopped, unless the conversion failed before that. What a recovery has taken off its host, it gets back. */
async function toSource(vm: Converting, reason: string, deps: StepDeps): Promise<void> {
  const change = (set: object, epoch = 0) =>
    deps.store.commit(
      new Transaction().update(vmKey(vm), {
        set: { ...set, reason },
        add: { version: 1, ...(epoch ? { epoch } : {}) },
        ...unchanged(vm),
      }),
    );
  if (vm.desired === 'stopped') return change({ state: vmMachine.next(vm.state, 'coldMigrateFailed') });
  if (vm.hostId === null) return toRecovery(vm, reason, deps);
  const [seen] = await deps.port.inspectVms(vm.siteId, [{ vmId: vm.id, hostId: vm.hostId }]);
  if (!seen || seen.state === 'unreachable') throw new TryAgain(`host ${vm.hostId} cannot be asked`);
  const alive = seen.epoch === vm.epoch && seen.state !== 'dead' && seen.state !== 'absent';
  if (alive) return change({ state: vmMachine.next(vm.state, 'migrateFailed') });
  return change({ state: vmMachine.next(vm.state, 'restart') }, nextEpoch(vm) - vm.epoch);
}

/** Its host failed while it was stopped for the conversion: high availability starts it, or lets it wait with an alarm. */
async function toRecovery(vm: Converting, reason: string, { store }: StepDeps): Promise<void> {
  const tx = new Transaction().update(vmKey(vm), {
    set: { state: vmMachine.next(vm.state, 'hostFault'), reason },
    add: { version: 1 },
    ...unchanged(vm),
  });
  // The recovery of that host may be over: it is asked for another pass.
  if (vm.runsOn)
    tx.update(keys.host(vm.clusterId, vm.runsOn), {
      set: { callsRecovery: `${vm.id}/${vm.epoch}` },
    });
  await store.commit(tx);
}

async function startSource(vm: Converting, reason: string, deps: StepDeps): Promise<void> {
  const [started] = await deps.port.startVms(vm.siteId, [startOrder(vm, vm.hostId as string)]);
  if (started?.outcome === 'refused')
    return rest(vm, `${reason}; it could not be started again: ${started.reason}`, deps);
  if (!(await seenRunning(vm, deps))) throw new TryAgain(`${vm.id} is not yet seen running again on ${vm.hostId}`);
  const tx = new Transaction().update(vmKey(vm), {
    set: { state: vmMachine.next(vm.state, 'startDone'), reason },
    add: { version: 1 },
    ...unchanged(vm),
  });
  await deps.store.commit(tx);
}

/** Its start has failed: it rests as stopped, and its host is given back. */
async function rest(vm: Converting, reason: string, { store }: StepDeps, set: object = {}): Promise<void> {
  const tx = new Transaction().update(vmKey(vm), {
    set: { state: vmMachine.next(vm.state, 'startFailed'), desired: 'stopped', hostId: null, reason, ...set },
    add: { version: 1 },
    remove: ['runsOn', ...SEAT],
    ...unchanged(vm),
  });
  if (vm.hostId) giveHost(tx, { clusterId: vm.clusterId, id: vm.hostId }, demandOf(vm));
  await store.commit(tx);
}
