import type * as z from 'zod';
import type { growDisk as growDiskBody } from '../../shared/contract/disks.ts';
import { DomainError, invalid, notFound } from '../../shared/kernel/errors.ts';
import type { Operation } from '../../shared/model/operation.ts';
import { type ProtectedGroup, replicaHoldsOf } from '../../shared/model/protection.ts';
import type { Disk, Vm } from '../../shared/model/vm.ts';
import { enlarged, isSwitched, type Room, roomRefusals, roomToCatchUp } from '../../shared/replication/growth.ts';
import { decideAnew, Raced } from '../../shared/store/anew.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { chargeVdc, DatastoreFull, overQuota, shiftReplicas, takeDatastore } from '../../shared/store/ledger.ts';
import { newOperation } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { Answer } from '../http/answer.ts';
import type { Call } from '../http/call.ts';
import { flawAt, heldBy, mustNotBeTest } from '../http/refusals.ts';
import { operationView } from '../http/views.ts';

type Body = z.infer<typeof growDiskBody>;

/**
 * Makes a disk larger (ELA-3): quota, the room where it stands and the room for its copies at other sites (DR-17) are taken
 * in one transaction with its new size; an operation tells the sites. The VM is not held meanwhile: a recovery or a switch
 * goes on as ever, and the operation follows it. What was accepted once and given up is gone on with when it is asked for again.
 */
export const growDisk = (call: Call<Body>): Promise<Answer> =>
  decideAnew(async () => {
    const data = new TenantData(call.deps.store, call.context);
    const vm = await data.get('vm', call.param('vmId'));
    call.checkVersion(vm);
    const disk = vm.disks.find((d) => d.name === call.param('disk'));
    if (!disk) throw notFound('disk', `${vm.id}/${call.param('disk')}`);
    const { sizeGiB } = call.body;
    mustBeFree(vm, disk);
    mustBeLarger(vm, disk, sizeGiB);
    const group = vm.protection && (await data.find('group', vm.protection.groupId));
    if (group && isSwitched(group)) throw switched(group);
    const operation = newOperation({
      id: call.newId('operation'),
      kind: 'grow-disk',
      tenantId: call.tenantId,
      target: vm.id,
      input: { vmId: vm.id, disk: disk.name },
      createdAt: call.now,
    });
    const fromGiB = disk.resizing?.fromGiB ?? disk.sizeGiB;
    const grown: Disk = { ...disk, sizeGiB, resizing: { fromGiB, operationId: operation.id } };
    const gib = sizeGiB - disk.sizeGiB;
    await mustHaveRoom(call, vm, disk, gib);
    const answer: Answer = {
      status: 202,
      body: operationView(operation),
      headers: { 'operation-location': `/v1/operations/${operation.id}`, 'retry-after': '1' },
    };
    const tx = change(vm, grown, gib, group);
    try {
      return await call.commit(tx, answer, { operation } satisfies { operation: Operation });
    } catch (error) {
      // Somebody was faster: what stands there now says why, or that there is room again.
      if (error instanceof DatastoreFull)
        throw new Raced(new DomainError('busy', 'Others take room faster than this request can; nothing was changed.'));
      throw error;
    }
  });

/** @throws `operation-in-progress` while something works on the VM or on this disk, `illegal-transition` while it goes */
function mustBeFree(vm: Vm, { name, resizing }: Disk): void {
  mustNotBeTest(vm);
  if (vm.claim) throw heldBy(vm);
  if (resizing && resizing.reason === undefined)
    throw new DomainError(
      'operation-in-progress',
      `Disk ${name} is being made larger by operation ${resizing.operationId}; wait for it to end.`,
      { figures: { operationId: resizing.operationId } },
    );
  if (vm.state === 'deleting' || vm.state === 'recycling')
    throw new DomainError('illegal-transition', `VM ${vm.name} is ${vm.state}; its disks stay as they are.`, {
      figures: { state: vm.state, event: 'growDisk' },
    });
}

