import fc from 'fast-check';
import { virtualisationDomain } from '../../../shared/hypervisor/cpu/capacity.ts';
import type { Machine } from '../../../shared/hypervisor/machine.ts';
import { placeVnodes } from '../../../shared/hypervisor/numa/place.ts';
import { nodesOf } from '../../../shared/hypervisor/numa/topology.ts';
import { splitVm } from '../../../shared/hypervisor/numa/vnodes.ts';
import type { ObservedHost, RunningVm } from '../../../shared/hypervisor/performance/observation.ts';
import { GIB, host, vm } from './hosts.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 2 });
const io = fc.constantFrom('emulated', 'virtio', 'passthrough');
const device = fc.record({
  io,
  iops: maybe(fc.integer({ min: 16, max: 5000 })),
  mbps: maybe(fc.integer({ min: 1, max: 2000 })),
});

const drawn = fc.record({
  weight: fc.integer({ min: 1, max: 50 }),
  vcpus: fc.integer({ min: 1, max: 8 }),
  mode: fc.constantFrom('full', 'para', 'hardware'),
  shares: maybe(fc.integer({ min: 1, max: 128_000 })),
  reserved: maybe(share),
  limitMhz: maybe(fc.integer({ min: 1, max: 20_000 })),
  scheme: fc.constantFrom('shadow', 'hardware'),
  pageSize: fc.constantFrom('4k', '4k', 'thp', '2m'),
  os: fc.constantFrom('linux', 'windows'),
  pvDriver: fc.boolean(),
  vnodes: fc.boolean(),
  disks: fc.array(device, { maxLength: 3 }),
  nics: fc.array(device, { maxLength: 2 }),
  touched: share,
  active: share,
  cpu: share,
  rates: fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 4, maxLength: 4 }),
  requestKiB: fc.integer({ min: 1, max: 1024 }),
  tenantId: fc.constantFrom('tenant-1', 'tenant-2'),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

const anyHost = fc.record({
  sockets: fc.constantFrom(1, 2),
  coresPerSocket: fc.constantFrom(4, 8),
  threadsPerCore: fc.constantFrom(1, 2),
  mhz: fc.integer({ min: 1500, max: 4000 }),
  arch: fc.constantFrom('x86' as const, 'arm' as const),
  memoryMiB: fc.integer({ min: 16 * GIB, max: 256 * GIB }),
  nicMbps: fc.constantFrom<number>(1000, 10_000, 1_000_000),
  enabled: fc.boolean(),
  ratioPercent: fc.integer({ min: 100, max: 150 }),
  sharing: fc.constantFrom('off' as const, 'tenant' as const, 'host' as const),
  balloon: fc.boolean(),
  swapMiB: fc.constantFrom(0, 32 * GIB),
  filled: share,
  /** All VMs want much at once: most CPU, most of the memory that could be promised. */
  pressed: fc.boolean(),
  memoryState: fc.constantFrom('high' as const, 'clear' as const, 'soft' as const, 'hard' as const, 'low' as const),
});
type DrawnHost = typeof anyHost extends fc.Arbitrary<infer T> ? T : never;

/** Hosts with VMs that they can have taken. vCPUs may be promised more than once, so that CPU is short. */
export const anyCrowd = (lineMbps?: number) =>
  fc
    .tuple(anyHost, fc.array(drawn, { minLength: 2, maxLength: 10 }))
    .map(([h, vms]) => crowdOf({ ...h, nicMbps: lineMbps ?? h.nicMbps }, vms));

