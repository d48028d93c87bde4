import type { Candidate, Need } from './need.ts';

/** Rules that a host must keep to be taken (SCH-1). A host counts for the first one that it breaks. */
export type Rule =
  | 'site'
  | 'cluster'
  | 'state'
  | 'avoided'
  | 'hardware'
  | 'cpu'
  | 'cpu-reservation'
  | 'memory'
  | 'storage';

export interface Validator {
  rule: Rule;
  /** Why the host cannot be taken, or undefined when it can. */
  check(candidate: Candidate, need: Need): string | undefined;
  /** What would help when this rule ruled hosts out. */
  help(need: Need): string;
}

const short = (what: string, free: number, need: number) =>
  free >= need ? undefined : `${free} ${what} free, ${need} needed`;

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
    rule: 'state',
    check: ({ host }) => (host.state === 'online' ? undefined : `is ${host.state}`),
    help: () => 'Bring hosts back online.',
  },
  {
    rule: 'avoided',
    check: ({ host }, need) => (need.avoid?.has(host.id) ? 'was tried before' : undefined),
    help: () => 'Repair the hosts on which the start failed.',
  },
  {
    rule: 'hardware',
    check: ({ host }, need) =>
      !need.hardwareVirtualisation || host.hardwareVirtualisation ? undefined : 'its CPU has no VT-x or AMD-V',
    help: () => "Choose cpu.mode 'full', or hosts with VT-x or AMD-V.",
  },
  {
    rule: 'cpu',
    check: ({ host }, need) => short('vCPUs', host.freeVcpus, need.vcpus),
    help: (need) => `Stop VMs or add hosts: ${need.vcpus} vCPUs must be free on one host.`,
  },
  {
    rule: 'cpu-reservation',
    check: ({ host }, need) => short('MHz', host.freeMhz, need.mhz),
    help: (need) => `Lower cpu.reservationMhz: ${need.mhz} MHz must be free on one host.`,
  },
  {
    rule: 'memory',
    check: ({ host }, need) => short('MiB', host.freeMemoryMiB, need.memoryMiB),
    help: (need) => `Stop VMs or add hosts: ${need.memoryMiB} MiB must be free on one host.`,
  },
  {
    rule: 'storage',
    check: ({ datastores }, need) =>
      need.storageGiB === 0 || datastores.some((d) => d.freeGiB >= need.storageGiB)
        ? undefined
        : `no datastore that it reaches has ${need.storageGiB} GiB free`,
    help: (need) => `Free or add storage: ${need.storageGiB} GiB must be free on one datastore.`,
  },
];
