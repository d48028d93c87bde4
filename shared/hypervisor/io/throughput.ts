import { EMULATED_CONTENTION, IO_REFERENCE_MHZ, VIRTIO_REQUESTS_PER_KICK } from '../parameters.ts';
import { waterFill } from '../qos/water-filling.ts';
import { interruptShare, mustBeAtLeast, requestCost } from './cost.ts';
import type { IoMode } from './path.ts';

export interface DeviceLoad {
  /** What the device carries at most, Mb/s. */
  lineMbps: number;
  /** CPU that the host gives to KVM, QEMU and its driver for this device, MHz. */
  backendMhz: number;
  vms: readonly { id: string; mode: IoMode; wantedMbps: number; requestBytes: number }[];
}

export interface DeviceShare {
  id: string;
  mode: IoMode;
  mbps: number;
  requestsPerSecond: number;
  /** CPU of the host for this VM's I/O, MHz. That of passthrough is its interrupts, which are not the backend's work. */
  hostMhz: number;
  boundBy: 'demand' | 'line' | 'backend CPU';
}

/** Rounding that must not name a bound, as a share of the figure. */
const ROUNDING = 1e-9;

/**
 * What VMs get from one device: first the backend's CPU is divided equally among those that need it, then the line among
 * the rates that this allows; what one does not want goes to the others. IO-1, IO-5, K4.
 * @throws Refused IO-1 to IO-3 on figures below 0, or on requests without bytes.
 */
export function deviceThroughput({ lineMbps, backendMhz, vms }: DeviceLoad): DeviceShare[] {
  for (const vm of vms) {
    mustBeAtLeast(0, vm.mode, { lineMbps, backendMhz, wantedMbps: vm.wantedMbps });
    mustBeAtLeast(1, vm.mode, { requestBytes: vm.requestBytes });
  }
  const emulated = vms.filter((vm) => vm.mode === 'emulated' && vm.wantedMbps > 0).length;
  const loads = vms.map((vm) => ({ ...vm, mhzPerMbps: backendMhzPerMbps(vm.mode, vm.requestBytes, emulated) }));
  const cpu = equalParts(
    backendMhz,
    loads.map((l) => ({ id: l.id, demand: l.wantedMbps * l.mhzPerMbps })),
  );
  const allowed = loads.map((l, i) => (l.mhzPerMbps > 0 ? (cpu[i] as number) / l.mhzPerMbps : l.wantedMbps));
  const line = equalParts(
    lineMbps,
    loads.map((l, i) => ({ id: l.id, demand: allowed[i] as number })),
  );
  return loads.map((l, i): DeviceShare => {
    const mbps = line[i] as number;
    const requestsPerSecond = requestsIn(mbps, l.requestBytes);
    const hostMhz =
      l.mode === 'passthrough' ? interruptShare(requestsPerSecond) * IO_REFERENCE_MHZ : mbps * l.mhzPerMbps;
    const boundBy = short(mbps, allowed[i] as number) ? 'line' : short(mbps, l.wantedMbps) ? 'backend CPU' : 'demand';
    return { id: l.id, mode: l.mode, mbps, requestsPerSecond, hostMhz, boundBy };
  });
}

/** CPU of the backend that one Mb/s takes, MHz; `emulated` VMs get in each other's way (IO-1). */
function backendMhzPerMbps(mode: IoMode, bytes: number, emulated: number): number {
  const cost = requestCost(mode, bytes, 'nic');
  const contention = mode === 'emulated' ? 1 + EMULATED_CONTENTION * (emulated - 1) : 1;
  const ns = cost.hostNs * contention + cost.notificationNs / VIRTIO_REQUESTS_PER_KICK;
  return (requestsIn(1, bytes) * ns * IO_REFERENCE_MHZ) / 1e9;
}

const requestsIn = (mbps: number, bytes: number): number => (mbps * 1e6) / 8 / bytes;
const short = (got: number, of: number): boolean => got < of * (1 - ROUNDING);

const equalParts = (capacity: number, wants: readonly { id: string; demand: number }[]): number[] =>
  waterFill(
    capacity,
    wants.map((w) => ({ ...w, share: 1, reservation: 0 })),
  ).grants.map((g) => g.granted);
