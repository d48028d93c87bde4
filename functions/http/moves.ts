import { DomainError } from '../../shared/kernel/errors.ts';
import type { MigrationOptions } from '../../shared/model/migration.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { moveNeed, moveRefusals } from '../../shared/placement/moves.ts';
import { place } from '../../shared/placement/placement.ts';
import { seatOf } from '../../shared/placement/seat.ts';
import type { CapacitySnapshot } from '../../shared/placement/snapshot.ts';
import type { CapacityReader } from '../../shared/store/capacity.ts';
import { HostFull } from '../../shared/store/ledger.ts';
import { migrationBegins } from '../../shared/store/moves.ts';
import { newOperation } from '../../shared/store/outbox.ts';
import type { Answer } from './answer.ts';
import type { Call } from './call.ts';
import type { FaceDeps } from './deps.ts';
import { beingRecovered, flawAt, heldBy, mustNotBeTest, noCapacity } from './refusals.ts';
import { operationView } from './views.ts';

/** Times that a place is chosen anew because it was taken meanwhile, before `busy`. */
const ATTEMPTS = 64;

/** Accepts a live migration. All that forbids it is said at once (MIG-8). */
export async function acceptMigration(
  call: Call,
  deps: FaceDeps & { capacity: CapacityReader },
  vm: Vm,
  { hostId, options, operationPath }: { hostId?: string | undefined; options: MigrationOptions; operationPath: string },
): Promise<Answer> {
  mustNotBeTest(vm);
  if (vm.claim) throw heldBy(vm);
  if (vm.state === 'faultResuming')
    throw beingRecovered(vm, 'the recovery chooses its host anyway; ask again when it runs');
  vmMachine.next(vm.state, 'liveMigrate');
  let snapshot = await deps.capacity.retake();
  mustBeMovable(vm, snapshot, hostId);
  const need = moveNeed(vm, hostId);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const decision = place(need, snapshot, deps.random);
    if (!decision.ok) throw noCapacity(decision);
    const operation = newOperation({
      id: call.newId('operation', vm.tenantId),
      kind: 'migrate-vm',
      tenantId: vm.tenantId,
      target: vm.id,
      input: { vms: [vm.id] },
      createdAt: call.now,
      // What the operator asked for, a tenant does not take back.
      ...(call.operation.face === 'tenant' ? { cancelable: true as const } : {}),
    });
    const tx = migrationBegins(vm, { seat: seatOf(decision), options }, operation, (found) =>
      found ? heldBy(found as unknown as Vm) : new DomainError('not-found', `There is no VM '${vm.id}'.`),
    );
    const answer: Answer = {
      status: 202,
      body: operationView(operation),
      headers: { 'operation-location': `${operationPath}/${operation.id}`, 'retry-after': '1' },
    };
    try {
      return await call.commit(tx, answer, { operation });
    } catch (error) {
      if (!(error instanceof HostFull)) throw error;
      snapshot = await deps.capacity.retake();
    }
  }
  throw new DomainError('busy', 'Others take capacity faster than this request can; nothing was changed.', {
    figures: { retryAfterSeconds: 1 },
  });
}

/** @throws `feature-unavailable` with every reason: those of the VM itself, and of the host that was asked for. */
function mustBeMovable(vm: Vm, snapshot: CapacitySnapshot, hostId: string | undefined): void {
  const refusals = moveRefusals(vm, snapshot, hostId);
  if (refusals.length === 0) return;
  const words = refusals.map((r) => `${r.reason} (${r.rule})`).join('; ');
  throw new DomainError('feature-unavailable', `VM ${vm.name} cannot be moved: ${words}.`, {
    figures: { rule: refusals[0]?.rule, rules: refusals.map((r) => r.rule) },
    flaws: refusals.map(flawAt(hostId === undefined ? 'path.vmId' : 'body.hostId')),
  });
}
