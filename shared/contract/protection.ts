import * as z from 'zod';
import {
  GROUP_STATES,
  GROUP_VMS_AT_ONCE,
  GROUP_VMS_MAX,
  replicationChange,
  replicationSpec,
} from '../model/protection.ts';
import { type ApiOperation, get, patch, post, remove } from './operation.ts';
import * as s from './shapes.ts';

const ok = (schema: z.ZodType, description: string) => ({ status: 200, schema, description });
const accepted = { status: 202, schema: s.operation, description: 'the operation; follow Operation-Location' };

const id = z.string().min(1).max(128);
const someVms = z.array(id).min(1).max(GROUP_VMS_AT_ONCE);

export const createGroup = z.strictObject({
  name: s.name,
  vdcId: id,
  vms: someVms.describe('ids of VMs that stand at one site; more can be added later'),
  replication: replicationSpec,
});
export const patchGroup = z.strictObject({
  name: s.name.optional(),
  addVms: someVms.optional(),
  removeVms: someVms.optional().describe('what is removed is no longer protected, and its copies are deleted'),
  replication: replicationChange.optional(),
});
export const checkEligibility = z.strictObject({
  vms: z.array(id).min(1).max(GROUP_VMS_MAX),
  replication: replicationSpec,
});
export const discardDivergence = z.strictObject({
  reason: z.string().trim().min(1).max(500).describe('why these writes are not wanted, for the audit trail'),
});

export const abandonFormer = z.strictObject({
  siteId: id.describe('the former primary, as the group names it'),
  reason: z.string().trim().min(1).max(500).describe('how it is known that it does not come back, for the audit trail'),
});

const writes = {
  count: z.int().min(0),
  bytes: z.int().min(0),
  from: s.time.optional().describe('when the oldest of them was acknowledged'),
  to: s.time.optional().describe('when the newest of them was acknowledged'),
};
const point = z.object({
  sequence: z.int().min(0),
  stateAt: s.time.describe('it holds what stood then'),
  usableAt: s.time,
});
const leg = z.object({
  siteId: z.string(),
  from: z.string(),
  mode: z.string(),
  linkId: z.string(),
  mbps: z.number(),
  standby: z.boolean().optional().describe('it sends only when another leg cannot'),
  state: z
    .string()
    .optional()
    .describe('initial, synced, behind or suspended; as the sites say, absent when none answers'),
  linkUp: z.boolean().optional(),
  backlogBytes: z.int().optional().describe('written and not there yet'),
  lagSeconds: z.number().optional().describe('age of the newest state that could be used there now'),
  rpo: z.enum(['met', 'at risk', 'violated']).optional(),
  rpoMinutes: z.int().optional().describe('what is promised; 0 for a synchronous leg'),
  points: z.array(point).optional().describe('states that it could be switched to, oldest first'),
  lacks: z
    .array(z.string())
    .optional()
    .describe('VMs that its newest point does not hold, as their first copy is under way; the others are protected'),
});
/** What stands for a VM at a site that holds its copy (DR-21). */
export const placeholder = z.object({
  siteId: z.string(),
  volumes: z.array(z.object({ name: z.string(), sizeGiB: z.int() })),
  reserved: z
    .object({
      clusterId: z.string(),
      vcpus: z.int(),
      mhz: z.int(),
      memoryMiB: z.int(),
      usedByTestVmId: z.string().optional().describe('the copy of a test that sits on it now'),
    })
    .optional()
    .describe('compute that a recovery plan keeps there for it; without one, room is looked for when it is needed'),
  notReserved: z.string().optional().describe('why a plan that is to keep room there has none for it'),
});
export const protectedGroup = z.object({
  id: z.string(),
  name: z.string(),
  vdcId: z.string(),
  state: z.enum(GROUP_STATES),
  reason: z.string().optional(),
  vms: z.array(z.string()),
  replication: replicationSpec,
  primarySiteId: z.string(),
  epoch: z.int(),
  legs: z.array(leg),
  outdated: z
    .array(z.object({ vmId: z.string(), reason: z.string() }))
    .optional()
    .describe('VMs that are not protected as they are, until the policy is executed'),
  former: z
    .object({
      siteId: z.string(),
      epoch: z.int(),
      demoted: z.boolean(),
      divergent: z.object({ ...writes, discarded: z.boolean() }).optional(),
      abandoned: z
        .object({ at: s.time, by: z.string(), reason: z.string() })
        .optional()
        .describe('somebody answers for it that the site does not come back'),
    })
    .optional()
    .describe('the primary before the last switch'),
  aloneSince: s.time.optional().describe('since when guests go on although the synchronous copy may lack writes'),
  silentSites: z
    .array(z.string())
    .optional()
    .describe('sites that did not answer: of them, only what is believed is said'),
  afterLoss: z
    .array(
      z.object({
        lost: z.array(z.string()).describe('sites that are lost'),
        siteId: z.string().optional().describe('where it would go on; absent when nowhere'),
        lossSeconds: z.number().optional().describe('how much work would be lost at most'),
        why: z.string(),
      }),
    )
    .optional()
    .describe('who is protected after which loss, as things are now'),
  usedBy: z.string().optional().describe('the recovery plan that uses it'),
  reservedBy: z.string().optional().describe('of one group: the recovery plan that keeps compute for its VMs (DR-21)'),
  placeholders: z
    .array(placeholder.extend({ vmId: z.string() }))
    .optional()
    .describe('of one group: what stands for its VMs at other sites'),
  operationId: z.string(),
  version: z.int(),
  createdAt: s.time,
});

