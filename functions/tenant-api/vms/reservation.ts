import { demandOf } from '../../../shared/hypervisor/demand.ts';
import { busy } from '../../../shared/kernel/errors.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import type { CapacityReader } from '../../../shared/store/capacity.ts';
import { noteSlots } from '../../../shared/store/slots.ts';
import type { Transaction } from '../../../shared/store/transaction.ts';
import { overPromise, promiseFigures } from '../../http/refusals.ts';

/**
 * A VM that is powered on and reserves more than before is asked like one that is powered on (HA-13), on a picture of
 * now; a larger slot is noted in the same transaction as the reservation.
 * @throws `failover-capacity` with the figures of its cluster
 */
export async function keepPromise(tx: Transaction, vm: Vm, changed: Vm, capacity: CapacityReader): Promise<void> {
  const [before, need] = [demandOf(vm), demandOf(changed)];
  if (!vm.hostId || (need.mhz <= before.mhz && need.memoryMiB <= before.memoryMiB)) return;
  const kind = (await capacity.snapshot()).promiseOf(vm.clusterId)?.cluster.ha.admission.kind;
  const promise = kind === 'none' ? undefined : (await capacity.retake()).promiseOf(vm.clusterId);
  if (!promise) return;
  const then = promise.changed(before, need);
  const { kind: policy } = promise.cluster.ha.admission;
  if (then.broken.length > 0 && policy !== 'dedicated')
    throw overPromise([promiseFigures(promise, then)], {
      help: ['Reserve less, or have hosts added or VMs of the cluster stopped.'],
    });
  noteSlots(tx, promise.cluster, [{ before, need }], () => busy('The cluster of the VM changed meanwhile.'));
}
