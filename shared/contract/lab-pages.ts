import * as z from 'zod';
import { PAGE_SIZES } from '../hypervisor/lab/pages.ts';
import { answer, figures, page, refusal, texts } from './lab-shape.ts';

const hugePool = z.object({ total: z.int(), free: z.int() });
/** Which pages a VM gets, and what they cost. */
export const pages = answer('pages', {
  ...figures('sizeMiB', 'activeMiB', 'tlbEntries', 'ordinaryFreeMiB'),
  scheme: z.enum(['native', 'shadow', 'nested']),
  hugePages: z.object({ '2m': hugePool, '1g': hugePool }).describe('before the VM starts'),
  pageSizes: z.array(
    z.discriminatedUnion('started', [
      z.object({
        pageSize: z.enum(PAGE_SIZES),
        started: z.literal(true),
        pages: z.array(z.object({ page, count: z.int() })),
        hugeShare: z.number().describe('of its memory on huge pages, 0 to 1'),
        poolFree: z.object({ '2m': z.int(), '1g': z.int() }).describe('after the start'),
        ...figures('ordinaryFreeMiB', 'tableEntries', 'tlbReachMiB', 'missRatio'),
        ...figures('referencesPerMiss', 'referencesPerAccess', 'cyclesPerAccess'),
        ...texts('what', 'cost'),
      }),
      z.object({ pageSize: z.enum(PAGE_SIZES), started: z.literal(false), refusal }),
    ]),
  ),
});

const frames = figures('frames', 'references', 'savedPages');
/** Pages that several VMs share. */
export const sharing = answer('sharing', {
  scope: z.enum(['tenant', 'host']),
  before: z.object(frames).describe('before the first step'),
  steps: z.array(
    z.object({
      step: z.int(),
      do: z.enum(['scan', 'write']),
      vm: z.string().optional(),
      page: z.int().optional(),
      text: z.string().optional(),
      ...frames,
      freedFrames: z.int(),
      copied: z.boolean().describe('the page was shared, so that the write took a copy'),
      changedFor: z.array(z.string()).describe('VMs that read something else than before the step'),
      what: z.string(),
    }),
  ),
  ...frames,
  ...figures('savedBytes', 'copiesOnWrite'),
  vms: z.array(
    z.object({
      ...texts('id', 'tenantId'),
      pinned: z.boolean(),
      pages: z
        .array(z.object({ page: z.int(), ...texts('before', 'after') }))
        .describe('what the guest reads before the first step and after the last, without the zeros at the end'),
    }),
  ),
});
