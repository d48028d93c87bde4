import { baselineRefusal, visibleGeneration } from '../hypervisor/cpu/baseline.ts';
import type { Dimension } from '../model/amounts.ts';
import { homeOn } from './home.ts';
import type { Candidate, Need } from './need.ts';
import { isReserved } from './reserved.ts';

/** Rules that a host must keep to be taken (SCH-1). A host counts for the first one that it breaks. */
export type Rule =
  | 'site'
  | 'cluster'
  | 'host'
  | 'state'
  | 'failover'
  | 'avoided'
  | 'hardware'
  | 'nested-paging'
  | 'generation'
  | 'cpu'
  | 'cpu-reservation'
  | 'memory'
  | 'vms'
  | 'memory-reservation'
  | 'huge-pages'
  | 'device'
  | 'numa'
  | 'storage'
  | 'failover-capacity';

export interface Validator {
  rule: Rule;
  /** Why the host cannot be taken, or undefined when it can. */
  check(candidate: Candidate, need: Need): string | undefined;
  /** What would help when this rule ruled hosts out. */
  help(need: Need): string;
}

/** A validator over dimensions of the ledger. */
const ledger = (rule: Rule, dimensions: Partial<Record<Dimension, string>>, help: Validator['help']): Validator => ({
  rule,
  check({ host }, { demand }) {
    for (const [d, what] of Object.entries(dimensions) as [Dimension, string][]) {
      const [free, wanted] = [host.free[d] ?? 0, demand[d] ?? 0];
      if (wanted > free) return `${free} ${what} free, ${wanted} needed`;
    }
    return undefined;
  },
  help,
});

export const VALIDATORS: readonly Validator[] = [
  {
    rule: 'site',
    check: ({ host }, need) =>
      need.sites.includes(host.siteId) ? undefined : `site ${host.siteId} is not among the VDC's`,
    help: () => 'Add a site to the VDC.',
  },
  {
    rule: 'cluster',
    check: ({ host }, need) =>
      !need.clusterId || host.clusterId === need.clusterId ? undefined : `is in cluster ${host.clusterId}`,
    help: (need) => `Leave out clusterId, or add hosts to ${need.clusterId}.`,
  },
  {
    rule: 'host',
    check: ({ host }, need) => (!need.hostId || host.id === need.hostId ? undefined : 'is not the one asked for'),
    help: (need) => `Leave out hostId, or make room on ${need.hostId}.`,
  },
  {
    rule: 'state',
    check: ({ host }) =>
      host.state !== 'online' ? `is ${host.state}` : host.draining ? 'is being emptied (ELA-6)' : undefined,
    help: () => 'Bring hosts back online.',
  },
  {
    rule: 'failover',
    check: ({ host, cluster }, { pool = 'normal' }) => {
      const reserved = isReserved(cluster, host.id);
      if (pool === 'normal') return reserved ? 'takes VMs of failed hosts only (HA-13)' : undefined;
      return reserved ? undefined : 'is no failover host (HA-13)';
    },
    help: ({ pool = 'normal' }) =>
      pool === 'normal'
        ? 'Add hosts, or take hosts off the failover hosts of the cluster.'
        : 'Name failover hosts, or choose a recovery method that uses other hosts too.',
  },
  {
    rule: 'avoided',
    check: ({ host }, need) =>
      need.avoid?.has(host.id) ? 'is ruled out: the VM is there, or was tried there' : undefined,
    help: () => 'Add a host, or repair those on which the start failed.',
  },
  {
    rule: 'hardware',
    check: ({ host }, need) =>
      !need.hardwareVirtualisation || host.hardwareVirtualisation ? undefined : 'its CPU has no VT-x or AMD-V',
    help: () => "Choose cpu.mode 'full', or hosts with VT-x or AMD-V (CPU-10).",
  },
  {
    rule: 'nested-paging',
    check: ({ host }, need) => (!need.nestedPaging || host.nestedPaging ? undefined : 'its CPU has no EPT or NPT'),
    help: () => "Choose memory.mode 'shadow', or hosts with EPT or NPT (MEM-7).",
  },
  {
    rule: 'generation',
    check: ({ host, cluster }, need) => {
      const there = visibleGeneration(host.cpuGeneration, cluster.cpuBaseline);
      return need.generation && there ? baselineRefusal(need.generation, there)?.reason : undefined;
    },
    help: (need) => `Set the CPU baseline of the cluster to at most ${need.generation} before VMs start (SCH-6).`,
  },
  ledger('cpu', { vcpus: 'vCPUs' }, (need) => `Stop VMs or add hosts: ${need.vcpus} vCPUs must be free on one host.`),
  {
    rule: 'cpu-reservation',
    check({ host }, need) {
      const most = need.vcpus * host.mhz;
      if (need.demand.mhz > most)
        return `its vCPUs give ${most} MHz at ${host.mhz} MHz, ${need.demand.mhz} are reserved`;
      return need.demand.mhz > host.free.mhz ? `${host.free.mhz} MHz free, ${need.demand.mhz} needed` : undefined;
    },
    help: (need) =>
      `Lower cpu.reservationMhz: ${need.demand.mhz} MHz must be free on one host, and within what its vCPUs give (QOS-2).`,
  },
  ledger(
    'memory',
    { memoryMiB: 'MiB' },
    (need) => `Stop VMs or add hosts: ${need.demand.memoryMiB} MiB must be free on one host.`,
  ),
  ledger('vms', { vms: 'more VMs' }, () => 'Stop VMs or add hosts: a host takes so many VMs and no more.'),
  ledger(
    'memory-reservation',
    { reservedMiB: 'MiB not yet reserved' },
    (need) => `Lower memory.reservationMiB: ${need.demand.reservedMiB} MiB must be unreserved on one host (QOS-4).`,
  ),
  ledger(
    'huge-pages',
    { pages2m: 'huge pages of 2 MiB', pages1g: 'huge pages of 1 GiB' },
    () => "Choose memory.pageSize 'thp' or '4k', or hosts that have set enough huge pages aside (MEM-12).",
  ),
  ledger(
    'device',
    { nicFunctions: 'network functions', diskFunctions: 'disk functions' },
    () => "Choose io 'virtio', or hosts whose cards have a free function (IO-3).",
  ),
  {
    rule: 'numa',
    check({ host, cluster }, need) {
      if (need.vnodes.length === 0) return undefined;
      if (!cluster.numa.guest) return `cluster ${cluster.name} shows guests no NUMA`;
      const home = homeOn(host, need.vnodes);
      return Array.isArray(home) ? undefined : home.reason;
    },
    help: () => 'Ask for fewer or more numa.nodes, or switch guest NUMA on for the cluster (NUMA-3, NUMA-4).',
  },
  {
    rule: 'storage',
    check: ({ datastores }, need) =>
      need.storageGiB === 0 || datastores.some((d) => d.freeGiB >= need.storageGiB)
        ? undefined
        : `no datastore that it reaches has ${need.storageGiB} GiB free`,
    help: (need) => `Free or add storage: ${need.storageGiB} GiB must be free on one datastore.`,
  },
  // Last, so that it rules out only what could be taken otherwise.
  {
    rule: 'failover-capacity',
    check: ({ promise }, { powersOn, demand }) => (powersOn ? promise?.refusal(demand)?.reason : undefined),
    help: () =>
      'Stop VMs, add hosts, or lower what the cluster keeps free for failures: it would not be kept otherwise (HA-13).',
  },
];
