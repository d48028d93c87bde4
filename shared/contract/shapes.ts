import * as z from 'zod';
import { clusterHaChange, clusterHaSpec, vmHaSpec } from '../model/ha.ts';
import {
  CONDITIONS,
  CPU_GENERATIONS,
  HOST_STATES,
  overcommitChange,
  overcommitSpec,
  vcpuRatioSpec,
} from '../model/inventory.ts';
import { migrationOptions, volumeMoveOptions } from '../model/migration.ts';
import { NETWORK_TYPES } from '../model/network.ts';
import { diskQosSpec, shapingSpec } from '../model/qos.ts';
import { quotaChange, quotaSpec } from '../model/vdc.ts';
import { cpuSpec, diskSpec, guestSpec, memorySpec, nicSpec, numaSpec, placementSpec, VM_STATES } from '../model/vm.ts';
import { disk } from './disk.ts';
import { failoverState } from './failover.ts';
import { nic } from './nic.ts';

/** VMs in one creation: with a NIC and a host each they fit into one transaction (100 actions). */
export const MAX_BATCH = 30;

/** Shapes of requests and answers, by the names that clients see. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/,
    'letters, digits, blanks, dots, dashes and underlines, 1 to 63, beginning with a letter or digit',
  );
export const time = z.iso.datetime().describe('RFC 3339, UTC');

export const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).optional().describe('1 to 1000; larger values count as 1000'),
  pageToken: z.string().max(2048).optional(),
});
export const listOf = (item: z.ZodType) => z.object({ items: z.array(item), nextPageToken: z.string().optional() });
export const dryRunQuery = z.strictObject({
  dryRun: z.enum(['true', 'false']).optional().describe('answer what would happen; change nothing'),
});

export const tenant = z.object({ id: z.string(), name, state: z.literal('active'), version: z.int(), createdAt: time });
export const vdc = z.object({
  id: z.string(),
  tenantId: z.string(),
  name,
  sites: z.array(z.string()),
  quota: quotaSpec,
  usage: quotaSpec,
  management: z.boolean().optional().describe("its VMs are the cloud's own management"),
  version: z.int(),
  createdAt: time,
});
export const vpc = z.object({
  id: z.string(),
  vdcId: z.string(),
  name,
  sharing: z.enum(['private', 'shared']),
  networks: z.int(),
  version: z.int(),
  createdAt: time,
});
export const network = z.object({
  id: z.string(),
  vdcId: z.string(),
  vpcId: z.string(),
  name,
  type: z.enum(NETWORK_TYPES),
  cidr: z.string(),
  gateway: z.string().optional(),
  externalNetworkId: z.string().optional(),
  qos: shapingSpec.optional(),
  version: z.int(),
  createdAt: time,
});
export const vm = z.object({
  id: z.string(),
  name,
  vdcId: z.string(),
  vpcId: z.string().nullable(),
  state: z.enum(VM_STATES),
  reason: z.string().optional(),
  cpu: cpuSpec,
  memory: memorySpec,
  guest: guestSpec,
  disks: z.array(disk),
  nics: z.array(nic),
  ha: vmHaSpec,
  numa: numaSpec.optional(),
  testOf: z
    .object({ vmId: z.string(), planId: z.string(), executionId: z.string() })
    .optional()
    .describe('it is the copy that a test of a recovery plan has made of that VM; the clean-up removes it'),
  version: z.int(),
  createdAt: time,
  operationId: z.string(),
});
export const systemVm = vm.extend({
  tenantId: z.string(),
  siteId: z.string(),
  clusterId: z.string(),
  hostId: z.string().nullable(),
  epoch: z.int(),
});
export const step = z.object({
  name: z.string(),
  state: z.enum(['running', 'success', 'failed']),
  startedAt: time,
  finishedAt: time.optional(),
  detail: z.string().optional(),
});
export const operation = z.object({
  id: z.string(),
  kind: z.string(),
  target: z.string(),
  state: z.enum(['waiting', 'running', 'success', 'failed', 'cancelling', 'cancelled']),
  percent: z.int().min(0).max(100),
  steps: z.array(step),
  note: z.string().optional().describe('what is to be known of how it goes'),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  createdAt: time,
  finishedAt: time.optional(),
});
export const event = z.object({
  id: z.string(),
  type: z.string(),
  at: time,
  subject: z.string(),
  data: z.record(z.string(), z.unknown()),
  tenantId: z.string().optional(),
});
const capacity = z.object({ vcpus: z.int(), mhz: z.int(), memoryMiB: z.int() });
/** What a ledger counts; the dimensions beyond the three are there where the host has something of them. */
const amounts = capacity.catchall(z.int());
export const host = z.object({
  id: z.string(),
  name: z.string(),
  siteId: z.string(),
  clusterId: z.string(),
  state: z.enum(HOST_STATES),
  condition: z
    .enum(CONDITIONS)
    .optional()
    .describe('what its signs said last; alive where nothing else was ever found'),
  reason: z.string().optional().describe('why it was left in maintenance'),
  draining: z.string().optional().describe('the operation that empties it; nothing new is placed on it'),
  power: z.enum(['on', 'off', 'booting']),
  vendor: z.string(),
  arch: z.string(),
  rack: z.string().optional(),
  sockets: z.int(),
  coresPerSocket: z.int(),
  threadsPerCore: z.int(),
  mhz: z.int(),
  hardwareVirtualisation: z.boolean(),
  nestedPaging: z.boolean(),
  cpuGeneration: z.enum(CPU_GENERATIONS).optional(),
  numaNodes: z.int(),
  capacity: amounts,
  allocated: amounts,
  domains: z
    .object({ total: capacity, management: capacity, virtualisation: capacity, allotted: capacity, free: capacity })
    .describe('CPU-20: management and virtualisation make up the host; allotted and free make up the latter'),
  overcommitMiB: z.int().describe('memory that may be promised beyond what is there'),
  overcommitVcpus: z.int().describe('vCPUs that may be promised beyond what is there'),
  swap: z.object({ datastoreId: z.string(), sizeMiB: z.int() }).optional(),
  seenAt: time,
  fenceConfirmed: z
    .object({ by: z.string(), at: time, statement: z.string() })
    .optional()
    .describe('a person said that it runs nothing'),
  version: z.int(),
});
export const cluster = z.object({
  id: z.string(),
  siteId: z.string(),
  name: z.string(),
  arch: z.string(),
  ha: clusterHaSpec,
  disarmed: z.object({ since: time, until: time.optional(), reason: z.string(), by: z.string() }).optional(),
  overcommit: overcommitSpec,
  vcpuRatioPercent: z.int(),
  numa: z.object({ guest: z.boolean() }),
  cpuBaseline: z.enum(CPU_GENERATIONS).optional(),
  failover: failoverState.optional().describe('after a change of what is kept for failures: how that stands'),
  version: z.int(),
});
export const externalNetwork = z.object({
  id: z.string(),
  name: z.string(),
  cidr: z.string(),
  sites: z.array(z.string()),
});
export const alarm = z.object({
  id: z.string(),
  code: z.string(),
  object: z.string(),
  severity: z.string(),
  state: z.string(),
  text: z.string(),
  raisedAt: time,
  clearedAt: time.optional(),
});
export const incident = z.object({
  id: z.string(),
  summary: z.string().describe('in one line'),
  kind: z.literal('guest').optional().describe('of one VM alone, whose host serves'),
  vmId: z.string().optional().describe('the VM of a guest'),
  siteId: z.string(),
  clusterId: z.string(),
  hosts: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      lastSignAt: time,
      rack: z.string().optional(),
      found: z.string().optional().describe('what was found when it was judged'),
      fencedAt: time.optional(),
      fencedBy: z.string().optional(),
      backAt: time.optional().describe('when it served again'),
      killed: z.int().optional().describe('stale processes that were killed when it came back'),
      refusedWrites: z.int().optional().describe('writes of stale processes that their volumes refused'),
    }),
  ),
  state: z.string(),
  openedAt: time,
  closedAt: time.optional(),
  operationId: z.string().optional().describe('the recovery that works on it now'),
  splitFrom: z.string().optional(),
  waiting: z.int().describe('VMs that wait for a place, or for their start to be seen'),
  timeline: z.array(
    z.object({
      at: time,
      what: z.string(),
      detail: z.string().optional(),
      times: z.int().optional(),
      lastAt: time.optional(),
    }),
  ),
  vms: z
    .array(
      z.object({
        id: z.string(),
        outcome: z.string(),
        fromHost: z.string(),
        toHost: z.string().optional(),
        tried: z.array(z.string()).optional().describe('hosts on which its start failed'),
        plannedAt: time.optional(),
        startedAt: time.optional(),
        readyAt: time.optional(),
        rtoSeconds: z.number().optional(),
        reason: z.string().optional(),
      }),
    )
    .optional()
    .describe('in the answer for one incident'),
});
export const auditEntry = z.object({
  id: z.string(),
  at: time,
  actor: z.string(),
  roles: z.array(z.string()),
  operationId: z.string(),
  target: z.string().optional(),
  requestId: z.string(),
  source: z.string().optional(),
  status: z.int(),
  result: z.enum(['done', 'refused']),
  code: z.string().optional(),
  tenantId: z.string().optional(),
});
export const auditReport = z.object({
  ok: z.boolean(),
  checkedAt: time,
  invariants: z.array(z.object({ id: z.string(), ok: z.boolean(), checked: z.int(), violations: z.array(z.string()) })),
});

