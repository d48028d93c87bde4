import type { DeviceCard } from '../../model/inventory.ts';
import type { GuestSpec } from '../../model/vm.ts';
import type { Refusal } from '../refusal.ts';
import type { IoKind, IoMode } from './path.ts';

export interface ModeRequest {
  disks: readonly { name: string; io: IoMode }[];
  /** A NIC that has no id yet is named by its place, from 0. */
  nics: readonly { id?: string; io: IoMode }[];
  /** Only a guest that is said to lack the PV driver lacks it. */
  guest: Pick<GuestSpec, 'os' | 'pvDriver'>;
  /** Cards of the host; leave out while no host is chosen. */
  cards?: readonly DeviceCard[];
}

/** The mode in which a device works. `fallback` says why it is not the one that was asked for. */
export interface GrantedMode {
  device: string;
  kind: IoKind;
  mode: IoMode;
  fallback?: string;
}

/**
 * The mode that each device gets. virtio needs the PV driver of the guest and falls back visibly to full emulation
 * (IO-2); passthrough is refused on a host without a card of that kind (IO-3); full emulation runs any guest (IO-1).
 */
export function grantIoModes({ disks, nics, guest, cards }: ModeRequest): {
  granted: GrantedMode[];
  refusals: Refusal[];
} {
  const devices = [
    ...disks.map((d) => ({ device: `disk ${d.name}`, kind: 'disk' as const, io: d.io })),
    ...nics.map((n, i) => ({ device: `NIC ${n.id ?? i}`, kind: 'nic' as const, io: n.io })),
  ];
  const granted: GrantedMode[] = [];
  const refusals: Refusal[] = [];
  for (const { device, kind, io } of devices) {
    if (io === 'passthrough' && cards !== undefined && !cards.some((card) => card.kind === kind)) {
      refusals.push({
        rule: 'IO-3',
        reason: `${device} wants passthrough, and the host has no ${kind} card with functions`,
        fix: 'choose a host with such a card, or use virtio',
      });
    } else if (io === 'virtio' && guest.pvDriver === false) {
      const fallback = `${device} is emulated: the ${guest.os} guest has no PV driver, which virtio needs (IO-2).`;
      granted.push({ device, kind, mode: 'emulated', fallback });
    } else {
      granted.push({ device, kind, mode: io });
    }
  }
  return { granted, refusals };
}
