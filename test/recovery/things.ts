import { ManualClock, MINUTE } from '../../shared/kernel/clock.ts';
import { makeIds, tagOfTenant } from '../../shared/kernel/ids.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import type { Network } from '../../shared/model/network.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import type { RecoveryPlan, RecoveryPlanSpec } from '../../shared/model/recovery-plan.ts';
import type { Vm } from '../../shared/model/vm.ts';
import type { PlanFacts } from '../../shared/recovery/plan-facts.ts';
import type { SitePicture } from '../../shared/recovery/site.ts';
import { printOf } from '../../shared/recovery/tested.ts';
import { cluster, datastore, host } from '../placement/hosts.ts';

/** Midnight of the first day, ms; before it the things of these tests were made. */
export const NOW = Date.UTC(2026, 0, 10);
const ids = makeIds(new ManualClock(), seededRandom(7));
export const tenantId = ids.make('tenant');
export const newId = (kind: Parameters<typeof ids.make>[0]): string => ids.make(kind, tagOfTenant(tenantId));

export function network(name: string, fields: Partial<Network> = {}): Network {
  return {
    id: `net_${name}`,
    tenantId,
    vdcId: 'vdc_1',
    vpcId: 'vpc_1',
    name,
    type: 'internal',
    cidr: '10.1.0.0/29',
    state: 'active',
    version: 1,
    createdAt: 0,
    ...fields,
  };
}

/** A VM of site `a` with a copy at site `b`. */
export function vm(id: string, fields: Partial<Vm> & { networkId?: string; ip?: string } = {}): Vm {
  const { networkId = 'net_inner', ip = '10.1.0.2', ...rest } = fields;
  return {
    id,
    tenantId,
    vdcId: 'vdc_1',
    vpcId: 'vpc_1',
    name: `the ${id}`,
    state: 'running',
    desired: 'running',
    cpu: { vcpus: 2, mode: 'hardware' },
    memory: { sizeMiB: 4096, mode: 'hardware', pageSize: '4k' },
    guest: { os: 'linux' },
    disks: [{ id: `${id}-d`, name: 'root', sizeGiB: 20, boot: true, io: 'virtio', datastoreId: 'san-a' }],
    nics: [{ id: `${id}-n`, networkId, mac: '02:00:00:00:00:01', ip, io: 'virtio', spaceId: networkId }],
    ha: { enabled: true, restartPriority: 'medium' },
    siteId: 'a',
    clusterId: 'a-c1',
    hostId: 'a-h1',
    epoch: 1,
    version: 1,
    createdAt: 0,
    operationId: 'op_1',
    protection: {
      groupId: 'pg_1',
      replicas: [{ siteId: 'b', volumes: [{ id: `${id}-r`, name: 'root', sizeGiB: 20, datastoreId: 'san-b' }] }],
    },
    ...rest,
  } as Vm;
}

/** Asynchronous, from `a` to `b`, protected. */
export function group(id: string, vms: string[], fields: Partial<ProtectedGroup> = {}): ProtectedGroup {
  return {
    id,
    tenantId,
    vdcId: 'vdc_1',
    name: `group ${id}`,
    state: 'protected',
    vms,
    replication: { mode: 'async', targetSiteId: 'b', rpoMinutes: 15 },
    primarySiteId: 'a',
    epoch: 1,
    orderVersion: 1,
    legs: [{ siteId: 'b', from: 'a', mode: 'async', linkId: 'link_ab', mbps: 100 }],
    links: { link_ab: 100 },
    operationId: 'op_1',
    version: 1,
    createdAt: 0,
    ...fields,
  };
}

export function plan(groups: string[], fields: Partial<RecoveryPlan> = {}): RecoveryPlan {
  return {
    id: 'plan_1',
    tenantId,
    name: 'erp',
    groups,
    state: 'ready',
    homeSiteId: 'a',
    executions: 0,
    version: 1,
    createdAt: NOW - 60 * MINUTE,
    ...fields,
  };
}

/** The plan after a successful test of these groups as they are. */
export const tested = (
  of: RecoveryPlan,
  groups: readonly ProtectedGroup[],
  testedAt = NOW - 30 * MINUTE,
): RecoveryPlan => ({
  ...of,
  testedAt,
  testPrint: printOf(groups),
});

export const facts = (groups: ProtectedGroup[], vms: Vm[], more: Partial<PlanFacts> = {}): PlanFacts => ({
  groups,
  vms,
  networks: new Map([['net_inner', network('inner')]]),
  externalSites: new Map(),
  taken: new Map(),
  clusters: [
    { id: 'a-c1', siteId: 'a' },
    { id: 'b-c1', siteId: 'b' },
  ],
  ...more,
});

export const spec = (groups: string[], fields: Partial<RecoveryPlanSpec> = {}): RecoveryPlanSpec => ({
  name: 'erp',
  groups,
  ...fields,
});

export const OUT = { fromSiteId: 'a', toSiteId: 'b', back: false };
export const HOME = { fromSiteId: 'b', toSiteId: 'a', back: true };

/** Site `b`: so many hosts in a cluster, each with so much free memory. */
export const picture = (hosts = 2, memoryMiB = 40_000, more: Partial<SitePicture> = {}): SitePicture => ({
  clusters: [{ ...cluster, id: 'b-c1', name: 'c1', siteId: 'b' }],
  hosts: Array.from({ length: hosts }, (_, i) =>
    host(`b-h${i + 1}`, { siteId: 'b', clusterId: 'b-c1', free: { memoryMiB } }),
  ),
  datastores: [datastore('san-b', { siteId: 'b' })],
  ...more,
});
