import * as z from 'zod';
import { incidentReport } from './incident-report.ts';
import { type ApiOperation, get, post } from './operation.ts';
import * as s from './shapes.ts';

const ok = (schema: z.ZodType, description: string) => ({ status: 200, schema, description });

/** Planned work that lasts longer is announced again. */
const LONGEST_MINUTES = 10_080;

const reason = z.string().trim().min(1).max(500);
export const disarmCluster = z.strictObject({
  reason: reason.describe('what the work is, for whoever wonders'),
  forMinutes: z
    .int()
    .min(1)
    .max(LONGEST_MINUTES)
    .optional()
    .describe('in force again by itself then; without it, when it is armed by hand'),
});
export const confirmFenced = z.strictObject({
  hostName: z.string().max(128).describe('the name of the host, so that nobody confirms another one by mistake'),
  statement: reason.describe('what was done or seen that makes sure that it runs nothing'),
});

/** High availability on the operator's face, in a function of its own. */
export const availabilityContract = {
  listIncidents: get('system', '/v1/system/incidents', {
    tag: 'watch',
    summary: 'List incidents',
    query: s.listQuery.extend({ state: z.string().optional(), hostId: z.string().optional() }),
    response: ok(s.listOf(s.incident), 'incidents'),
  }),
  getIncident: get('system', '/v1/system/incidents/{incidentId}', {
    tag: 'watch',
    summary: 'Read an incident: its timeline and every VM of it',
    response: ok(s.incident, 'the incident'),
  }),
  getIncidentReport: get('system', '/v1/system/incidents/{incidentId}/report', {
    tag: 'watch',
    summary: 'Report an incident: its causes and effects in order, and how long each VM took, phase by phase',
    query: s.listQuery.extend({
      format: z.enum(['json', 'text']).optional().describe('text: to be read, with the slowest VMs only; json'),
    }),
    response: { ...ok(incidentReport, 'the report; its VMs in pages'), text: true },
  }),
  disarmCluster: post('system', '/v1/system/clusters/{clusterId}/ha-disarm', {
    tag: 'availability',
    summary: 'Put HA of a cluster out of force for planned work: hosts are watched, but none is fenced',
    body: disarmCluster,
    example: { reason: 'new switches in rack 4', forMinutes: 120 },
    query: s.dryRunQuery,
    response: ok(s.cluster, 'the cluster'),
    problems: ['illegal-transition'],
  }),
  armCluster: post('system', '/v1/system/clusters/{clusterId}/ha-arm', {
    tag: 'availability',
    summary: 'Put HA of a cluster in force again',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: ok(s.cluster, 'the cluster'),
    problems: ['illegal-transition'],
  }),
  recoverVm: post('system', '/v1/system/vms/{vmId}/recover', {
    tag: 'availability',
    summary: 'Recover a VM once more whose recovery was given up (unknown): it starts with the next pass',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: ok(s.systemVm, 'the VM, which waits to be placed'),
    problems: ['illegal-transition'],
  }),
  confirmFenced: post('system', '/v1/system/hosts/{hostId}/confirm-fenced', {
    tag: 'availability',
    summary: 'Confirm that a host which cannot be fenced runs nothing, so that its VMs may start elsewhere',
    body: confirmFenced,
    example: { hostName: 'a-c1-h1', statement: 'both of its power cables are pulled out' },
    // The word of a person takes the place of the machine's, so few may give it.
    roles: ['system-admin'],
    response: ok(s.host, 'the host'),
    problems: ['illegal-transition', 'site-unreachable'],
  }),
} satisfies Record<string, ApiOperation>;
