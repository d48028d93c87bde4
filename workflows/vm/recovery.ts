import { type Vm, vmMachine, waitsForRoom } from '../../shared/model/vm.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { heldVms, unchanged, vmKey } from './records.ts';

/**
 * Takes over from a recovery the VMs that are wanted stopped or gone (HA-20). One that waits for room runs nowhere, and
 * no recovery starts what is wanted stopped; one that has come to run meanwhile is taken on from there.
 * @throws TryAgain while the recovery starts one, or cannot say where it runs
 */
export async function takeOver(state: State, deps: StepDeps, event: 'stop' | 'delete'): Promise<void> {
  for (const vm of await heldVms(state, deps)) {
    if (vm.state === 'faultResuming' && !waitsForRoom(vm))
      throw new TryAgain(`a recovery works on ${vm.id}; what was asked for takes effect after it`);
    if (vm.state === 'running' || (event === 'delete' && vm.state === 'faultResuming'))
      await move(vm, vmMachine.next(vm.state, event), deps);
    // Brought to rest by the recovery, since it was wanted stopped.
    else if (event === 'delete' && vm.state === 'stopped') await move(vm, vmMachine.next(vm.state, event), deps);
  }
}

const move = (vm: Vm, to: Vm['state'], { store }: StepDeps) =>
  store.commit(
    new Transaction().update(vmKey(vm), {
      set: { state: to },
      add: { version: 1 },
      remove: vm.hostId === null ? ['runsOn'] : [],
      ...unchanged(vm),
    }),
  );

/** What was asked for is given up: the recovery goes on as if it had not been. */
export async function handBack(vm: Vm, { store }: StepDeps, reason: string): Promise<void> {
  const set = { desired: 'running', ...(vm.state === 'running' ? { reason } : {}) };
  await store.commit(
    new Transaction().update(vmKey(vm), { set, add: { version: 1 }, remove: ['claim'], ...unchanged(vm) }),
  );
}
