import { type DiskQos, diskQosSpec } from '../../model/qos.ts';
import { DISK_KB_BYTES } from '../parameters.ts';
import { Refused } from '../refusal.ts';

/** Upper limits per second; infinite where a cap is off. */
export interface DiskCap {
  bytes: number;
  iops: number;
}
export type DiskCaps = Record<'read' | 'write' | 'total', DiskCap>;

/** Requests per second that a VM wants in one direction, and their size. */
export interface DiskDemand {
  iops: number;
  bytesPerRequest: number;
}
export interface DiskGrant {
  /** Whole requests; a rate below one per second is left as it is, so that a large request is slow but not stuck. */
  iops: number;
  bytesPerSecond: number;
  boundBy: 'demand' | 'bytes' | 'IOPS' | 'total bytes' | 'total IOPS';
}

/** @throws Refused QOS-6 on a cap outside its range. */
export function diskCapsOf(spec: unknown): DiskCaps {
  const parsed = diskQosSpec.safeParse(spec);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((i) => `${i.path.join('.') || 'disk QoS'}: ${i.message}`);
    throw new Refused({
      rule: 'QOS-6',
      reason: `disk QoS cannot be so: ${faults.join('; ')}`,
      fix: 'give 0 for off, or a cap inside its range',
    });
  }
  const limit = (n = 0) => (n === 0 ? Number.POSITIVE_INFINITY : n);
  const capOf = (c: DiskQos['total']): DiskCap => ({
    bytes: limit(c?.kbps) * DISK_KB_BYTES,
    iops: limit(c?.iops),
  });
  return { read: capOf(parsed.data.read), write: capOf(parsed.data.write), total: capOf(parsed.data.total) };
}

/**
 * What a disk gets: each direction by its own caps, of which the tighter binds, then both together by the combined ones,
 * which take the same part from each (QOS-6, L3).
 * @throws Refused QOS-6 on a demand below 0 or requests without bytes.
 */
export function grantDisk(
  demand: { read: DiskDemand; write: DiskDemand },
  caps: DiskCaps,
): { read: DiskGrant; write: DiskGrant } {
  const read = ownCaps(demand.read, caps.read);
  const write = ownCaps(demand.write, caps.write);
  const byIops = part(caps.total.iops, read.iops + write.iops);
  const byBytes = part(caps.total.bytes, read.iops * read.bytesPerRequest + write.iops * write.bytesPerRequest);
  const scale = Math.min(1, byIops, byBytes);
  const total = scale === 1 ? undefined : byBytes < byIops ? 'total bytes' : 'total IOPS';
  const grant = (own: Allowed): DiskGrant => {
    const iops = wholeRequests(own.iops * scale);
    return { iops, bytesPerSecond: iops * own.bytesPerRequest, boundBy: total ?? own.boundBy };
  };
  return { read: grant(read), write: grant(write) };
}

interface Allowed extends DiskDemand {
  boundBy: 'demand' | 'bytes' | 'IOPS';
}

function ownCaps({ iops, bytesPerRequest }: DiskDemand, limit: DiskCap): Allowed {
  if (!(iops >= 0 && Number.isFinite(iops) && bytesPerRequest > 0)) {
    throw new Refused({
      rule: 'QOS-6',
      reason: `${iops} requests of ${bytesPerRequest} bytes per second cannot be`,
      fix: 'give a rate of at least 0 and a size above 0',
      figures: { iops, bytesPerRequest },
    });
  }
  const byBytes = limit.bytes / bytesPerRequest;
  const allowed = Math.min(iops, limit.iops, byBytes);
  const boundBy = allowed === iops ? 'demand' : byBytes < limit.iops ? 'bytes' : 'IOPS';
  return { iops: allowed, bytesPerRequest, boundBy };
}

/** The part of a sum that a cap lets through; 1 when there is nothing to bound. */
const part = (limit: number, sum: number): number => (sum > limit ? limit / sum : 1);
const wholeRequests = (iops: number): number => (iops >= 1 ? Math.floor(iops + ROUNDING) : iops);
/** A division and its multiplication may miss a whole number by so much. */
const ROUNDING = 1e-9;
