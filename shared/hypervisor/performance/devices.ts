import type { DiskQos, Shaping as ShapingSpec } from '../../model/qos.ts';
import { type IoLoad, type IoLoadCost, ioLoadCost } from '../io/load.ts';
import { type GrantedMode, grantIoModes } from '../io/modes.ts';
import { ETHERNET_MTU_BYTES, GUEST_QUEUE_DEPTH } from '../parameters.ts';
import { type DiskGrant, diskCapsOf, grantDisk } from '../qos/disk-caps.ts';
import { type Shaping, shapingOf } from '../qos/shaping.ts';
import type { RunningVm } from './observation.ts';

export const DIRECTIONS = ['read', 'write'] as const;
type Direction = (typeof DIRECTIONS)[number];

/** A rate of each direction: requests/s of a disk, Mbit/s of a NIC, which reads what it receives. */
export type Rates = Record<Direction, number>;

/** What keeps a device from more. */
export type DeviceBound =
  | 'demand'
  | `${'read' | 'write' | 'total'} ${'byte' | 'IOPS'} cap`
  | 'shaping'
  | 'queue depth'
  | 'CPU of its backend'
  | "the host's line"
  | 'CPU of the VM';

/** A device and what it would do if the VM had all the CPU that this takes. */
export interface Device {
  name: string;
  mode: GrantedMode;
  wanted: Rates;
  allowed: Rates;
  boundBy: Record<Direction, DeviceBound>;
  load: IoLoad;
  cost: IoLoadCost;
  /** Served first when lines are short, if lower (QOS-5). */
  priority: number;
}

/** The load of a VM is spread evenly over its disks, and over its NICs (declared). */
export function devicesOf(
  { machine, load, shaping }: RunningVm,
  clockMhz: number,
): { disks: Device[]; nics: Device[] } {
  const { disks, nics, guest } = machine;
  const modes = grantIoModes({ disks, nics, guest }).granted;
  const perDisk = { read: load.readIops / disks.length, write: load.writeIops / disks.length };
  const perNic = { read: load.receiveMbps / nics.length, write: load.sendMbps / nics.length };
  return {
    disks: disks.map(({ name, qos }, i) =>
      diskOf(name, modes[i] as GrantedMode, perDisk, load.requestKiB, clockMhz, qos),
    ),
    nics: nics.map(({ id, networkId, qos }, i) =>
      nicOf(id, modes[disks.length + i] as GrantedMode, perNic, clockMhz, qos ?? shaping[networkId]),
    ),
  };
}

function diskOf(
  name: string,
  mode: GrantedMode,
  wanted: Rates,
  requestKiB: number,
  clockMhz: number,
  qos?: DiskQos,
): Device {
  const bytesPerRequest = requestKiB * 1024;
  const allowed = { ...wanted };
  const boundBy: Device['boundBy'] = { read: 'demand', write: 'demand' };
  if (qos) {
    const demand = (iops: number) => ({ iops, bytesPerRequest });
    const grants = grantDisk({ read: demand(wanted.read), write: demand(wanted.write) }, diskCapsOf(qos));
    for (const direction of DIRECTIONS) {
      const grant = grants[direction];
      if (grant.boundBy === 'demand') continue;
      allowed[direction] = grant.iops;
      boundBy[direction] = capName(direction, grant.boundBy);
    }
  }
  const queueDepth = GUEST_QUEUE_DEPTH.disk;
  const load: IoLoad = { mode: mode.mode, kind: 'disk', requestsPerSecond: 0, bytesPerRequest, queueDepth, clockMhz };
  return withinMeans({ name, mode, wanted, allowed, boundBy, load, priority: 0 });
}

function capName(direction: Direction, boundBy: Exclude<DiskGrant['boundBy'], 'demand'>): DeviceBound {
  const family = boundBy === 'bytes' || boundBy === 'total bytes' ? 'byte' : 'IOPS';
  return `${boundBy.startsWith('total') ? 'total' : direction} ${family} cap`;
}

const UNSHAPED: ShapingSpec = {};
/** The NICs of a network have one shaping, which needs to be checked once. */
const checked = new WeakMap<ShapingSpec, Shaping>();
function checkedShaping(spec: ShapingSpec): Shaping {
  const known = checked.get(spec);
  if (known) return known;
  const shaping = shapingOf(spec);
  checked.set(spec, shaping);
  return shaping;
}

/** In a steady state a token bucket lets its average through. */
function nicOf(name: string, mode: GrantedMode, wanted: Rates, clockMhz: number, qos = UNSHAPED): Device {
  const shaping = checkedShaping(qos);
  const allowed = { ...wanted };
  const boundBy: Device['boundBy'] = { read: 'demand', write: 'demand' };
  for (const [direction, shape] of [
    ['read', shaping.receive],
    ['write', shaping.send],
  ] as const) {
    if (!shape || shape.averageMbps >= wanted[direction]) continue;
    allowed[direction] = shape.averageMbps;
    boundBy[direction] = 'shaping';
  }
  const queueDepth = GUEST_QUEUE_DEPTH.nic;
  const bytesPerRequest = ETHERNET_MTU_BYTES;
  const load: IoLoad = { mode: mode.mode, kind: 'nic', requestsPerSecond: 0, bytesPerRequest, queueDepth, clockMhz };
  return withinMeans({ name, mode, wanted, allowed, boundBy, load, priority: shaping.priority });
}

const BYTES_PER_MBIT = 125_000;

const requestsPerSecond = ({ load, allowed }: Pick<Device, 'load' | 'allowed'>): number =>
  load.kind === 'disk'
    ? allowed.read + allowed.write
    : ((allowed.read + allowed.write) * BYTES_PER_MBIT) / load.bytesPerRequest;

/** The device with the rates that its mode can reach; both directions give up the same part. */
function withinMeans(device: Omit<Device, 'cost'>): Device {
  const asked = requestsPerSecond(device);
  const cost = ioLoadCost({ ...device.load, requestsPerSecond: asked });
  if (cost.boundBy === 'demand') return { ...device, cost };
  const part = cost.requestsPerSecond / asked;
  const bound: DeviceBound = cost.boundBy === 'backend CPU' ? 'CPU of its backend' : 'queue depth';
  return {
    ...device,
    allowed: { read: device.allowed.read * part, write: device.allowed.write * part },
    boundBy: { read: device.allowed.read > 0 ? bound : 'demand', write: device.allowed.write > 0 ? bound : 'demand' },
    cost,
  };
}

/** The device with less than its mode could reach, because the line of its host is full. */
export function onTheLine(device: Device, line: Rates): Device {
  const allowed = { ...device.allowed };
  const boundBy = { ...device.boundBy };
  for (const direction of DIRECTIONS) {
    if (line[direction] >= allowed[direction] * (1 - ROUNDING)) continue;
    allowed[direction] = line[direction];
    boundBy[direction] = "the host's line";
  }
  const cost = ioLoadCost({ ...device.load, requestsPerSecond: requestsPerSecond({ load: device.load, allowed }) });
  return { ...device, allowed, boundBy, cost };
}

/** Rounding that must not name a bound, as a share of the figure. */
const ROUNDING = 1e-9;
