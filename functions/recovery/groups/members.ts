import { type DomainError, invalid } from '../../../shared/kernel/errors.ts';
import type { Protection, Replica } from '../../../shared/model/protection.ts';
import { replicaHoldsOf } from '../../../shared/model/protection.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import { Raced } from '../../../shared/store/anew.ts';
import { keys } from '../../../shared/store/keys.ts';
import { DatastoreFull, LinkFull, shiftReplicas } from '../../../shared/store/ledger.ts';
import { MAX_ACTIONS, type Transaction } from '../../../shared/store/transaction.ts';
import { heldBy } from '../../http/refusals.ts';

/** Operation and idempotency record come on top of what a request puts together. */
const ON_TOP = 2;

/** @throws `operation-in-progress`: what works on a VM must not find it changed */
export function mustBeAtRest(vms: readonly Vm[]): void {
  const busy = vms.find((vm) => vm.claim !== undefined);
  if (busy) throw heldBy(busy);
}

/** VMs become members: each as it was read, with the room for its copies. */
export function addMembers(
  tx: Transaction,
  groupId: string,
  vms: readonly Vm[],
  replicas: ReadonlyMap<string, Replica[]>,
  outdated?: string,
): void {
  const after: { protection: Protection }[] = [];
  for (const vm of vms) {
    const protection: Protection = { groupId, replicas: replicas.get(vm.id) ?? [], ...(outdated ? { outdated } : {}) };
    after.push({ protection });
    tx.update(keys.vm(vm.tenantId, vm.id), {
      set: { protection },
      add: { version: 1 },
      condition: '#version = :version AND attribute_not_exists(#claim) AND attribute_not_exists(#protection)',
      names: { '#version': 'version', '#claim': 'claim', '#protection': 'protection' },
      values: { ':version': vm.version },
      // Somebody was faster with it: what is asked is decided anew, and then says who.
      onFail: () => new Raced(heldBy(vm)),
    });
  }
  shiftReplicas(tx, [], after.flatMap(replicaHoldsOf));
}

/** @throws `invalid-request` when it is more than one transaction holds */
export function mustFit(tx: Transaction): void {
  if (tx.actions.length + ON_TOP > MAX_ACTIONS)
    throw invalid([
      {
        location: 'body',
        message: 'so many VMs with disks on so many datastores do not fit into one transaction',
        fix: 'ask for fewer at once',
      },
    ]);
}

/** Room of a ledger that was free when it was read was taken meanwhile: decided anew, on what stands there then. */
export async function orRaced<T>(work: () => Promise<T>, refusal: () => DomainError): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatastoreFull || error instanceof LinkFull) throw new Raced(refusal());
    throw error;
  }
}