const reason = z.object({
  rule: z.string(),
  reason: z.string(),
  fix: z.string(),
  figures: z.record(z.string(), z.unknown()).optional(),
});
const eligibility = z.object({
  eligible: z.boolean(),
  reasons: z.array(reason).describe('what forbids it for the group as a whole'),
  items: z.array(z.object({ vmId: z.string(), eligible: z.boolean(), reasons: z.array(reason) })),
  initialCopySeconds: z.number().optional().describe('how long the first copy takes at most, were all disks full'),
});
const divergentWrite = z.object({
  sequence: z.int().describe('its number in the group'),
  vmId: z.string(),
  disk: z.string(),
  index: z.int(),
  data: z.string().describe('base64'),
  at: s.time,
});
const divergence = s.listOf(divergentWrite).extend({ total: z.object(writes) });

const example = {
  name: 'shop',
  vdcId: 'vdc_example',
  vms: ['vm_example'],
  replication: { mode: 'async', targetSiteId: 'site_b', rpoMinutes: 15 },
};

/** Protected groups, in the function of disaster recovery. */
export const protectionContract = {
  createProtectedGroup: post('tenant', '/v1/protected-groups', {
    tag: 'protection',
    summary: 'Protect VMs together: their disks are copied to another site, in one order of writes',
    body: createGroup,
    example,
    query: s.dryRunQuery,
    response: { status: 201, schema: protectedGroup, description: 'the group; its initial copy begins' },
    longRunning: true,
    problems: ['feature-unavailable', 'no-capacity', 'operation-in-progress'],
  }),
  listProtectedGroups: get('tenant', '/v1/protected-groups', {
    tag: 'protection',
    summary: 'List protected groups, as they are believed to be',
    query: s.listQuery.extend({
      vdcId: z.string().optional(),
      state: z.enum(GROUP_STATES).optional(),
      name: z.string().optional(),
    }),
    response: ok(s.listOf(protectedGroup), 'groups'),
  }),
  checkEligibility: post('tenant', '/v1/protected-groups/eligibility', {
    tag: 'protection',
    summary: 'Say of each VM whether it could be protected so, and all that is in the way',
    body: checkEligibility,
    example: { vms: example.vms, replication: example.replication },
    readOnly: true,
    roles: ['tenant-admin', 'tenant-operator', 'tenant-auditor'],
    response: ok(eligibility, 'all reasons at once'),
  }),
  getProtectedGroup: get('tenant', '/v1/protected-groups/{groupId}', {
    tag: 'protection',
    summary: 'Read a protected group, with how far its copies are',
    response: ok(protectedGroup, 'the group'),
  }),
  patchProtectedGroup: patch('tenant', '/v1/protected-groups/{groupId}', {
    tag: 'protection',
    summary: 'Change name, members or policy of a group; the policy is executed with it',
    body: patchGroup,
    example: { replication: { rpoMinutes: 30 } },
    query: s.dryRunQuery,
    response: ok(protectedGroup, 'the group'),
    longRunning: true,
    problems: ['illegal-transition', 'feature-unavailable', 'no-capacity', 'operation-in-progress'],
  }),
  deleteProtectedGroup: remove('tenant', '/v1/protected-groups/{groupId}', {
    tag: 'protection',
    summary: 'End the protection: the VMs stay, their copies at other sites are deleted',
    response: accepted,
    longRunning: true,
    problems: ['illegal-transition', 'in-use', 'operation-in-progress'],
  }),
  suspendProtectedGroup: post('tenant', '/v1/protected-groups/{groupId}/suspend', {
    tag: 'protection',
    summary: 'Stop the sending; the guests go on and their writes are noted',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['illegal-transition', 'operation-in-progress'],
  }),
  resumeProtectedGroup: post('tenant', '/v1/protected-groups/{groupId}/resume', {
    tag: 'protection',
    summary: 'Send again; protected when the copies have caught up',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['illegal-transition', 'operation-in-progress'],
  }),
  executeProtectedGroup: post('tenant', '/v1/protected-groups/{groupId}/execute', {
    tag: 'protection',
    summary: 'Execute the policy once more: VMs that are outdated are protected as they are now',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['illegal-transition', 'feature-unavailable', 'no-capacity', 'operation-in-progress'],
  }),
  getDivergence: get('tenant', '/v1/protected-groups/{groupId}/divergence', {
    tag: 'protection',
    summary: 'Read the writes that the former primary acknowledged and the primary of today does not have',
    query: s.listQuery,
    response: ok(divergence, 'writes, oldest first'),
    problems: ['site-unreachable', 'illegal-transition'],
  }),
  abandonFormer: post('tenant', '/v1/protected-groups/{groupId}/abandon-former', {
    tag: 'protection',
    summary:
      'Answer for it that the former primary, which nobody hears, does not come back: it is waited for no longer',
    body: abandonFormer,
    example: { siteId: 'site_a', reason: 'the building burnt down' },
    roles: ['tenant-admin'],
    response: ok(protectedGroup, 'the group'),
    problems: ['illegal-transition'],
  }),
  discardDivergence: post('tenant', '/v1/protected-groups/{groupId}/discard-divergence', {
    tag: 'protection',
    summary: 'Give up the writes that only the former primary has, so that it may be overwritten',
    body: discardDivergence,
    example: { reason: 'entered again by hand' },
    roles: ['tenant-admin'],
    response: ok(protectedGroup, 'the group'),
    problems: ['site-unreachable', 'illegal-transition'],
  }),
} satisfies Record<string, ApiOperation>;
