import { ETHERNET_MTU_BYTES, SRIOV_EXTRA_CPU_PER_VM, SRIOV_LINE_MBPS, SRIOV_VMS } from '../parameters.ts';
import { Refused } from '../refusal.ts';
import { type Hop, hopNs, type IoKind, type IoMode, ioPath } from './path.ts';

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

export function requestCost(mode: IoMode, bytes: number, kind: IoKind): RequestCost {
  const { hops, notification } = ioPath(mode, kind);
  const paidBy = (who: Hop['paidBy']) =>
    hops.filter((h) => h.paidBy === who).reduce((ns, h) => ns + hopNs(h, bytes), 0);
  return {
    guestNs: paidBy('guest'),
    hostNs: paidBy('host'),
    deviceNs: paidBy('device'),
    notificationNs: notification?.costNs ?? 0,
    copies: hops.reduce((n, h) => n + h.copies, 0),
    exits: hops.filter((h) => h.exit).length,
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
  const { hops, notification } = ioPath(mode, kind);
  const byLayer = new Map<string, number>();
  const add = (h: Hop, ns: number) => byLayer.set(h.layer, (byLayer.get(h.layer) ?? 0) + ns);
  for (const h of hops) if (h.paidBy !== 'device') add(h, hopNs(h, bytes));
  if (notification) add(notification, notification.costNs / requestsPerNotification);
  const total = [...byLayer.values()].reduce((sum, ns) => sum + ns, 0);
  const parts = [...byLayer]
    .sort((a, b) => b[1] - a[1])
    .map(([layer, ns]) => `${layer} ${Math.round((100 * ns) / total)} %`);
  const vmm = byLayer.has('KVM') || byLayer.has('QEMU') ? '' : '; KVM and QEMU have no part in it';
  return `A request takes ${Math.round(total)} ns of CPU time: ${parts.join(', ')}${vmm}.`;
}

/** @throws Refused with the mode's rule unless every figure is a finite number of at least `least`. */
export function mustBeAtLeast(least: number, mode: IoMode, figures: Record<string, number>): void {
  for (const [name, value] of Object.entries(figures)) {
    if (Number.isFinite(value) && value >= least) continue;
    throw new Refused({
      rule: RULE_OF_MODE[mode],
      reason: `${name} of ${value} cannot be`,
      fix: `give a number of at least ${least}`,
      figures: { [name]: value },
    });
  }
}
