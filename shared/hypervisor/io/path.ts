import type { NicSpec } from '../../model/vm.ts';
import { IO_COPY_NS_PER_BYTE, IO_DEVICE_NS, IO_HOP_NS, IO_NOTIFICATION_NS } from '../parameters.ts';

export type IoMode = NicSpec['io'];
export type IoKind = 'disk' | 'nic';
export type IoLayer = 'application' | 'guest kernel' | 'KVM' | 'memory' | 'QEMU' | 'host kernel' | 'hardware';

/** One station of a request on its way to the device. Answers and their interrupts are not on the way there. */
export interface Hop {
  name: string;
  layer: IoLayer;
  /** What happens here, as a sentence. */
  what: string;
  /** Fixed time of one passage, ns at IO_REFERENCE_MHZ; `hopNs` adds the copies. */
  costNs: number;
  /** Whose time it is: CPU of the guest, CPU of the host, or waiting for the device. */
  paidBy: 'guest' | 'host' | 'device';
  /** How often the data are copied here. */
  copies: number;
  /** The guest leaves the processor to the VMM here. */
  exit: boolean;
  /** False when several requests may share one passage. */
  perRequest: boolean;
}

export interface IoPath {
  /** In the order of the source. */
  hops: readonly Hop[];
  /** How virtio wakes QEMU; it is beside the path. Null in the other modes. */
  notification: Hop | null;
}

const hop = (
  name: string,
  layer: IoLayer,
  costNs: number,
  what: string,
  more: Partial<Pick<Hop, 'paidBy' | 'copies' | 'exit' | 'perRequest'>> = {},
): Hop => ({ name, layer, what, costNs, paidBy: 'host', copies: 0, exit: false, perRequest: true, ...more });

const GUEST = { paidBy: 'guest' } as const;
const NS = IO_HOP_NS;

const application = () => hop('application', 'application', NS.application, 'The application asks for I/O.', GUEST);
const guestOs = () =>
  hop('guest OS', 'guest kernel', NS.guestOs, 'The guest kernel takes the call through its I/O stack.', GUEST);
const hostDriver = () =>
  hop('host hardware driver', 'host kernel', NS.hostDriver, 'The host kernel gives the request to the real device.');
const hardware = (kind: IoKind) =>
  hop('physical I/O hardware', 'hardware', IO_DEVICE_NS[kind], 'The device does the work.', { paidBy: 'device' });

const pathTo: Record<IoMode, (kind: IoKind) => IoPath> = {
  emulated: (kind) => ({
    hops: [
      application(),
      guestOs(),
      hop(
        'virtual I/O device driver',
        'guest kernel',
        NS.emulatedDriver,
        'The unchanged driver writes registers of a device that does not exist.',
        GUEST,
      ),
      hop('I/O trap', 'KVM', NS.trap, 'KVM stops the guest and intercepts the request.', { exit: true }),
      hop('I/O shared ring', 'memory', NS.ring, 'KVM leaves the request in a piece of shared memory.'),
      hop('QEMU', 'QEMU', NS.qemuEmulated, 'QEMU plays the device register by register and copies the data twice.', {
        copies: 2,
      }),
      hostDriver(),
      hardware(kind),
    ],
    notification: null,
  }),
  virtio: (kind) => ({
    hops: [
      application(),
      guestOs(),
      hop(
        'virtio front-end driver',
        'guest kernel',
        NS.virtioFrontEnd,
        'The PV driver knows that it is in a VM and describes the request for QEMU.',
        GUEST,
      ),
      hop(
        'I/O shared ring',
        'memory',
        NS.ring,
        'The front end itself puts the request into a piece of shared memory.',
        GUEST,
      ),
      hop('QEMU', 'QEMU', NS.qemuVirtio, 'QEMU takes whole requests from the ring and copies the data once.', {
        copies: 1,
      }),
      hostDriver(),
      hardware(kind),
    ],
    notification: hop(
      'notification',
      'KVM',
      IO_NOTIFICATION_NS,
      'The front end wakes QEMU through KVM; requests that are in the ring by then share it.',
      { exit: true, perRequest: false },
    ),
  }),
  passthrough: (kind) => ({
    hops: [
      application(),
      guestOs(),
      hop(
        'hardware driver in the guest',
        'guest kernel',
        NS.hardwareDriver,
        "The guest's driver of the real device hands it the request; the device fetches the data by itself.",
        GUEST,
      ),
      hardware(kind),
    ],
    notification: null,
  }),
};

const bothKinds = (mode: IoMode): Record<IoKind, IoPath> => ({ disk: pathTo[mode]('disk'), nic: pathTo[mode]('nic') });
const PATHS: Record<IoMode, Record<IoKind, IoPath>> = {
  emulated: bothKinds('emulated'),
  virtio: bothKinds('virtio'),
  passthrough: bothKinds('passthrough'),
};

/** The way of a request from application to hardware: IO-1 (emulated), IO-2 (virtio), IO-3 (passthrough). */
export const ioPath = (mode: IoMode, kind: IoKind = 'disk'): Readonly<IoPath> => PATHS[mode][kind];

/** Time of one passage with so many bytes, ns at IO_REFERENCE_MHZ. */
export const hopNs = (h: Pick<Hop, 'costNs' | 'copies'>, bytes: number): number =>
  h.costNs + h.copies * bytes * IO_COPY_NS_PER_BYTE;
