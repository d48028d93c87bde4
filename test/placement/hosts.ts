import { hostCapacity } from '../../shared/hypervisor/host-capacity.ts';
import type { Amounts } from '../../shared/model/amounts.ts';
import { DEFAULT_HA } from '../../shared/model/ha.ts';
import { type Cluster, type Datastore, type Host, NO_OVERCOMMIT } from '../../shared/model/inventory.ts';
import type { Candidate, Need } from '../../shared/placement/need.ts';
import type { CandidateIndex } from '../../shared/placement/placement.ts';

/** The host of the document: 24 hyper-threads of 2.4 GHz, with 64 GiB. */
const HARDWARE = {
  sockets: 2,
  coresPerSocket: 6,
  threadsPerCore: 2,
  mhz: 2400,
  memoryMiB: 65_536,
  vendor: 'any',
  arch: 'x86' as const,
  hardwareVirtualisation: true,
  nestedPaging: true,
  numaNodes: 2,
  nicMbps: 10_000,
};

export const cluster: Cluster = {
  id: 'c1',
  siteId: 's1',
  name: 'c1',
  arch: 'x86',
  ha: DEFAULT_HA,
  overcommit: NO_OVERCOMMIT,
  vcpuRatioPercent: 100,
  numa: { guest: false },
  version: 1,
};

export function host(
  id: string,
  { free, ...fields }: Partial<Omit<Host, 'free'>> & { free?: Partial<Amounts> } = {},
): Host {
  const hardware = { ...HARDWARE, id, name: id, siteId: 's1', clusterId: 'c1', ...fields };
  const capacity = hostCapacity(hardware, true);
  return {
    ...hardware,
    state: 'online',
    power: 'on',
    capacity,
    seenAt: 0,
    servesSince: 0,
    version: 1,
    ...fields,
    free: { ...capacity, ...free } as Amounts,
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
  freeMigrations: 128,
  version: 1,
  ...fields,
});

export const candidate = (of: Host, datastores = [datastore()], more: Partial<Candidate> = {}): Candidate => ({
  host: of,
  cluster,
  datastores,
  ...more,
});

export function need({ demand, ...fields }: Partial<Omit<Need, 'demand'>> & { demand?: Partial<Amounts> } = {}): Need {
  return {
    demand: { vcpus: 2, mhz: 0, memoryMiB: 4096, ...demand } as Amounts,
    vcpus: demand?.vcpus ?? 2,
    storageGiB: 20,
    hardwareVirtualisation: true,
    nestedPaging: true,
    vnodes: [],
    sites: ['s1'],
    ...fields,
  };
}

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
