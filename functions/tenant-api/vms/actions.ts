import { demandOf, seated } from '../../../shared/hypervisor/demand.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import type { OperationKind } from '../../../shared/model/operation.ts';
import { nextEpoch, type Vm, vmMachine, waitsForRoom } from '../../../shared/model/vm.ts';
import { place } from '../../../shared/placement/placement.ts';
import { seatOf } from '../../../shared/placement/seat.ts';
import { needOf } from '../../../shared/placement/snapshot.ts';
import { decideAnew, Raced } from '../../../shared/store/anew.ts';
import { keys } from '../../../shared/store/keys.ts';
import { HostFull, takeHost } from '../../../shared/store/ledger.ts';
import { newOperation } from '../../../shared/store/outbox.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction, type UpdateSpec } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import {
  beingRecovered,
  heldBy,
  mustNotBeProtected,
  mustNotBeTest,
  notPoweredOn,
  recoveryOf,
} from '../../http/refusals.ts';
import { operationView } from '../../http/views.ts';
import type { TenantDeps } from '../deps.ts';

const ATTEMPTS = 64;

/** Claims the VM for an operation, in the state that it was read in, and begins the change. */
function begin(
  call: Call,
  tx: Transaction,
  vm: Vm,
  kind: OperationKind,
  change: Pick<UpdateSpec, 'set' | 'add' | 'remove'> & { note?: string | undefined },
) {
  const operation = newOperation({
    id: call.newId('operation'),
    kind,
    tenantId: call.tenantId,
    target: vm.id,
    input: { vms: [vm.id] },
    createdAt: call.now,
    ...(change.note ? { note: change.note } : {}),
  });
  tx.update(keys.vm(vm.tenantId, vm.id), {
    set: { ...change.set, claim: operation.id, operationId: operation.id },
    add: { version: 1, ...change.add },
    // Why it is in a state that it keeps stays true.
    remove: [...(change.set?.state === vm.state ? [] : ['reason']), ...(change.remove ?? [])],
    condition: '#version = :version AND attribute_not_exists(claim)',
    values: { ':version': vm.version },
    onFail: (found) => {
      if (!found) return new DomainError('not-found', `There is no VM '${vm.id}'.`);
      const held = heldBy(found as unknown as Vm);
      // Held by nobody, it has only moved on, as when a recovery has started it: what is asked is decided anew.
      return found.claim === undefined ? new Raced(held) : held;
    },
  });
  // That it was seen running is written elsewhere, and changes no version of it (see withRecoveries).
  if (vm.state === 'faultResuming' && vm.recovery && vm.hostId !== null)
    tx.check(
      keys.recoveryPart(vm.tenantId, vm.recovery.incidentId, vm.recovery.part),
      'NOT #vms.#id.#outcome = :recovered',
      () => new Raced(heldBy(vm)),
      { ':recovered': 'recovered' },
      'control',
      { '#vms': 'vms', '#id': vm.id, '#outcome': 'outcome' },
    );
  const answer: Answer = {
    status: 202,
    body: operationView(operation),
    headers: { 'operation-location': `/v1/operations/${operation.id}`, 'retry-after': '1' },
  };
  return call.commit(tx, answer, { operation });
}

async function read(call: Call): Promise<Vm> {
  const vm = await new TenantData(call.deps.store, call.context).get('vm', call.param('vmId'));
  call.checkVersion(vm);
  mustNotBeTest(vm);
  return vm;
}

/** While a recovery works on the VM a stop is recorded and takes effect after it (HA-20); the answer says so. */
export const stopVm = (call: Call): Promise<Answer> =>
  decideAnew(async () => {
    const vm = await read(call);
    if (vm.claim) throw heldBy(vm);
    const state = vmMachine.next(vm.state, 'stop');
    return begin(call, new Transaction(), vm, 'stop-vm', { set: { state, desired: 'stopped' }, note: stopNote(vm) });
  });

function stopNote(vm: Vm): string | undefined {
  if (vm.state !== 'faultResuming') return undefined;
  const then = waitsForRoom(vm)
    ? 'it has no process, so it is stopped now and not started any more'
    : 'it is stopped as soon as the recovery is through with it';
  return `The host of the VM has failed: ${recoveryOf(vm)}; ${then}.`;
}

/** A VM that a migration may have brought to a host which cannot be asked is deleted when that is known. */
export const deleteVm = (call: Call): Promise<Answer> =>
  decideAnew(async () => {
    const vm = await read(call);
    if (vm.claim) throw heldBy(vm);
    mustNotBeProtected(vm, 'deleted');
    const deleting = vmMachine.next(vm.state, 'delete');
    const recorded = vm.state === 'faultResuming' && vm.migration !== undefined;
    return begin(call, new Transaction(), vm, 'delete-vm', {
      set: { state: recorded ? vm.state : deleting, desired: 'stopped' },
      // It runs nowhere: no host has to be asked.
      remove: waitsForRoom(vm) ? ['runsOn'] : [],
      note: recorded ? `The host of the VM has failed: ${recoveryOf(vm)}; it is deleted when it is.` : undefined,
    });
  });

export const startVm = (call: Call, deps: TenantDeps): Promise<Answer> => decideAnew(() => startOnce(call, deps));

/** A start is placed like a creation; its disks stay where they are, so its cluster does too. */
async function startOnce(call: Call, deps: TenantDeps): Promise<Answer> {
  const vm = await read(call);
  if (vm.claim) throw heldBy(vm);
  if (vm.state === 'faultResuming') throw beingRecovered(vm, 'it is started without being asked for');
  const state = vmMachine.next(vm.state, 'start');
  const need = needOf(vm, { sites: [vm.siteId], clusterId: vm.clusterId, storage: false, powersOn: true });
  let snapshot = await deps.capacity.snapshot();
  let fresh = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const decision = place(need, snapshot, deps.random);
    if (!decision.ok) {
      if (fresh) throw notPoweredOn(decision, snapshot, need);
      snapshot = await deps.capacity.retake();
      fresh = true;
      continue;
    }
    const { host } = decision.candidate;
    const tx = new Transaction();
    const seat = seatOf(decision);
    const demand = demandOf(seated(vm, seat));
    takeHost(tx, host, demand);
    try {
      // Every start order has an epoch of its own, so that a late or repeated one can do no harm (HA-9, HA-10).
      const answer = await begin(call, tx, vm, 'start-vm', {
        set: { state, desired: 'running', ...seat },
        add: { epoch: nextEpoch(vm) - vm.epoch },
      });
      if (!call.dryRun) snapshot.take(host.id, demand);
      return answer;
    } catch (error) {
      if (!(error instanceof HostFull) || !error.host) throw error;
      snapshot.correct(error.host);
      fresh = false;
    }
  }
  throw new DomainError('busy', 'Others take capacity faster than this request can; nothing was changed.', {
    figures: { retryAfterSeconds: 1 },
  });
}
