import { IO_REFERENCE_MHZ, VIRTIO_RING_SIZE } from '../parameters.ts';
import { interruptShare, mustBeAtLeast, requestCost, whereCostArises } from './cost.ts';
import type { IoKind, IoMode } from './path.ts';

export interface IoLoad {
  mode: IoMode;
  kind: IoKind;
  requestsPerSecond: number;
  bytesPerRequest: number;
  /** Requests that the guest keeps under way at most. */
  queueDepth: number;
  /** Clock of the host, MHz. */
  clockMhz?: number;
}

export interface IoLoadCost {
  /** What is reached of the rate that was asked for. */
  requestsPerSecond: number;
  exitsPerSecond: number;
  hostMhz: number;
  guestMhz: number;
  /** Mean time of a request, waiting included, ns. */
  latencyNs: number;
  /** One thread of QEMU serves the VM; `queue depth` means that the guest waits for answers before it asks again. */
  boundBy: 'demand' | 'queue depth' | 'backend CPU';
  where: string;
}

/**
 * What a steady I/O load of one VM costs: IO-1, IO-2, IO-3, IO-5. The backend is one queue with a constant time of service.
 * - Rate: the least of demand, 1 / service, and queue depth / time of an unhindered request (bounds of operational
 *   analysis, Denning and Buzen 1978).
 * - Requests per notification: those that a busy backend serves before it sleeps, 1 / (1 - utilisation) (M/D/1), at most
 *   the queue depth or the ring.
 * - Latency: the unhindered time and the wait of M/D/1, at most queue depth / rate (Little's law).
 * @throws Refused IO-1 to IO-3 on figures that cannot be.
 */
export function ioLoadCost(load: IoLoad): IoLoadCost {
  const { mode, kind, bytesPerRequest, queueDepth, clockMhz = IO_REFERENCE_MHZ } = load;
  mustBeAtLeast(0, mode, { requestsPerSecond: load.requestsPerSecond });
  mustBeAtLeast(1, mode, { bytesPerRequest, queueDepth, clockMhz });
  const cost = requestCost(mode, bytesPerRequest, kind);
  const slower = IO_REFERENCE_MHZ / clockMhz;
  const serviceS = (cost.hostNs * slower) / 1e9;
  const unhinderedS = ((cost.guestNs + cost.notificationNs + cost.hostNs) * slower + cost.deviceNs) / 1e9;

  const mostByCpu = serviceS > 0 ? 1 / serviceS : Number.POSITIVE_INFINITY;
  const mostByQueue = queueDepth / unhinderedS;
  const rate = Math.min(load.requestsPerSecond, mostByCpu, mostByQueue);
  const boundBy = rate === load.requestsPerSecond ? 'demand' : rate === mostByCpu ? 'backend CPU' : 'queue depth';

  const utilisation = Math.min(1, rate * serviceS);
  const perNotification = Math.min(queueDepth, VIRTIO_RING_SIZE, 1 / (1 - utilisation));
  const waitS = utilisation === 0 ? 0 : (utilisation * serviceS) / (2 * (1 - utilisation));
  const notificationsPerSecond = cost.notificationNs > 0 ? rate / perNotification : 0;
  const hostNsPerSecond = rate * cost.hostNs + notificationsPerSecond * cost.notificationNs;
  const interruptMhz = mode === 'passthrough' ? interruptShare(rate) * IO_REFERENCE_MHZ : 0;
  return {
    requestsPerSecond: rate,
    exitsPerSecond: rate * cost.exits + notificationsPerSecond,
    hostMhz: mhz(hostNsPerSecond) + interruptMhz,
    guestMhz: mhz(rate * cost.guestNs),
    latencyNs: Math.min(unhinderedS + waitS, rate > 0 ? queueDepth / rate : unhinderedS) * 1e9,
    boundBy,
    // Made when it is read: many ask for the figures alone.
    get where() {
      return whereCostArises(mode, bytesPerRequest, kind, perNotification) + interrupts(interruptMhz);
    },
  };
}

/** A time of CPU per second, given at the reference clock, as MHz; the same on every clock, since it counts cycles. */
const mhz = (nsPerSecond: number): number => (nsPerSecond * IO_REFERENCE_MHZ) / 1e9;

const interrupts = (hostMhz: number): string =>
  hostMhz > 0 ? ` Beside the path the host spends ${hostMhz.toFixed(1)} MHz on interrupts of the device.` : '';
