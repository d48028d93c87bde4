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

export const process = (fields: Partial<WorldProcess> = {}): WorldProcess => ({
  kind: 'process',
  vmId: 'vm_1',
  hostId: 'h1',
  siteId: 's1',
  epoch: 1,
  startedAt: 0,
  readyAt: 30_000,
  vcpus: 2,
  memoryMiB: 4096,
  ...fields,
});
