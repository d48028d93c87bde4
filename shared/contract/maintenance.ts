import * as z from 'zod';
import { type ApiOperation, post } from './operation.ts';
import * as s from './shapes.ts';

/** What a host is to have in all (ELA-6). */
export const expandHost = z.strictObject({
  sockets: z.int().min(1).max(32).optional(),
  coresPerSocket: z.int().min(1).max(1_024).optional(),
  memoryGiB: z.int().min(1).max(65_536).optional(),
});

const accepted = { status: 202, schema: s.operation, description: 'the operation; follow Operation-Location' };
const problems = [
  'illegal-transition',
  'operation-in-progress',
  'feature-unavailable',
  'no-capacity',
  'in-use',
] as const;

/** Hosts are emptied and expanded while their VMs run on elsewhere. */
export const maintenanceContract = {
  enterMaintenance: post('system', '/v1/system/hosts/{hostId}/maintenance-enter', {
    tag: 'inventory',
    summary: 'Move every VM off a host and put it into maintenance; a dry run says where each would go, or why not',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems,
  }),
  exitMaintenance: post('system', '/v1/system/hosts/{hostId}/maintenance-exit', {
    tag: 'inventory',
    summary: 'Let a host in maintenance serve again',
    body: s.noBody.optional(),
    example: {},
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems: ['illegal-transition', 'operation-in-progress'],
  }),
  expandHost: post('system', '/v1/system/hosts/{hostId}/expand', {
    tag: 'inventory',
    summary: 'Add CPUs or memory to a host: its VMs are moved away, and none is stopped',
    body: expandHost,
    example: { memoryGiB: 256 },
    query: s.dryRunQuery,
    response: accepted,
    longRunning: true,
    problems,
  }),
} satisfies Record<string, ApiOperation>;
