import { type ShapedDirection, shapingSpec } from '../../model/qos.ts';
import { SHAPING_PRIORITY_DEFAULT } from '../parameters.ts';
import { Refused } from '../refusal.ts';
import { type Bucket, fullBucket, type Shape, send } from './token-bucket.ts';
import { waterFill } from './water-filling.ts';

/** Shaping of a port with all its values; a direction that is left out is not limited. */
export interface Shaping {
  send?: Shape;
  receive?: Shape;
  priority: number;
}

/**
 * Shaping with its defaults: peak = average, burst = peak, priority 7.
 * @throws Refused QOS-5 on a value outside its range, or a peak below the average.
 */
export function shapingOf(spec: unknown): Shaping {
  const parsed = shapingSpec.safeParse(spec);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((i) => `${i.path.join('.') || 'shaping'}: ${i.message}`);
    throw new Refused({
      rule: 'QOS-5',
      reason: `traffic shaping cannot be so: ${faults.join('; ')}`,
      fix: 'give values inside their ranges, and a peak of at least the average',
    });
  }
  const { send: out, receive, priority = SHAPING_PRIORITY_DEFAULT } = parsed.data;
  return { ...(out && { send: withDefaults(out) }), ...(receive && { receive: withDefaults(receive) }), priority };
}

function withDefaults({ averageMbps, peakMbps = averageMbps, burstMbit = peakMbps }: ShapedDirection): Shape {
  return { averageMbps, peakMbps, burstMbit };
}

/** The buckets of one port. Each port has its own: the ports of a group do not share them (L1). */
export interface PortBuckets {
  send?: Bucket;
  receive?: Bucket;
}
export interface PortBytes {
  send: number;
  receive: number;
}

export const newPort = (shaping: Shaping, at: number): PortBuckets => ({
  ...(shaping.send && { send: fullBucket(shaping.send, at) }),
  ...(shaping.receive && { receive: fullBucket(shaping.receive, at) }),
});

/** What passes a port until `now` (ms) of the bytes that wait in each direction; the directions do not see each other. */
export function passPort(
  shaping: Shaping,
  port: PortBuckets,
  waiting: PortBytes,
  now: number,
): { passed: PortBytes; port: PortBuckets } {
  const passed = { ...waiting };
  const after: PortBuckets = {};
  for (const direction of ['send', 'receive'] as const) {
    const shape = shaping[direction];
    if (!shape) continue;
    const result = send(shape, port[direction] ?? fullBucket(shape, now), waiting[direction], now);
    passed[direction] = result.sent;
    after[direction] = result.bucket;
  }
  return { passed, port: after };
}

/**
 * Divides an uplink among shaped ports, Mbit/s: a lower priority number is served first, equal ones get equal parts
 * (QOS-5). Grants come in the order of the ports.
 */
export function shareUplink(
  uplinkMbps: number,
  ports: readonly { id: string; priority: number; wantedMbps: number }[],
): { id: string; mbps: number }[] {
  const grants = new Map<string, number>();
  let left = uplinkMbps;
  for (const priority of [...new Set(ports.map((p) => p.priority))].sort((a, b) => a - b)) {
    const claims = ports
      .filter((p) => p.priority === priority)
      .map((p) => ({ id: p.id, share: 1, reservation: 0, demand: p.wantedMbps }));
    for (const grant of waterFill(left, claims).grants) {
      grants.set(grant.id, grant.granted);
      left = Math.max(0, left - grant.granted);
    }
  }
  return ports.map((p) => ({ id: p.id, mbps: grants.get(p.id) as number }));
}
