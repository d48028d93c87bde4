import { whereCostArises } from '../io/cost.ts';
import { type Hop, type IoKind, type IoMode, ioPath } from '../io/path.ts';
import { type Device, type DeviceBound, DIRECTIONS } from './devices.ts';
import type { DeviceObservation } from './observation.ts';

const NS_PER_MICROSECOND = 1_000;

/** What a device does when its VM has the CPU for a part of its work, 0 to 1. */
export function deviceObservation(device: Device, part: number): DeviceObservation {
  const { name, mode, wanted, allowed, load, cost } = device;
  return {
    name,
    io: mode.mode,
    ...(mode.fallback ? { fallback: mode.fallback } : {}),
    wanted: { ...wanted, unit: load.kind === 'disk' ? 'requests/s' : 'Mbit/s' },
    granted: { read: allowed.read * part, write: allowed.write * part },
    boundBy: boundByOf(device, part),
    path: hopNames(mode.mode, load.kind),
    exitsPerSecond: cost.exitsPerSecond * part,
    hostMhz: cost.hostMhz * part,
    guestMhz: cost.guestMhz * part,
    latencyMicroseconds: cost.latencyNs / NS_PER_MICROSECOND,
    get where() {
      return whereOf(device, part);
    },
  };
}

const named = new Map<readonly Hop[], string[]>();
function hopNames(mode: IoMode, kind: IoKind): string[] {
  const { hops } = ioPath(mode, kind);
  const known = named.get(hops);
  if (known) return known;
  const names = hops.map((hop) => hop.name);
  named.set(hops, names);
  return names;
}

function boundByOf({ wanted, boundBy, load }: Device, part: number): string {
  const bound = DIRECTIONS.filter((direction) => wanted[direction] > 0).map((direction): [string, DeviceBound] => [
    load.kind === 'disk' ? `${direction}s` : direction === 'read' ? 'receiving' : 'sending',
    part < 1 ? 'CPU of the VM' : boundBy[direction],
  ]);
  const kinds = [...new Set(bound.map(([, by]) => by))];
  return kinds.length < 2 ? (kinds[0] ?? 'demand') : bound.map(([what, by]) => `${what}: ${by}`).join('; ');
}

/** Where a request's cost arises. The sentence on the whole load holds only when all of it gets done. */
function whereOf({ load, cost }: Device, part: number): string {
  if (part === 1) return cost.where;
  const perNotification = cost.exitsPerSecond > 0 ? cost.requestsPerSecond / cost.exitsPerSecond : 1;
  return whereCostArises(load.mode, load.bytesPerRequest, load.kind, perNotification);
}