export const createTenant = z.strictObject({ name });
export const createVdc = z.strictObject({
  name,
  sites: z.array(z.string()).min(1).max(16),
  quota: quotaSpec,
  management: z
    .boolean()
    .optional()
    .describe("its VMs are the cloud's own management, which is not protected like a tenant's (DR-16); false"),
});
export const patchVdc = z.strictObject({ quota: quotaChange });
export const createVpc = z.strictObject({ name, sharing: z.enum(['private', 'shared']).default('private') });
export const patchVpc = z.strictObject({ name });
export const createNetwork = z.strictObject({
  name,
  type: z.enum(NETWORK_TYPES),
  cidr: z.string().optional(),
  externalNetworkId: z.string().optional(),
  routerId: z.string().optional(),
  qos: shapingSpec.optional().describe('how each of its ports is shaped'),
});
export const createVm = z.strictObject({
  name,
  vpcId: z.string().optional(),
  count: z.int().min(1).max(MAX_BATCH).optional(),
  placement: placementSpec.optional(),
  cpu: cpuSpec,
  memory: memorySpec,
  guest: guestSpec,
  disks: z.array(diskSpec).min(1).max(11),
  nics: z.array(nicSpec).max(11).default([]),
  numa: numaSpec.optional(),
  ha: vmHaSpec.default(vmHaSpec.parse({})),
  start: z.boolean().default(true),
});
export const patchVm = z.strictObject({
  name: name.optional(),
  ha: vmHaSpec.optional(),
  cpu: cpuSpec.pick({ shares: true, reservationMhz: true, limitMhz: true }).optional(),
  memory: memorySpec.pick({ shares: true, reservationMiB: true }).optional(),
  disks: z
    .array(z.strictObject({ name: z.string(), qos: diskQosSpec }))
    .min(1)
    .optional(),
  nics: z
    .array(z.strictObject({ id: z.string(), qos: shapingSpec }))
    .min(1)
    .optional(),
});
export const migrateVm = migrationOptions;
export const migrateSystemVm = migrationOptions.extend({
  hostId: z.string().optional().describe('the host to move it to; without it one is chosen'),
});
export const convertVm = z.strictObject({
  siteId: z.string().optional().describe('a site of the VDC and of kind fusioncompute; without it any such site'),
  clusterId: z.string().optional(),
});
export const migrateSystemVmDisks = volumeMoveOptions.extend({
  disks: z
    .array(z.strictObject({ name: z.string().max(64), datastoreId: z.string().max(128) }))
    .max(64)
    .describe('1 to 11 disks, each with the datastore of its site that it is to stand on'),
});
export const patchNetwork = z.strictObject({ qos: shapingSpec });
export const patchCluster = z.strictObject({
  ha: clusterHaChange.optional(),
  overcommit: overcommitChange.optional(),
  vcpuRatioPercent: vcpuRatioSpec
    .optional()
    .describe('vCPUs that VMs of a host may have, in % of its threads for them'),
  numa: z.strictObject({ guest: z.boolean() }).optional(),
  cpuBaseline: z.enum(CPU_GENERATIONS).nullable().optional().describe('null shows guests all that their host has'),
});
export const patchHost = z.strictObject({
  swap: z.strictObject({
    datastoreId: z.string(),
    sizeMiB: z.int().min(0).max(16_777_216).describe('0 takes the partition away'),
  }),
});
export const noBody = z.strictObject({});

export const utilization = z.object({
  quota: quotaSpec,
  usage: quotaSpec,
  sites: z.array(
    z.object({
      siteId: z.string(),
      vms: z.int(),
      running: z.int(),
      vcpus: z.int(),
      memoryMiB: z.int(),
      storageGiB: z.int(),
    }),
  ),
});
export const explanation = z.object({
  chosen: z.string().nullable(),
  hosts: z.array(
    z.object({
      hostId: z.string(),
      fits: z.boolean(),
      reasons: z.array(z.object({ rule: z.string(), reason: z.string() })),
    }),
  ),
});
export const explainPlacement = z.strictObject({
  vdcId: z.string(),
  placement: placementSpec.optional(),
  cpu: cpuSpec,
  memory: memorySpec,
  disks: z.array(diskSpec).min(1),
});
export const loadResult = z.object({
  sites: z.int(),
  clusters: z.int(),
  hosts: z.int(),
  datastores: z.int(),
  links: z.int(),
  externalNetworks: z.int(),
});
