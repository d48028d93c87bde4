import type * as z from 'zod';
import type { patchVm } from '../../../shared/contract/shapes.ts';
import { clusterOf, holdsOf } from '../../../shared/hypervisor/demand.ts';
import { passthroughRefusal } from '../../../shared/hypervisor/io/passthrough.ts';
import { DomainError, type Flaw, invalid } from '../../../shared/kernel/errors.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import type { CapacitySnapshot } from '../../../shared/placement/snapshot.ts';
import { keys } from '../../../shared/store/keys.ts';
import { HostFull, shiftHosts } from '../../../shared/store/ledger.ts';
import { newOperation } from '../../../shared/store/outbox.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import { type Call, resource } from '../../http/call.ts';
import { versioned } from '../../http/conditions.ts';
import { mustNotBeTest, unavailable } from '../../http/refusals.ts';
import { vmView } from '../../http/views.ts';
import type { TenantDeps } from '../deps.ts';
import { qosFlaws, storedMemory } from './checks.ts';
import { mustDependOnVms } from './dependencies.ts';
import { keepPromise } from './reservation.ts';

type Change = z.infer<typeof patchVm>;

/** Times that a change is decided anew because the VM changed meanwhile. */
const ATTEMPTS = 8;

/**
 * Changes name, HA and QoS of a VM. QoS of one that has a host takes effect without restart (QOS-7): an operation tells
 * the hypervisor, and a changed reservation is taken from the host's ledger at once (QOS-2).
 */
export async function changeVm(call: Call<Change>, deps: TenantDeps): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await changeOnce(call, deps);
    } catch (error) {
      // Work that is under way on the VM was faster: nobody but If-Match cares for the version that was read.
      const raced = error instanceof DomainError && error.code === 'precondition-failed' && !call.isConditional;
      if (!raced || attempt === ATTEMPTS) throw error;
    }
  }
}

async function changeOnce(call: Call<Change>, deps: TenantDeps): Promise<Answer> {
  const data = new TenantData(call.deps.store, call.context);
  const vm = await data.get('vm', call.param('vmId'));
  call.checkVersion(vm);
  mustNotBeTest(vm);
  const after = changed(vm, call.body);
  if (call.body.ha) await mustDependOnVms(after.ha, data, vm.id);
  if (call.body.cpu) mustBePossible(after, await deps.capacity.snapshot());
  const withoutHa = after.ha.enabled ? passthroughRefusal('ha', vm) : undefined;
  if (withoutHa) throw unavailable('passthrough', withoutHa);
  const { cpu, memory, disks, nics } = call.body;
  const tx = new Transaction().update(keys.vm(vm.tenantId, vm.id), {
    set: {
      name: after.name,
      ha: after.ha,
      ...(cpu ? { cpu: after.cpu } : {}),
      ...(memory ? { memory: after.memory } : {}),
      ...(disks ? { disks: after.disks } : {}),
      ...(nics ? { nics: after.nics } : {}),
    },
    add: { version: 1 },
    ...versioned(vm),
  });
  if (cpu) await keepPromise(tx, vm, after, deps.capacity);
  shiftHosts(tx, clusterOf(vm), holdsOf(vm), holdsOf(after));
  const answer = resource(200, vmView(after));
  if (!vm.hostId || !(cpu || memory || disks || nics)) return commit(call, tx, answer, vm);
  const operation = newOperation({
    id: call.newId('operation'),
    kind: 'configure',
    tenantId: call.tenantId,
    target: vm.id,
    input: { vmId: vm.id },
    createdAt: call.now,
  });
  const headers = { ...answer.headers, 'operation-location': `/v1/operations/${operation.id}` };
  return commit(call, tx, { ...answer, headers }, vm, operation);
}

/** QOS-2, QOS-3: neither can be more than the vCPUs give on the fastest host of the site. @throws `invalid-request` */
function mustBePossible({ cpu, siteId }: Vm, snapshot: CapacitySnapshot): void {
  const clocks = [...snapshot.all()].filter(({ host }) => host.siteId === siteId).map(({ host }) => host.mhz);
  const most = cpu.vcpus * Math.max(0, ...clocks);
  const flaws = (['reservationMhz', 'limitMhz'] as const)
    .filter((field) => (cpu[field] ?? 0) > most)
    .map((field) => ({
      location: `body.cpu.${field}`,
      message: `${cpu.vcpus} vCPUs give ${most} MHz at most (${field === 'limitMhz' ? 'QOS-3' : 'QOS-2'})`,
      fix: `choose at most ${most}`,
    }));
  if (flaws.length > 0) throw invalid(flaws);
}

async function commit(
  call: Call<Change>,
  tx: Transaction,
  answer: Answer,
  vm: Vm,
  operation?: ReturnType<typeof newOperation>,
): Promise<Answer> {
  try {
    return await call.commit(
      tx,
      answer,
      operation ? { operation } : { event: { type: 'vm.changed', subject: vm.id, data: { ...call.body } } },
    );
  } catch (error) {
    if (!(error instanceof HostFull)) throw error;
    throw new DomainError('no-capacity', 'Its host has not so much left to reserve (QOS-2).', {
      figures: {
        rule: 'QOS-2',
        free: { mhz: error.host?.free.mhz ?? 0, memoryMiB: error.host?.free.reservedMiB ?? 0 },
        help: ['Reserve less, or stop the VM: when it is started it is placed where there is room.'],
      },
    });
  }
}

/** The VM with the change. @throws `invalid-request` for devices that it has not, and for QoS that contradicts itself. */
function changed(vm: Vm, body: Change): Vm {
  const after: Vm = {
    ...vm,
    name: body.name ?? vm.name,
    ha: body.ha ?? vm.ha,
    cpu: { ...vm.cpu, ...body.cpu },
    memory: { ...vm.memory, ...body.memory },
    version: vm.version + 1,
  };
  const flaws: Flaw[] = qosFlaws(after);
  const unknown = (list: 'disks' | 'nics', i: number, what: string): Flaw => ({
    location: `body.${list}.${i}`,
    message: `the VM has no such ${what}`,
    fix: `name one that GET /v1/vms/${vm.id} lists`,
  });
  for (const [i, { name }] of (body.disks ?? []).entries()) {
    if (!vm.disks.some((d) => d.name === name)) flaws.push(unknown('disks', i, 'disk'));
    if (body.disks?.findIndex((d) => d.name === name) !== i) flaws.push(twice('disks', i));
  }
  for (const [i, { id }] of (body.nics ?? []).entries()) {
    if (!vm.nics.some((n) => n.id === id)) flaws.push(unknown('nics', i, 'NIC'));
    if (body.nics?.findIndex((n) => n.id === id) !== i) flaws.push(twice('nics', i));
  }
  if (flaws.length > 0) throw invalid(flaws);
  return {
    ...after,
    memory: storedMemory(after.memory),
    disks: vm.disks.map((d) => ({ ...d, ...qosOf(body.disks?.find((c) => c.name === d.name)) })),
    nics: vm.nics.map((n) => ({ ...n, ...qosOf(body.nics?.find((c) => c.id === n.id)) })),
  };
}

const twice = (list: 'disks' | 'nics', i: number): Flaw => ({
  location: `body.${list}.${i}`,
  message: 'is named twice',
  fix: 'name it once',
});

const qosOf = <Q>(change: { qos: Q } | undefined) => (change ? { qos: change.qos } : {});
