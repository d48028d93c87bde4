import { demandOf, SEAT } from '../../shared/hypervisor/demand.ts';
import { sumOf } from '../../shared/model/amounts.ts';
import type { HostState } from '../../shared/model/inventory.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { keys } from '../../shared/store/keys.ts';
import { giveHost } from '../../shared/store/ledger.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type StepDeps, TryAgain } from '../engine/step-table.ts';
import { unchanged, vmKey } from './records.ts';

/** VMs that one transaction enters or hands over, with the hosts that they are on. */
const VMS_PER_TRANSACTION = 40;
/** On a host in one of these states a VM is found by the recovery that may follow: it looks when the fence is confirmed. */
const FOUND_THERE: readonly HostState[] = ['online', 'suspect', 'fencing'];

export const notEntered = (vm: Vm): boolean => vm.runsOn !== vm.hostId;

/** The host is not what it was when the VM got its place. */
class NotThere extends Error {
  readonly state: HostState | undefined;
  constructor(state: HostState | undefined) {
    super(`the host is ${state ?? 'gone'}`);
    this.state = state;
  }
}

/**
 * Enters VMs in the index by host, before their start is ordered. Where the host was fenced since they got their place
 * there, its recovery has looked already: they are handed over to it as if it had found them. Answers those that are
 * entered.
 * @throws TryAgain while a host is looked at after its return
 */
export async function enterHosts(vms: readonly Vm[], deps: StepDeps): Promise<Vm[]> {
  const missing = vms.filter(notEntered);
  const handedOver = new Set<string>();
  for (let i = 0; i < missing.length; i += VMS_PER_TRANSACTION) {
    const some = missing.slice(i, i + VMS_PER_TRANSACTION);
    try {
      await deps.store.commit(entry(some));
    } catch (error) {
      if (!(error instanceof NotThere)) throw error;
      for (const vm of await hostByHost(some, deps)) handedOver.add(vm.id);
    }
  }
  return vms.filter((vm) => !handedOver.has(vm.id));
}

/** One of their hosts is not what it was: each is looked at by itself. Answers the VMs that were handed over. */
async function hostByHost(vms: readonly Vm[], { store }: StepDeps): Promise<Vm[]> {
  const handedOver: Vm[] = [];
  for (const [hostId, some] of Map.groupBy(vms, (vm) => vm.hostId as string)) {
    try {
      await store.commit(entry(some));
    } catch (error) {
      if (!(error instanceof NotThere)) throw error;
      if (error.state !== 'fenced' && error.state !== 'gone') throw new TryAgain(`host ${hostId} is ${error.state}`);
      await store.commit(handOver(hostId, some));
      handedOver.push(...some);
    }
  }
  return handedOver;
}

function entry(vms: readonly Vm[]): Transaction {
  const states = Object.fromEntries(FOUND_THERE.map((state) => [`:${state}`, state]));
  const tx = new Transaction();
  for (const [hostId, some] of Map.groupBy(vms, (vm) => vm.hostId as string)) {
    tx.check(
      keys.host((some[0] as Vm).clusterId, hostId),
      `#state IN (${Object.keys(states).join(', ')})`,
      (found) => new NotThere(found?.state as HostState | undefined),
      states,
      'control',
      { '#state': 'state' },
    );
    for (const vm of some) tx.update(vmKey(vm), { set: { runsOn: hostId }, ...unchanged(vm) });
  }
  return tx;
}

/** No process of them was ever ordered there: the recovery gives them another place. */
function handOver(hostId: string, vms: readonly Vm[]): Transaction {
  const { clusterId } = vms[0] as Vm;
  const tx = new Transaction();
  for (const vm of vms) {
    const state = vmMachine.next(vm.state, 'hostFault');
    const reason = 'its host failed before it was started there';
    tx.update(vmKey(vm), {
      set: { state, hostId: null, runsOn: hostId, reason },
      add: { version: 1 },
      remove: ['recovery', ...SEAT],
      ...unchanged(vm),
    });
  }
  giveHost(tx, { clusterId, id: hostId }, sumOf(vms.map(demandOf)), {
    callsRecovery: `${vms[0]?.id}/${vms[0]?.version}`,
  });
  return tx;
}
