import type * as z from 'zod';
import type { migrateSystemVmDisks } from '../../shared/contract/shapes.ts';
import { storageHoldsOf } from '../../shared/hypervisor/demand.ts';
import { type StorageRefusal, storageMigrationRefusals } from '../../shared/hypervisor/migration/storage-prechecks.ts';
import { DomainError, type Flaw, type ProblemCode } from '../../shared/kernel/errors.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { DatastoreFull, shiftDatastores } from '../../shared/store/ledger.ts';
import { newOperation } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { Answer } from '../http/answer.ts';
import type { Call } from '../http/call.ts';
import { flawAt, heldBy, mustNotBeTest } from '../http/refusals.ts';
import { operationView } from '../http/views.ts';

type Body = z.infer<typeof migrateSystemVmDisks>;

/**
 * Accepts a storage migration: the VM is claimed, and holds room at the new datastores besides the old (STO-5). It runs
 * on, or stays stopped; its state says nothing of it. All that forbids it is said at once.
 */
export async function moveDisks(call: Call<Body>): Promise<Answer> {
  const vm = await new TenantData(call.deps.store, SYSTEM).get('vm', call.param('vmId'));
  call.checkVersion(vm);
  mustNotBeTest(vm);
  await mustBeMovable(call, vm);
  const { disks, ...options } = call.body;
  // The version never falls, so this token is above that of every storage migration before.
  const storageMoves = { token: vm.version + 1, disks, options };
  const operation = newOperation({
    id: call.newId('operation', vm.tenantId),
    kind: 'move-volumes',
    tenantId: vm.tenantId,
    target: vm.id,
    input: { vms: [vm.id] },
    createdAt: call.now,
  });
  const tx = new Transaction().update(keys.vm(vm.tenantId, vm.id), {
    set: { storageMoves, claim: operation.id, operationId: operation.id },
    add: { version: 1 },
    condition: '#version = :version AND attribute_not_exists(#claimed)',
    names: { '#version': 'version', '#claimed': 'claim' },
    values: { ':version': vm.version },
    onFail: (found) =>
      found ? heldBy(found as unknown as Vm) : new DomainError('not-found', `There is no VM '${vm.id}'.`),
  });
  shiftDatastores(tx, vm.siteId, storageHoldsOf(vm), storageHoldsOf({ ...vm, storageMoves }));
  const answer: Answer = {
    status: 202,
    body: operationView(operation),
    headers: { 'operation-location': `/v1/system/operations/${operation.id}`, 'retry-after': '1' },
  };
  try {
    return await call.commit(tx, answer, { operation });
  } catch (error) {
    if (!(error instanceof DatastoreFull)) throw error;
    // Somebody was faster. What stands there now says why, or that there is room again.
    await mustBeMovable(call, vm);
    throw new DomainError('busy', 'Others take room faster than this request can; nothing was changed.', {
      figures: { retryAfterSeconds: 1 },
    });
  }
}

/** @throws with every reason; the code is that of the first sort there is, since what is wrong in itself comes first. */
async function mustBeMovable(call: Call<Body>, vm: Vm): Promise<void> {
  const inventory = new Inventory(call.deps.store, SYSTEM);
  const sites = await inventory.sites();
  const datastores = (await Promise.all(sites.map((s) => inventory.datastores(s.id)))).flat();
  const { disks: moves, mbps } = call.body;
  const refusals = storageMigrationRefusals({ vm, moves, mbps, datastores });
  const held = vm.claim ? heldBy(vm) : undefined;
  const moving = vm.state !== 'running' && vm.state !== 'stopped';
  const state = `VM ${vm.name} is ${vm.state}; its disks can be moved while it runs or is stopped`;
  const flaws: Flaw[] = [
    ...refusals.map((refusal) => flawAt(`body.${refusal.at}`)(refusal)),
    ...(held ? [{ location: 'path.vmId', message: held.message, fix: 'wait for this operation to end' }] : []),
    ...(moving && !held ? [{ location: 'path.vmId', message: state, fix: 'wait until it is at rest' }] : []),
  ];
  if (flaws.length === 0) return;
  const code = codeOf(refusals, held !== undefined);
  throw new DomainError(code, flaws.map((f) => f.message).join('; '), {
    figures: {
      ...held?.figures,
      ...(refusals[0] ? { ...refusals[0].figures, rule: refusals[0].rule } : {}),
      ...(refusals.length > 0 ? { rules: [...new Set(refusals.map((r) => r.rule))] } : {}),
      ...(code === 'no-capacity' ? { help: refusals.map((r) => r.fix) } : {}),
    },
    flaws,
  });
}

function codeOf(refusals: readonly StorageRefusal[], held: boolean): ProblemCode {
  const any = (sort: StorageRefusal['sort']) => refusals.some((r) => r.sort === sort);
  if (any('request')) return 'invalid-request';
  if (any('property')) return 'feature-unavailable';
  if (held) return 'operation-in-progress';
  return any('room') ? 'no-capacity' : 'illegal-transition';
}
