import { ETHERNET_MTU_BYTES, SRIOV_EXTRA_CPU_PER_VM, SRIOV_LINE_MBPS, SRIOV_VMS } from '../parameters.ts';
import { Refused } from '../refusal.ts';
import { type Hop, hopNs, type IoKind, type IoLayer, type IoMode, ioPath } from './path.ts';

export const RULE_OF_MODE: Record<IoMode, string> = { emulated: 'IO-1', virtio: 'IO-2', passthrough: 'IO-3' };

/** What one request costs on its path, ns at IO_REFERENCE_MHZ; a notification comes on top. */
export interface RequestCost {
  guestNs: number;
  hostNs: number;
  deviceNs: number;
  notificationNs: number;
  copies: number;
  /** Exits of the path itself, without the notification's. */
  exits: number;
}

/** CPU and waiting of a path by payer and layer: what is fixed, ns, and how often the data are copied. */
interface PathCost {
  paidBy: Record<Hop['paidBy'], Part>;
  layers: readonly (Part & { layer: IoLayer })[];
  notificationNs: number;
  exits: number;
}
interface Part {
  ns: number;
  copies: number;
}

/** The paths never change, so that each is added up once. */
const known = new Map<string, PathCost>();
function pathCost(mode: IoMode, kind: IoKind): PathCost {
  const key = `${mode} ${kind}`;
  const before = known.get(key);
  if (before) return before;
  const { hops, notification } = ioPath(mode, kind);
  const sum = (of: readonly Hop[]): Part => ({
    ns: of.reduce((ns, h) => ns + h.costNs, 0),
    copies: of.reduce((n, h) => n + h.copies, 0),
  });
  const paidBy = (who: Hop['paidBy']) => sum(hops.filter((h) => h.paidBy === who));
  const onCpu = hops.filter((h) => h.paidBy !== 'device');
  const layers = [...new Set(onCpu.map((h) => h.layer))].map((layer) => ({
    layer,
    ...sum(onCpu.filter((h) => h.layer === layer)),
  }));
  const cost: PathCost = {
    paidBy: { guest: paidBy('guest'), host: paidBy('host'), device: paidBy('device') },
    layers,
    notificationNs: notification?.costNs ?? 0,
    exits: hops.filter((h) => h.exit).length,
  };
  known.set(key, cost);
  return cost;
}
const partNs = ({ ns, copies }: Part, bytes: number): number => hopNs({ costNs: ns, copies }, bytes);

export function requestCost(mode: IoMode, bytes: number, kind: IoKind): RequestCost {
  const { paidBy, notificationNs, exits } = pathCost(mode, kind);
  const { guest, host, device } = paidBy;
  return {
    guestNs: partNs(guest, bytes),
    hostNs: partNs(host, bytes),
    deviceNs: partNs(device, bytes),
    notificationNs,
    copies: guest.copies + host.copies + device.copies,
    exits,
  };
}

/** Interrupts per second of one VM in the SR-IOV study: one per frame of its part of the line (K4). */
const STUDY_INTERRUPTS_PER_SECOND = (SRIOV_LINE_MBPS * 1e6) / 8 / ETHERNET_MTU_BYTES / SRIOV_VMS;

/**
 * What passthrough costs the host beside the path: its interrupts, as a share of one hardware thread (K4). It grows with
 * the requests up to the study's figure and no further, since the card then moderates its interrupts.
 */
export const interruptShare = (requestsPerSecond: number): number =>
  SRIOV_EXTRA_CPU_PER_VM * Math.min(1, requestsPerSecond / STUDY_INTERRUPTS_PER_SECOND);

/** Where the CPU time of a request arises, dearest layer first, as a sentence. */
export function whereCostArises(mode: IoMode, bytes: number, kind: IoKind, requestsPerNotification: number): string {
  const { layers, notificationNs } = pathCost(mode, kind);
  const parts = layers.map((part) => ({ layer: part.layer, ns: partNs(part, bytes) }));
  if (notificationNs > 0) parts.push({ layer: 'KVM', ns: notificationNs / requestsPerNotification });
  parts.sort((a, b) => b.ns - a.ns);
  let total = 0;
  for (const { ns } of parts) total += ns;
  let shares = '';
  for (const { layer, ns } of parts) shares += `${shares ? ', ' : ''}${layer} ${Math.round((100 * ns) / total)} %`;
  const withoutVmm = parts.every(({ layer }) => layer !== 'KVM' && layer !== 'QEMU');
  return `A request takes ${Math.round(total)} ns of CPU time: ${shares}${withoutVmm ? '; KVM and QEMU have no part in it' : ''}.`;
}

/** @throws Refused with the mode's rule unless every figure is a finite number of at least `least`. */
export function mustBeAtLeast(least: number, mode: IoMode, figures: Record<string, number>): void {
  for (const name in figures) {
    const value = figures[name] as number;
    if (Number.isFinite(value) && value >= least) continue;
    throw new Refused({
      rule: RULE_OF_MODE[mode],
      reason: `${name} of ${value} cannot be`,
      fix: `give a number of at least ${least}`,
      figures: { [name]: value },
    });
  }
}
