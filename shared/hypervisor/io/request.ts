import { IO_TRACE_MAX_REQUESTS } from '../parameters.ts';
import { Refused } from '../refusal.ts';
import { mustBeAtLeast, RULE_OF_MODE, requestCost, whereCostArises } from './cost.ts';
import { type Hop, hopNs, type IoKind, type IoMode, ioPath } from './path.ts';
import { SharedRing } from './ring.ts';

export interface IoRun {
  mode: IoMode;
  requests: number;
  /** Bytes of each request. */
  bytes: number;
  kind: IoKind;
  /** Requests that the virtio front end puts into the ring before it notifies. The other modes cannot batch. */
  batch?: number;
}

/** A hop with the number of passages and their time, ns at IO_REFERENCE_MHZ. */
export interface HopTally extends Hop {
  count: number;
  ns: number;
}

export interface IoTrace {
  path: HopTally[];
  /** What KVM does for virtio beside the path; null in the other modes. */
  notification: HopTally | null;
  exits: number;
  notifications: number;
  exitsPerRequest: number;
  /** Copies of the data, all requests. */
  copies: number;
  /** Of one request with none before it, notification included, ns. */
  latencyNs: number;
  hostCpuNs: number;
  guestCpuNs: number;
  where: string;
}

/**
 * Sends requests down the path of a mode and counts what each hop does: IO-1, IO-2, IO-3, IO-5.
 * @throws Refused IO-1 to IO-3 on counts or sizes that cannot be.
 */
export function runRequests({ mode, requests, bytes, kind, batch = 1 }: IoRun): IoTrace {
  check(mode, requests, bytes, batch);
  const { hops, notification } = ioPath(mode, kind);
  const cost = requestCost(mode, bytes, kind);
  const notifications = notification ? notificationsFor(requests, batch) : 0;
  const tally = (h: Hop, count: number): HopTally => ({ ...h, count, ns: count * hopNs(h, bytes) });
  const exits = requests * cost.exits + notifications;
  return {
    path: hops.map((h) => tally(h, requests)),
    notification: notification && tally(notification, notifications),
    exits,
    notifications,
    exitsPerRequest: exits / requests,
    copies: requests * cost.copies,
    latencyNs: cost.guestNs + cost.notificationNs + cost.hostNs + cost.deviceNs,
    hostCpuNs: requests * cost.hostNs + notifications * cost.notificationNs,
    guestCpuNs: requests * cost.guestNs,
    where: whereCostArises(mode, bytes, kind, requests / Math.max(1, notifications)),
  };
}

/** Lets the requests through a ring; a full ring ends a batch early, since the front end then has to wait. */
function notificationsFor(requests: number, batch: number): number {
  const ring = new SharedRing<number>();
  for (let next = 0; next < requests; ) {
    for (let inBatch = 0; inBatch < batch && next < requests && ring.put(next); inBatch++) next++;
    ring.kick();
    while (ring.take() !== undefined) ring.complete();
  }
  return ring.notifications;
}

function check(mode: IoMode, requests: number, bytes: number, batch: number): void {
  mustBeAtLeast(1, mode, { requests, bytes, batch });
  if (requests <= IO_TRACE_MAX_REQUESTS && Number.isInteger(requests) && Number.isInteger(batch)) return;
  throw new Refused({
    rule: RULE_OF_MODE[mode],
    reason: `a trace of ${requests} requests in batches of ${batch} cannot be`,
    fix: `trace a whole number of requests up to ${IO_TRACE_MAX_REQUESTS}`,
    figures: { requests, batch },
  });
}
