import * as z from 'zod';
import { DATASTORE_KINDS } from '../model/inventory.ts';

/** A managed location, and the storage there. */
export const site = z.object({
  id: z.string(),
  name: z.string(),
  hypervisor: z.string(),
  hypervisorVersion: z.string(),
  city: z.string().optional(),
});
export const datastore = z.object({
  id: z.string(),
  siteId: z.string(),
  name: z.string(),
  kind: z.enum(DATASTORE_KINDS),
  capacityGiB: z.int(),
  freeGiB: z.int(),
});
