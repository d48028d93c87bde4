import * as z from 'zod';
import { link } from './link.ts';
import { maintenanceContract } from './maintenance.ts';
import { type ApiOperation, get, patch, post } from './operation.ts';
import { hostPerformance, vmPerformance } from './performance.ts';
import * as s from './shapes.ts';
import { datastore, site } from './site.ts';

const ok = (schema: z.ZodType, description: string) => ({ status: 200, schema, description });
const created = (schema: z.ZodType, description: string) => ({ status: 201, schema, description });
const accepted = { status: 202, schema: s.operation, description: 'the operation; follow Operation-Location' };
const quotaExample = { vcpus: 64, memoryMiB: 131_072, storageGiB: 2000, vms: 50, vpcs: 5, networks: 10 };

/** The operator's face, `/v1/system`. */
export const systemContract = {
  createTenant: post('system', '/v1/system/tenants', {
    tag: 'tenants',
    summary: 'Create a tenant',
    body: s.createTenant,
    example: { name: 'acme' },
    query: s.dryRunQuery,
    response: created(s.tenant, 'the tenant'),
    problems: ['name-taken'],
  }),
  listTenants: get('system', '/v1/system/tenants', {
    tag: 'tenants',
    summary: 'List tenants',
    query: s.listQuery,
    response: ok(s.listOf(s.tenant), 'a page of tenants'),
  }),
  getTenant: get('system', '/v1/system/tenants/{tenantId}', {
    tag: 'tenants',
    summary: 'Read a tenant',
    response: ok(s.tenant, 'the tenant'),
  }),
  createVdc: post('system', '/v1/system/tenants/{tenantId}/vdcs', {
    tag: 'tenants',
    summary: 'Give a tenant a VDC across sites, with a quota',
    body: s.createVdc,
    example: { name: 'main', sites: ['site_a'], quota: quotaExample },
    query: s.dryRunQuery,
    response: created(s.vdc, 'the VDC'),
    problems: ['name-taken'],
  }),
  listTenantVdcs: get('system', '/v1/system/tenants/{tenantId}/vdcs', {
    tag: 'tenants',
    summary: 'List the VDCs of a tenant',
    query: s.listQuery,
    response: ok(s.listOf(s.vdc), 'a page of VDCs'),
  }),
  patchTenantVdc: patch('system', '/v1/system/tenants/{tenantId}/vdcs/{vdcId}', {
    tag: 'tenants',
    summary: 'Change the quota of a VDC',
    body: s.patchVdc,
    example: { quota: { vcpus: 128 } },
    response: ok(s.vdc, 'the VDC'),
    problems: ['quota-exceeded'],
  }),
  listSites: get('system', '/v1/system/sites', {
    tag: 'inventory',
    summary: 'List sites',
    query: s.listQuery,
    response: ok(s.listOf(site), 'sites'),
  }),
  getSite: get('system', '/v1/system/sites/{siteId}', {
    tag: 'inventory',
    summary: 'Read a site',
    response: ok(site, 'the site'),
  }),
  listClusters: get('system', '/v1/system/clusters', {
    tag: 'inventory',
    summary: 'List clusters',
    query: s.listQuery.extend({ siteId: z.string().optional() }),
    response: ok(s.listOf(s.cluster), 'clusters'),
  }),
  getCluster: get('system', '/v1/system/clusters/{clusterId}', {
    tag: 'inventory',
    summary: 'Read a cluster',
    response: ok(s.cluster, 'the cluster'),
  }),
  patchCluster: patch('system', '/v1/system/clusters/{clusterId}', {
    tag: 'inventory',
    summary: 'Change HA, memory overcommit, guest NUMA or the CPU baseline of a cluster',
    body: s.patchCluster,
    example: { overcommit: { enabled: true, ratioPercent: 120 } },
    response: ok(s.cluster, 'the cluster'),
    problems: ['in-use'],
  }),
  listHosts: get('system', '/v1/system/hosts', {
    tag: 'inventory',
    summary: 'List hosts with state and ledger',
    query: s.listQuery.extend({
      siteId: z.string().optional(),
      clusterId: z.string().optional(),
      state: z.string().optional(),
    }),
    response: ok(s.listOf(s.host), 'hosts'),
  }),
  getHost: get('system', '/v1/system/hosts/{hostId}', {
    tag: 'inventory',
    summary: 'Read a host',
    response: ok(s.host, 'the host'),
  }),
  getHostPerformance: get('system', '/v1/system/hosts/{hostId}/performance', {
    tag: 'inventory',
    summary: 'What every VM of a host gets under the present load, and why',
    response: ok(hostPerformance, 'CPU, memory, NUMA and each VM'),
    problems: ['site-unreachable'],
  }),
  patchHost: patch('system', '/v1/system/hosts/{hostId}', {
    tag: 'inventory',
    summary: 'Give a host a swap partition, or take it away',
    body: s.patchHost,
    example: { swap: { datastoreId: 'ds_example', sizeMiB: 8192 } },
    response: ok(s.host, 'the host'),
    problems: ['no-capacity'],
  }),
  powerOnHost: post('system', '/v1/system/hosts/{hostId}/power-on', {
    tag: 'inventory',
    summary: 'Power on a fenced host',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['illegal-transition', 'operation-in-progress'],
  }),
  ...maintenanceContract,
  listDatastores: get('system', '/v1/system/datastores', {
    tag: 'inventory',
    summary: 'List datastores',
    query: s.listQuery.extend({ siteId: z.string().optional() }),
    response: ok(s.listOf(datastore), 'datastores'),
  }),
  listLinks: get('system', '/v1/system/links', {
    tag: 'inventory',
    summary: 'List links between sites',
    query: s.listQuery,
    response: ok(s.listOf(link), 'links'),
  }),
  listExternalNetworks: get('system', '/v1/system/external-networks', {
    tag: 'inventory',
    summary: 'List external networks',
    query: s.listQuery,
    response: ok(s.listOf(s.externalNetwork), 'external networks'),
  }),
  listSystemVms: get('system', '/v1/system/vms', {
    tag: 'vms',
    summary: 'List VMs of a tenant or on a host',
    query: s.listQuery.extend({ tenantId: z.string().optional(), hostId: z.string().optional() }),
    response: ok(s.listOf(s.systemVm), 'VMs with host and epoch'),
  }),
  getSystemVm: get('system', '/v1/system/vms/{vmId}', {
    tag: 'vms',
    summary: 'Read a VM with host and epoch',
    response: ok(s.systemVm, 'the VM'),
  }),
  getSystemVmPerformance: get('system', '/v1/system/vms/{vmId}/performance', {
    tag: 'vms',
    summary: 'What a VM gets under the present load, and why',
    response: ok(vmPerformance, 'CPU, memory, NUMA, disks and NICs'),
    problems: ['not-running', 'site-unreachable'],
  }),
  migrateSystemVm: post('system', '/v1/system/vms/{vmId}/migrate', {
    tag: 'vms',
    summary: 'Move a VM that runs to another host, named or chosen, without stopping it',
    body: s.migrateSystemVm.optional(),
    example: { hostId: 'host_example' },
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['in-use', 'operation-in-progress', 'illegal-transition', 'feature-unavailable', 'no-capacity'],
  }),
  migrateSystemVmDisks: post('system', '/v1/system/vms/{vmId}/disks/migrate', {
    tag: 'vms',
    summary: 'Move disks of a VM that runs or is stopped to other datastores of its site',
    body: s.migrateSystemVmDisks,
    example: { disks: [{ name: 'root', datastoreId: 'ds_example' }] },
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['in-use', 'operation-in-progress', 'illegal-transition', 'feature-unavailable', 'no-capacity'],
  }),
  explainPlacement: post('system', '/v1/system/placements/explain', {
    tag: 'placement',
    summary: 'Say for each host whether a VM could go there, and why not',
    body: s.explainPlacement,
    readOnly: true,
    example: {
      vdcId: 'vdc_example',
      cpu: { vcpus: 2, mode: 'hardware' },
      memory: { sizeMiB: 4096, mode: 'hardware' },
      disks: [{ name: 'root', sizeGiB: 20 }],
    },
    roles: ['system-admin', 'system-operator', 'system-auditor'],
    response: ok(s.explanation, 'per host: fits, or the reasons'),
  }),
  listAlarms: get('system', '/v1/system/alarms', {
    tag: 'watch',
    summary: 'List alarms',
    query: s.listQuery.extend({ state: z.string().optional() }),
    response: ok(s.listOf(s.alarm), 'alarms'),
  }),
  listSystemOperations: get('system', '/v1/system/operations', {
    tag: 'operations',
    summary: 'List the operations that belong to no tenant',
    query: s.listQuery.extend({
      state: z.string().optional(),
      kind: z.string().optional(),
      target: z.string().optional(),
    }),
    response: ok(s.listOf(s.operation), 'operations'),
  }),
  getSystemOperation: get('system', '/v1/system/operations/{operationId}', {
    tag: 'operations',
    summary: 'Read any operation',
    response: ok(s.operation, 'the operation'),
  }),
  listSystemEvents: get('system', '/v1/system/events', {
    tag: 'watch',
    summary: 'Events of the system',
    query: s.listQuery.extend({ type: z.string().optional(), subject: z.string().optional() }),
    response: ok(s.listOf(s.event), 'events'),
  }),
  listAuditLog: get('system', '/v1/system/audit-log', {
    tag: 'watch',
    summary: 'Who changed what on a day',
    query: s.listQuery.extend({
      day: z.iso.date().optional().describe('UTC; today without it'),
      operationId: z.string().optional(),
      requestId: z.string().optional(),
    }),
    response: ok(s.listOf(s.auditEntry), 'entries, newest first'),
  }),
  audit: get('system', '/v1/system/audit', {
    tag: 'watch',
    summary: 'Check the invariants on the live system',
    response: ok(s.auditReport, 'per invariant: holds, or what breaks it'),
  }),
} satisfies Record<string, ApiOperation>;
