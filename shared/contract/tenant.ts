import * as z from 'zod';
import { type ApiOperation, get, patch, post, remove } from './operation.ts';
import { vmPerformance } from './performance.ts';
import { placeholder } from './protection.ts';
import * as s from './shapes.ts';

const ok = (schema: z.ZodType, description: string) => ({ status: 200, schema, description });
const created = (schema: z.ZodType, description: string) => ({ status: 201, schema, description });
const accepted = { status: 202, schema: s.operation, description: 'the operation; follow Operation-Location' };
const gone = { status: 204, schema: z.null(), description: 'gone' };

const vmExample = {
  name: 'web-1',
  cpu: { vcpus: 2, mode: 'hardware' },
  memory: { sizeMiB: 4096, mode: 'hardware', pageSize: '4k' },
  guest: { os: 'linux' },
  disks: [{ name: 'root', sizeGiB: 20, boot: true, io: 'virtio' }],
  nics: [],
  ha: { enabled: true, restartPriority: 'high' },
  start: true,
};
const operationQuery = s.listQuery.extend({
  state: z.string().optional(),
  kind: z.string().optional(),
  target: z.string().optional(),
});

const vmWithPlaceholders = s.vm.extend({
  placeholders: z
    .array(placeholder)
    .optional()
    .describe('of a VM that is protected: what stands for it at other sites (DR-21)'),
});