/** @throws `invalid-request` for a size that is not larger, `feature-unavailable` for a disk that has no volume */
function mustBeLarger(vm: Vm, disk: Disk, sizeGiB: number): void {
  if (disk.io === 'passthrough')
    throw new DomainError(
      'feature-unavailable',
      `Disk ${disk.name} of VM ${vm.name} is passed through from a card of its host: its size is the device's (IO-3).`,
      { figures: { property: 'passthrough', rule: 'IO-3' } },
    );
  const again = disk.resizing?.reason !== undefined && sizeGiB === disk.sizeGiB;
  if (sizeGiB > disk.sizeGiB || again) return;
  const message =
    sizeGiB === disk.sizeGiB
      ? `disk ${disk.name} has ${disk.sizeGiB} GiB already (ELA-3)`
      : `disk ${disk.name} has ${disk.sizeGiB} GiB; it is never made smaller, since its guest may have written to the part that would be cut off (ELA-3)`;
  throw invalid([{ location: 'body.sizeGiB', message, fix: `ask for more than ${disk.sizeGiB}` }]);
}

/** @throws `no-capacity` with the figures of each datastore that has not so much left, here and at the copies' sites */
async function mustHaveRoom(call: Call<Body>, vm: Vm, disk: Disk, gib: number): Promise<void> {
  const data = new TenantData(call.deps.store, call.context);
  const over = overQuota(await data.get('vdc', vm.vdcId), { storageGiB: gib });
  if (over) throw over;
  const disks = [{ ...disk, sizeGiB: disk.sizeGiB + gib }];
  const needed: Room[] = [
    ...(gib > 0 ? [{ siteId: vm.siteId, datastoreId: disk.datastoreId, gib }] : []),
    ...roomToCatchUp([{ disks, ...(vm.protection ? { protection: vm.protection } : {}) }]),
  ];
  const inventory = new Inventory(call.deps.store, SYSTEM);
  const sites = [...new Set(needed.map((room) => room.siteId))];
  const datastores = (await Promise.all(sites.map((id) => inventory.datastores(id)))).flat();
  const refusals = roomRefusals(needed, datastores, vm.siteId);
  if (refusals.length === 0) return;
  const words = refusals.map((r) => `${r.reason} (${r.rule})`).join('; ');
  throw new DomainError('no-capacity', `Disk ${disk.name} cannot be made so large: ${words}.`, {
    figures: { rule: refusals[0]?.rule, rooms: refusals.map((r) => r.figures), help: refusals.map((r) => r.fix) },
    flaws: refusals.map(flawAt('body.sizeGiB')),
  });
}

/** The disk with its new size, and all that it takes: the VM, and the group that it is in, must be as they were read. */
function change(vm: Vm, grown: Disk, gib: number, group: ProtectedGroup | undefined): Transaction {
  const disks = vm.disks.map((d) => (d.name === grown.name ? grown : d));
  const { protection } = vm;
  const replicas = protection && enlarged(protection.replicas, [grown]);
  const tx = new Transaction().update(keys.vm(vm.tenantId, vm.id), {
    set: { disks, ...(replicas ? { 'protection.replicas': replicas } : {}) },
    add: { version: 1 },
    condition: '#version = :version AND attribute_not_exists(#claim)',
    names: { '#version': 'version', '#claim': 'claim' },
    values: { ':version': vm.version },
    onFail: (found) => new Raced(found ? heldBy(found as unknown as Vm) : notFound('VM', vm.id)),
  });
  if (group)
    tx.check(
      keys.group(group.tenantId, group.id),
      '#version = :version',
      () => new Raced(switched(group)),
      { ':version': group.version },
      'control',
      { '#version': 'version' },
    );
  if (gib > 0) {
    chargeVdc(tx, { tenantId: vm.tenantId, id: vm.vdcId }, { storageGiB: gib });
    takeDatastore(tx, { siteId: vm.siteId, id: grown.datastoreId }, gib);
  }
  if (replicas) shiftReplicas(tx, replicaHoldsOf(vm), replicaHoldsOf({ protection: { replicas } }));
  return tx;
}

const switched = ({ name, state, claim, id }: ProtectedGroup): DomainError =>
  new DomainError(
    'operation-in-progress',
    `Protected group ${name} is ${state}: what a recovery plan moves does not change meanwhile. Ask again when it has ended.`,
    { figures: { groupId: id, state, ...(claim ? { operationId: claim } : {}) } },
  );
