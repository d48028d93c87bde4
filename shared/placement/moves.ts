import { type CpuIdentity, visibleGeneration } from '../hypervisor/cpu/baseline.ts';
import { demandOf } from '../hypervisor/demand.ts';
import { passthroughDevices } from '../hypervisor/io/passthrough.ts';
import { type MigratingVm, type MigrationHost, migrationRefusals } from '../hypervisor/migration/prechecks.ts';
import type { Refusal } from '../hypervisor/refusal.ts';
import type { CpuGeneration } from '../model/inventory.ts';
import type { Vm } from '../model/vm.ts';
import type { Candidate, Need } from './need.ts';
import { type CapacitySnapshot, needOf } from './snapshot.ts';

/** What a VM that runs needs of another host. The hosts of its cluster reach its storage and networks. */
export const moveNeed = (vm: Vm, hostId?: string): Need => ({
  ...needOf(vm, {
    sites: [vm.siteId],
    clusterId: vm.clusterId,
    hostId,
    storage: false,
    avoid: new Set([vm.hostId ?? '']),
  }),
  ...(vm.generation ? { generation: vm.generation } : {}),
});

/** All that forbids moving the VM while it runs (MIG-8): of the VM itself, and of the host that was asked for. */
export function moveRefusals(vm: Vm, snapshot: CapacitySnapshot, hostId?: string): Refusal[] {
  const from = snapshot.candidate(vm.hostId ?? '');
  const to = hostId === undefined ? undefined : snapshot.candidate(hostId);
  if (!from || (hostId !== undefined && !to)) return [];
  const source = hostOf(from);
  const target = to ? { ...hostOf(to), ...freeOf(to) } : { ...source, ...ANYWHERE };
  return migrationRefusals({ vm: movingVm(vm, from), source, target });
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
