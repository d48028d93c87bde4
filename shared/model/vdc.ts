import * as z from 'zod';

/** VDC-2: the dimensions of a quota. Every one is a whole number; a missing one counts as 0. */
export const quotaSpec = z.strictObject({
  vcpus: z.int().min(0),
  memoryMiB: z.int().min(0),
  storageGiB: z.int().min(0),
  vms: z.int().min(0),
  vpcs: z.int().min(0).default(0),
  networks: z.int().min(0).default(0),
  elasticIps: z.int().min(0).default(0),
  snapshots: z.int().min(0).default(0),
  backupGiB: z.int().min(0).default(0),
});
export type Quota = z.infer<typeof quotaSpec>;
export type QuotaDimension = keyof Quota;
export const QUOTA_DIMENSIONS = Object.keys(quotaSpec.shape) as QuotaDimension[];

/**
 * A virtual data centre (VDC-1) with its ledger. What is left of the quota is stored, not what is used: DynamoDB's
 * conditions compare but do not add, and `left >= requested` is the condition that a charge needs.
 */
export interface Vdc {
  id: string;
  tenantId: string;
  name: string;
  sites: string[];
  quota: Quota;
  left: Quota;
  version: number;
  createdAt: number;
}

/** What is charged to a VDC, per dimension. */
export const usageOf = (vdc: Pick<Vdc, 'quota' | 'left'>): Quota =>
  Object.fromEntries(QUOTA_DIMENSIONS.map((d) => [d, vdc.quota[d] - vdc.left[d]])) as Quota;
