import * as z from 'zod';
import { FIXED_PAGES } from '../memory/pages.ts';
import { TABLE_LEVELS, TLB_ENTRIES } from '../parameters.ts';
import { LAB_ACCESSES, LAB_MEMORY_MIB, LAB_TLB_ENTRIES } from './limits.ts';
import { someOf } from './spec.ts';

export const SCHEMES = ['native', 'three-tables', 'shadow', 'nested'] as const;
export type SchemeName = (typeof SCHEMES)[number];

/** How an address of an application becomes one of the machine (MEM-1 to MEM-14). */
export const addressSpec = z
  .strictObject({
    experiment: z.literal('address'),
    schemes: someOf(SCHEMES).describe('native: no virtualisation'),
    memoryMiB: z.int().min(1).max(LAB_MEMORY_MIB),
    address: z
      .union([z.int(), z.string().regex(/^0x[0-9a-f]{1,13}$/i, 'hexadecimal, such as 0x7f001000')])
      .describe('of the application (GVA), whose addresses begin at 0 and end with the memory'),
    pageSize: z.enum(FIXED_PAGES).default('4k').describe('pages of the guest'),
    hostPageSize: z.enum(FIXED_PAGES).default('4k').describe('pages of the host behind the VM'),
    levels: z.int().default(TABLE_LEVELS).describe('of each page table'),
    tlbEntries: z
      .int()
      .min(0)
      .max(LAB_TLB_ENTRIES)
      .default(TLB_ENTRIES)
      .describe('0: no TLB, so that each access walks'),
    accesses: z.int().min(1).max(LAB_ACCESSES).default(2),
    kind: z.enum(['read', 'write']).default('read'),
    remap: z.boolean().default(false).describe('after the first access the guest moves the page to another place'),
  })
  .refine((q) => !q.remap || q.accesses > 1, { path: ['accesses'], message: 'must be 2 or more to see a remap' });
export type AddressQuestion = z.infer<typeof addressSpec>;
