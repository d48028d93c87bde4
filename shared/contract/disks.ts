import * as z from 'zod';
import { DISK_GIB_MAX } from '../model/vm.ts';
import { type ApiOperation, post } from './operation.ts';
import * as s from './shapes.ts';

export const growDisk = z.strictObject({
  sizeGiB: z.int().min(1).max(DISK_GIB_MAX).describe('its new size in all; larger than it is'),
});

/** Disks of VMs, in a function of their own. */
export const disksContract = {
  growDisk: post('tenant', '/v1/vms/{vmId}/disks/{disk}/grow', {
    tag: 'vms',
    summary: 'Make a disk larger while its VM runs or is stopped; the new part reads as zeros, copies of it grow too',
    body: growDisk,
    example: { sizeGiB: 40 },
    query: s.dryRunQuery,
    response: { status: 202, schema: s.operation, description: 'the operation; follow Operation-Location' },
    longRunning: true,
    problems: [
      'illegal-transition',
      'in-use',
      'quota-exceeded',
      'no-capacity',
      'feature-unavailable',
      'operation-in-progress',
    ],
  }),
} satisfies Record<string, ApiOperation>;