/** The tenants' face, `/v1`. */
export const tenantContract = {
  listVdcs: get('tenant', '/v1/vdcs', {
    tag: 'vdcs',
    summary: 'List the VDCs of the tenant',
    query: s.listQuery,
    response: ok(s.listOf(s.vdc), 'a page of VDCs'),
  }),
  getVdc: get('tenant', '/v1/vdcs/{vdcId}', {
    tag: 'vdcs',
    summary: 'Read a VDC with its quota and usage',
    response: ok(s.vdc, 'the VDC'),
  }),
  getVdcUtilization: get('tenant', '/v1/vdcs/{vdcId}/utilization', {
    tag: 'vdcs',
    summary: 'What a VDC uses, per site',
    response: ok(s.utilization, 'use per site'),
  }),
  createVpc: post('tenant', '/v1/vdcs/{vdcId}/vpcs', {
    tag: 'vpcs',
    summary: 'Create a VPC',
    body: s.createVpc,
    example: { name: 'private', sharing: 'private' },
    query: s.dryRunQuery,
    response: created(s.vpc, 'the VPC'),
    problems: ['name-taken', 'quota-exceeded'],
  }),
  listVpcs: get('tenant', '/v1/vdcs/{vdcId}/vpcs', {
    tag: 'vpcs',
    summary: 'List the VPCs of a VDC',
    query: s.listQuery,
    response: ok(s.listOf(s.vpc), 'a page of VPCs'),
  }),
  getVpc: get('tenant', '/v1/vpcs/{vpcId}', { tag: 'vpcs', summary: 'Read a VPC', response: ok(s.vpc, 'the VPC') }),
  patchVpc: patch('tenant', '/v1/vpcs/{vpcId}', {
    tag: 'vpcs',
    summary: 'Rename a VPC',
    body: s.patchVpc,
    example: { name: 'inner' },
    response: ok(s.vpc, 'the VPC'),
    problems: ['name-taken'],
  }),
  deleteVpc: remove('tenant', '/v1/vpcs/{vpcId}', {
    tag: 'vpcs',
    summary: 'Delete an empty VPC',
    response: gone,
    problems: ['in-use'],
  }),
  createNetwork: post('tenant', '/v1/vpcs/{vpcId}/networks', {
    tag: 'networks',
    summary: 'Create an internal, direct or routed network',
    body: s.createNetwork,
    example: { name: 'inner', type: 'internal', cidr: '10.1.0.0/24' },
    query: s.dryRunQuery,
    response: created(s.network, 'the network'),
    problems: ['name-taken', 'quota-exceeded'],
  }),
  listNetworks: get('tenant', '/v1/vpcs/{vpcId}/networks', {
    tag: 'networks',
    summary: 'List the networks of a VPC',
    query: s.listQuery,
    response: ok(s.listOf(s.network), 'a page of networks'),
  }),
  getNetwork: get('tenant', '/v1/networks/{networkId}', {
    tag: 'networks',
    summary: 'Read a network',
    response: ok(s.network, 'the network'),
  }),
  patchNetwork: patch('tenant', '/v1/networks/{networkId}', {
    tag: 'networks',
    summary: 'Change how each port of a network is shaped; takes effect without restart',
    body: s.patchNetwork,
    example: { qos: { send: { averageMbps: 100, peakMbps: 200, burstMbit: 100 } } },
    response: ok(s.network, 'the network'),
  }),
  deleteNetwork: remove('tenant', '/v1/networks/{networkId}', {
    tag: 'networks',
    summary: 'Delete a network without NICs',
    response: gone,
    problems: ['in-use'],
  }),
  createVm: post('tenant', '/v1/vdcs/{vdcId}/vms', {
    tag: 'vms',
    summary: 'Create one VM, or `count` of them',
    body: s.createVm,
    example: vmExample,
    query: s.dryRunQuery,
    longRunning: true,
    response: created(z.union([s.vm, s.listOf(s.vm)]), 'the VM; with count > 1 a list'),
    problems: [
      'quota-exceeded',
      'no-capacity',
      'failover-capacity',
      'address-exhausted',
      'address-taken',
      'feature-unavailable',
    ],
  }),
  listVms: get('tenant', '/v1/vdcs/{vdcId}/vms', {
    tag: 'vms',
    summary: 'List the VMs of a VDC',
    query: s.listQuery.extend({ state: z.string().optional(), name: z.string().optional() }),
    response: ok(s.listOf(s.vm), 'a page of VMs'),
  }),
  getVm: get('tenant', '/v1/vms/{vmId}', {
    tag: 'vms',
    summary: 'Read a VM',
    response: ok(vmWithPlaceholders, 'the VM'),
  }),
  patchVm: patch('tenant', '/v1/vms/{vmId}', {
    tag: 'vms',
    summary: 'Change name, HA or QoS of a VM; QoS of one that runs takes effect without restart',
    body: s.patchVm,
    example: { name: 'web-2' },
    response: ok(s.vm, 'the VM'),
    problems: ['in-use', 'feature-unavailable', 'no-capacity', 'failover-capacity'],
  }),
  getVmPerformance: get('tenant', '/v1/vms/{vmId}/performance', {
    tag: 'vms',
    summary: 'What a VM gets under the present load, and why',
    response: ok(vmPerformance, 'CPU, memory, NUMA, disks and NICs'),
    problems: ['not-running', 'site-unreachable'],
  }),
  migrateVm: post('tenant', '/v1/vms/{vmId}/migrate', {
    tag: 'vms',
    summary: 'Move a VM that runs to another host, without stopping it',
    body: s.migrateVm.optional(),
    example: { allowedDowntimeMs: 300 },
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['in-use', 'operation-in-progress', 'illegal-transition', 'feature-unavailable', 'no-capacity'],
  }),
  convertVm: post('tenant', '/v1/vms/{vmId}/convert', {
    tag: 'vms',
    summary: 'Turn a VM of a vmware pool into one of a fusioncompute pool: it is stopped, copied and started there',
    body: s.convertVm.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: [
      'operation-in-progress',
      'illegal-transition',
      'in-use',
      'feature-unavailable',
      'no-capacity',
      'failover-capacity',
    ],
  }),
  deleteVm: remove('tenant', '/v1/vms/{vmId}', {
    tag: 'vms',
    summary: 'Delete a VM with its disks',
    response: accepted,
    longRunning: true,
    problems: ['operation-in-progress', 'illegal-transition', 'in-use'],
  }),
  startVm: post('tenant', '/v1/vms/{vmId}/start', {
    tag: 'vms',
    summary: 'Start a stopped VM',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['in-use', 'operation-in-progress', 'illegal-transition', 'no-capacity', 'failover-capacity'],
  }),
  stopVm: post('tenant', '/v1/vms/{vmId}/stop', {
    tag: 'vms',
    summary: 'Stop a running VM',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['in-use', 'operation-in-progress', 'illegal-transition'],
  }),
  listOperations: get('tenant', '/v1/operations', {
    tag: 'operations',
    summary: 'List operations, newest first',
    query: operationQuery,
    response: ok(s.listOf(s.operation), 'a page of operations'),
  }),
  getOperation: get('tenant', '/v1/operations/{operationId}', {
    tag: 'operations',
    summary: 'Read an operation; with `wait` hold the answer until it ends',
    query: z.strictObject({
      wait: z.coerce.number().int().min(0).max(60).optional().describe('seconds; counts as 25 at most'),
    }),
    response: ok(s.operation, 'the operation'),
  }),
  cancelOperation: post('tenant', '/v1/operations/{operationId}/cancel', {
    tag: 'operations',
    summary: 'Cancel a migration that is under way; where it has come too late the migration succeeds',
    body: s.noBody.optional(),
    example: {},
    response: accepted,
    problems: ['illegal-transition'],
  }),
  listEvents: get('tenant', '/v1/events', {
    tag: 'events',
    summary: 'What happened to the tenant’s things, newest first',
    query: s.listQuery.extend({ type: z.string().optional(), subject: z.string().optional() }),
    response: ok(s.listOf(s.event), 'a page of events'),
  }),
} satisfies Record<string, ApiOperation>;
