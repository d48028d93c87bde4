import { type CpuIdentity, visibleGeneration } from '../../shared/hypervisor/cpu/baseline.ts';
import { demandOf, holdsOf } from '../../shared/hypervisor/demand.ts';
import { passthroughDevices } from '../../shared/hypervisor/io/passthrough.ts';
import {
  type MigratingVm,
  type MigrationHost,
  migrationRefusals,
} from '../../shared/hypervisor/migration/prechecks.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import type { CpuGeneration } from '../../shared/model/inventory.ts';
import type { MigrationOptions } from '../../shared/model/migration.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { type Candidate, place } from '../../shared/placement/placement.ts';
import { seatOf } from '../../shared/placement/seat.ts';
import { type CapacitySnapshot, needOf } from '../../shared/placement/snapshot.ts';
import type { CapacityReader } from '../../shared/store/capacity.ts';
import { keys } from '../../shared/store/keys.ts';
import { HostFull, shiftHosts } from '../../shared/store/ledger.ts';
import { newOperation } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { Answer } from './answer.ts';
import type { Call } from './call.ts';
import type { FaceDeps } from './deps.ts';
import { flawAt, heldBy, noCapacity } from './refusals.ts';
import { operationView } from './views.ts';

/** Times that a place is chosen anew because it was taken meanwhile, before `busy`. */
const ATTEMPTS = 64;

/**
 * Accepts a live migration: the VM is claimed, and holds its place at the target besides the one that it has (MIG-6).
 * All that forbids it is said at once (MIG-8). The hosts of its cluster reach its storage and networks.
 */
export async function acceptMigration(
  call: Call,
  deps: FaceDeps & { capacity: CapacityReader },
  vm: Vm,
  { hostId, options, operationPath }: { hostId?: string | undefined; options: MigrationOptions; operationPath: string },
): Promise<Answer> {
  if (vm.claim) throw heldBy(vm);
  const state = vmMachine.next(vm.state, 'liveMigrate');
  let snapshot = await deps.capacity.retake();
  mustBeMovable(vm, snapshot, hostId);
  const need = {
    ...needOf(vm, {
      sites: [vm.siteId],
      clusterId: vm.clusterId,
      hostId,
      storage: false,
      avoid: new Set([vm.hostId ?? '']),
    }),
    ...(vm.generation ? { generation: vm.generation } : {}),
  };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const decision = place(need, snapshot, deps.random);
    if (!decision.ok) throw noCapacity(decision);
    const migration = { seat: seatOf(decision), epoch: vm.epoch + 1, options };
    const operation = newOperation({
      id: call.newId('operation', vm.tenantId),
      kind: 'migrate-vm',
      tenantId: vm.tenantId,
      target: vm.id,
      input: { vms: [vm.id] },
      createdAt: call.now,
    });
    const tx = new Transaction().update(keys.vm(vm.tenantId, vm.id), {
      set: { state, migration, claim: operation.id, operationId: operation.id },
      add: { version: 1 },
      remove: ['reason'],
      condition: '#version = :version AND attribute_not_exists(#claimed)',
      names: { '#version': 'version', '#claimed': 'claim' },
      values: { ':version': vm.version },
      onFail: (found) =>
        found ? heldBy(found as unknown as Vm) : new DomainError('not-found', `There is no VM '${vm.id}'.`),
    });
    shiftHosts(tx, () => vm.clusterId, holdsOf(vm), holdsOf({ ...vm, migration }));
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
  const from = snapshot.candidate(vm.hostId ?? '');
  const to = hostId === undefined ? undefined : snapshot.candidate(hostId);
  if (!from || (hostId !== undefined && !to)) return;
  const source = hostOf(from);
  const target = to ? { ...hostOf(to), ...freeOf(to) } : { ...source, ...ANYWHERE };
  const refusals = migrationRefusals({ vm: movingVm(vm, from), source, target });
  if (refusals.length === 0) return;
  const words = refusals.map((r) => `${r.reason} (${r.rule})`).join('; ');
  throw new DomainError('feature-unavailable', `VM ${vm.name} cannot be moved: ${words}.`, {
    figures: { rule: refusals[0]?.rule, rules: refusals.map((r) => r.rule) },
    flaws: refusals.map(flawAt(hostId === undefined ? 'path.vmId' : 'body.hostId')),
  });
}

/** A host that could take anything: what is refused then is refused everywhere. */
const ANYWHERE = { id: 'any other', online: true, freeVcpus: Infinity, freeMhz: Infinity, freeMemoryMiB: Infinity };

/** The distributed switch of a site reaches all its hosts (NET-2). */
const hostOf = ({ host, cluster, datastores }: Candidate): MigrationHost => ({
  id: host.id,
  online: host.state === 'online',
  cpu: cpuOf(host.arch, visibleGeneration(host.cpuGeneration, cluster.cpuBaseline)),
  datastoreIds: datastores.map((d) => d.id),
  switchIds: [host.siteId],
});

const freeOf = ({ host }: Candidate) => ({
  freeVcpus: host.free.vcpus,
  freeMhz: host.free.mhz,
  freeMemoryMiB: host.free.memoryMiB,
});

function movingVm(vm: Vm, from: Candidate): MigratingVm {
  const demand = demandOf(vm);
  const shared = new Set(from.datastores.map((d) => d.id));
  return {
    cpu: cpuOf(from.host.arch, vm.generation),
    vcpus: demand.vcpus,
    mhz: demand.mhz,
    memoryMiB: demand.memoryMiB,
    volumes: vm.disks.map((d) => ({ name: d.name, datastoreId: d.datastoreId, local: !shared.has(d.datastoreId) })),
    switchIds: [vm.siteId],
    passthroughDevices: passthroughDevices(vm),
  };
}

/** Where there are no generations, all CPUs of an architecture count as one. */
const cpuOf = (arch: 'x86' | 'arm', generation: CpuGeneration = 'Merom'): CpuIdentity => ({ arch, generation });
