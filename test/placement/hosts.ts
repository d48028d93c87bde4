import { virtualisationDomain } from '../../shared/hypervisor/cpu/capacity.ts';
import type { Cluster, Datastore, Host } from '../../shared/model/inventory.ts';
import type { Candidate, Need } from '../../shared/placement/need.ts';
import type { CandidateIndex } from '../../shared/placement/placement.ts';

/** The host of the document: 24 hyper-threads of 2.4 GHz, with 64 GiB. */
const HARDWARE = { sockets: 2, coresPerSocket: 6, threadsPerCore: 2, mhz: 2400, memoryMiB: 65_536 };

export const cluster: Cluster = { id: 'c1', siteId: 's1', name: 'c1', arch: 'x86', ha: { enabled: true } };

export function host(id: string, fields: Partial<Host> = {}): Host {
  const capacity = virtualisationDomain({ ...HARDWARE, ...fields });
  return {
    ...HARDWARE,
    id,
    name: id,
    siteId: 's1',
    clusterId: 'c1',
    vendor: 'any',
    arch: 'x86',
    hardwareVirtualisation: true,
    state: 'online',
    power: 'on',
    capacity,
    freeVcpus: capacity.vcpus,
    freeMhz: capacity.mhz,
    freeMemoryMiB: capacity.memoryMiB,
    seenAt: 0,
    version: 1,
    ...fields,
  };
}

export const datastore = (id = 'ds1', fields: Partial<Datastore> = {}): Datastore => ({
  id,
  siteId: 's1',
  name: id,
  kind: 'shared',
  clusters: [],
  capacityGiB: 1000,
  freeGiB: 1000,
  version: 1,
  ...fields,
});

export const candidate = (of: Host, datastores = [datastore()]): Candidate => ({ host: of, cluster, datastores });

export const need = (fields: Partial<Need> = {}): Need => ({
  vcpus: 2,
  mhz: 0,
  memoryMiB: 4096,
  storageGiB: 20,
  hardwareVirtualisation: true,
  sites: ['s1'],
  ...fields,
});

/** Candidates in a given order; `looked` counts those that were handed out. */
export function index(candidates: readonly Candidate[]): CandidateIndex & { looked: number } {
  const counted = {
    looked: 0,
    *near() {
      for (const one of candidates) {
        counted.looked++;
        yield one;
      }
    },
    all: () => candidates,
  };
  return counted;
}
