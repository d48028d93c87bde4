import type { Machine } from '../../shared/hypervisor/machine.ts';
import type { FaultKind } from '../../shared/model/fault.ts';
import type { Fault, WorldHost, WorldProcess } from '../../shared/world/records.ts';

export const worldHost = (fields: Partial<WorldHost> = {}): WorldHost => ({
  kind: 'host',
  id: 'h1',
  siteId: 's1',
  clusterId: 'c1',
  name: 'h1',
  vendor: 'any',
  arch: 'x86',
  sockets: 2,
  coresPerSocket: 6,
  threadsPerCore: 2,
  mhz: 2400,
  memoryMiB: 65_536,
  hardwareVirtualisation: true,
  nestedPaging: true,
  numaNodes: 2,
  nicMbps: 10_000,
  commissionedAt: 0,
  bmc: [],
  ...fields,
});

export const fault = (kind: FaultKind, target: string, at: number, until?: number): Fault => ({
  kind: 'fault',
  id: `${kind}/${target}/${at}`,
  fault: kind,
  target,
  at,
  ...(until === undefined ? {} : { until }),
});

export const machine = (fields: Partial<Machine> = {}): Machine => ({
  tenantId: 'ten_1',
  cpu: { vcpus: 2, mode: 'hardware' },
  memory: { sizeMiB: 4096, mode: 'hardware', pageSize: '4k' },
  guest: { os: 'linux' },
  disks: [{ name: 'root', io: 'virtio', sizeGiB: 20 }],
  nics: [],
  ...fields,
});

export const process = (fields: Partial<WorldProcess> = {}): WorldProcess => ({
  kind: 'process',
  vmId: 'vm_1',
  hostId: 'h1',
  siteId: 's1',
  epoch: 1,
  startedAt: 0,
  readyAt: 30_000,
  machine: machine(),
  version: 1,
  ...fields,
});
