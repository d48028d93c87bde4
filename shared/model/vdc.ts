import * as z from 'zod';

const amount = z.int().min(0);
const dimensions = {
  vcpus: amount,
  memoryMiB: amount,
  storageGiB: amount,
  vms: amount,
  vpcs: amount,
  networks: amount,
  elasticIps: amount,
  snapshots: amount,
  backupGiB: amount,
};

/** VDC-2: the dimensions of a quota. Every one is a whole number; those that are not needed for a VM count as 0. */
export const quotaSpec = z.strictObject({
  ...dimensions,
  vpcs: amount.default(0),
  networks: amount.default(0),
  elasticIps: amount.default(0),
  snapshots: amount.default(0),
  backupGiB: amount.default(0),
});
/** A change of a quota: what is left out stays as it is. */
export const quotaChange = z.strictObject(dimensions).partial();
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
  /** Its VMs are the cloud's own management: what moves a tenant's VMs to another site would have to move itself. */
  management?: true;
  version: number;
  createdAt: number;
}

/** What is charged to a VDC, per dimension. */
export const usageOf = (vdc: Pick<Vdc, 'quota' | 'left'>): Quota =>
  Object.fromEntries(QUOTA_DIMENSIONS.map((d) => [d, vdc.quota[d] - vdc.left[d]])) as Quota;