function crowdOf(drawnHost: DrawnHost, drawnVms: readonly Drawn[]): { host: ObservedHost; vms: RunningVm[] } {
  const { enabled, sharing, balloon, swapMiB, memoryState, pressed, ...rest } = drawnHost;
  const { filled: drawnFilled, ratioPercent: drawnRatio, ...hardware } = rest;
  const [filled, ratioPercent] = pressed ? [1, 145] : [drawnFilled, drawnRatio];
  const vms = pressed ? drawnVms.map((v) => ({ ...v, cpu: 0.5 + v.cpu / 2, touched: 0.8 + v.touched / 5 })) : drawnVms;
  const overcommit = { enabled, ratioPercent, alarmPercent: 120, sharing, balloon };
  const bare = host({ hardware: { ...hardware, numaNodes: hardware.sockets }, overcommit, swapMiB, memoryState });
  const domain = virtualisationDomain(bare.hardware);
  const weights = vms.reduce((sum, v) => sum + v.weight, 0);
  const room = { mhz: domain.mhz, memoryMiB: domain.memoryMiB, nodes: nodesOf(bare.hardware) };
  const ratio = enabled ? ratioPercent / 100 : 1;
  const sizes = vms.map((v) =>
    Math.max(2, 2 * Math.floor((domain.memoryMiB * filled * ratio * v.weight) / weights / 2)),
  );
  const huge = sizes.reduce((sum, size, i) => sum + (vms[i]?.pageSize === '2m' ? size : 0), 0);
  const made = vms.map((v, i) => vmOf(`vm-${i}`, v, sizes[i] as number, room, bare.hardware.mhz));
  // The pool of huge pages comes on top, and with it what management takes of it.
  const memoryMiB = bare.hardware.memoryMiB + Math.ceil(huge * 1.05);
  const pool = { memoryMiB, hugePages: { '2m': huge / 2 } };
  return { host: { ...bare, hardware: { ...bare.hardware, ...pool } }, vms: made };
}

interface Room {
  mhz: number;
  memoryMiB: number;
  nodes: { id: number; vcpus: number; memoryMiB: number }[];
}

/** A VM, with as much of what it asks for as its host can promise; the room is less by that. */
function vmOf(id: string, v: Drawn, sizeMiB: number, room: Room, clockMhz: number): RunningVm {
  const pinned = sizeMiB <= room.memoryMiB;
  const mode = (of: (typeof v.disks)[number]) => (of.io === 'passthrough' && !pinned ? 'virtio' : of.io) as 'virtio';
  const passthrough = pinned && [...v.disks, ...v.nics].some((d) => d.io === 'passthrough');
  if (passthrough) room.memoryMiB -= sizeMiB;
  const reservationMhz = Math.floor(Math.min(room.mhz, (v.reserved ?? 0) * v.vcpus * clockMhz));
  room.mhz -= reservationMhz;
  const machine: Machine = {
    tenantId: v.tenantId,
    cpu: { vcpus: v.vcpus, mode: v.mode as 'full', shares: v.shares, reservationMhz, limitMhz: v.limitMhz },
    memory: { sizeMiB, mode: v.scheme as 'shadow', pageSize: v.pageSize as '4k' },
    guest: { os: v.os as 'linux', pvDriver: v.pvDriver },
    disks: v.disks.map((d, i) => ({
      name: `disk-${i}`,
      io: mode(d),
      sizeGiB: 1,
      ...(d.iops ? { qos: { total: { iops: d.iops } } } : {}),
    })),
    nics: v.nics.map((d, i) => ({
      id: `${id}-nic-${i}`,
      networkId: 'net',
      io: mode(d),
      ...(d.mbps ? { qos: { send: { averageMbps: d.mbps }, priority: 2 + (d.mbps % 6) } } : {}),
    })),
    ...(v.vnodes ? seatOn(room, v.vcpus, sizeMiB) : {}),
  };
  const touchedMiB = sizeMiB * v.touched;
  const [readIops = 0, writeIops = 0, sendMbps = 0, receiveMbps = 0] = v.rates;
  const load = { cpu: v.cpu, readIops, writeIops, sendMbps, receiveMbps, requestKiB: v.requestKiB };
  return vm(id, { machine, load: { ...load, touchedMiB, activeMiB: touchedMiB * v.active } });
}

/** Two vnodes and their home, if they find one. */
function seatOn(room: Room, vcpus: number, memoryMiB: number): Pick<Machine, 'numa' | 'home'> {
  if (vcpus % 2 !== 0) return {};
  const vnodes = splitVm({ vcpus, memoryMiB, nodes: 2 });
  const placed = placeVnodes(room.nodes, vnodes);
  if (!placed.ok) return {};
  for (const [i, id] of placed.nodes.entries()) {
    const node = room.nodes.find((n) => n.id === id);
    const vnode = vnodes[i];
    if (!node || !vnode) continue;
    node.vcpus -= vnode.vcpus;
    node.memoryMiB -= vnode.memoryMiB;
  }
  return { numa: { nodes: 2 }, home: placed.nodes };
}
