import { CPU_DEPRIVILEGED_RING } from '../parameters.ts';
import { classOf, type Instruction, type Ring } from './instruction.ts';
import type { Technique } from './modes.ts';

/** One station of an instruction. `guest`, `kernel` (KVM) and `user` (QEMU) are the KVM modes of CPU-13. */
export interface Hop {
  at: 'guest' | 'kernel' | 'user' | 'device' | 'cpu' | 'vmm';
  /** The ring it is handled in; a device has none. */
  ring?: Ring;
  /** VMX mode (CPU-10), with hardware assistance only. */
  cpuMode?: 'root' | 'non-root';
  what: string;
}

const DEVICE: Hop = { at: 'device', what: 'the device does it and answers' };

/** The ring that the guest's code is in where the VMM has taken ring 0 for itself. */
const guestRing = ({ ring }: Instruction): Ring => (ring === 0 ? CPU_DEPRIVILEGED_RING : ring);
const vmm = (what: string): Hop => ({ at: 'vmm', ring: 0, what });

/** The device's part of the VMM's way, for I/O only. */
const throughDevice = ({ io }: Instruction): Hop[] =>
  io ? [DEVICE, vmm('the VMM takes the answer of the device')] : [];

function fullCisc(i: Instruction): Hop[] {
  const ring = guestRing(i);
  const start: Hop = { at: 'guest', ring, what: `the guest issues ${i.name}` };
  const filter = 'the VMM intercepts it and filters';
  if (classOf(i) === 'plain')
    return [start, vmm(`${filter}: harmless`), { at: 'cpu', ring, what: 'the CPU carries it out' }];
  return [
    start,
    vmm(`${filter}: ring 0 or sensitive; binary translation makes safe instructions, which it emulates`),
    ...throughDevice(i),
    { at: 'guest', ring, what: 'the guest goes on with the result' },
  ];
}

function fullRisc(i: Instruction): Hop[] {
  const ring = guestRing(i);
  const start: Hop = { at: 'guest', ring, what: `the guest issues ${i.name}` };
  if (classOf(i) === 'plain') return [start, { at: 'cpu', ring, what: 'the CPU carries it out' }];
  return [
    start,
    { at: 'cpu', ring, what: 'the CPU raises an exception' },
    vmm('the VMM catches it, de-privileges it and emulates it on the CPU'),
    ...throughDevice(i),
    { at: 'guest', ring, what: 'the guest goes on with the result' },
  ];
}

function para(i: Instruction): Hop[] {
  const ring = guestRing(i);
  if (classOf(i) === 'plain')
    return [
      { at: 'guest', ring, what: `the guest issues ${i.name}` },
      { at: 'cpu', ring, what: 'the CPU carries it out' },
    ];
  return [
    { at: 'guest', ring, what: `the modified kernel hands ${i.name} over to the VMM` },
    vmm('the VMM emulates it'),
    ...throughDevice(i),
    { at: 'guest', ring, what: 'the guest goes on with the result' },
  ];
}

function hardware(i: Instruction): Hop[] {
  const inGuest = (what: string): Hop => ({ at: 'guest', ring: i.ring, cpuMode: 'non-root', what });
  const inKvm = (what: string): Hop => ({ at: 'kernel', ring: 0, cpuMode: 'root', what });
  const inQemu = (what: string): Hop => ({ at: 'user', ring: 3, cpuMode: 'root', what });
  const arrives = `${i.name} arrives in non-root mode and traps by VM-exit`;
  const back = inGuest('the guest goes on with the result');
  switch (classOf(i)) {
    case 'plain':
      return [inGuest(`the CPU carries ${i.name} out in non-root mode`)];
    case 'privileged':
    case 'sensitive':
      return [inGuest(arrives), inKvm('KVM emulates it; VM-entry brings the result'), back];
    case 'io':
      return [
        inGuest(arrives),
        inKvm('KVM finds I/O and passes it to QEMU'),
        inQemu('QEMU emulates the device and drives the hardware'),
        DEVICE,
        inQemu('QEMU takes the answer of the device'),
        inKvm('KVM takes the result; VM-entry brings it'),
        back,
      ];
  }
}

const ROUTES: Record<Exclude<Technique, 'none'>, (i: Instruction) => Hop[]> = {
  'full-cisc': fullCisc,
  'full-risc': fullRisc,
  para,
  hardware,
};

/** The way of an instruction of a VM, in order (CPU-6 to CPU-15). */
export const routeOf = (instruction: Instruction, technique: Exclude<Technique, 'none'>): Hop[] =>
  ROUTES[technique](instruction);

/** The bare CPU refuses a privileged instruction outside of ring 0 (CPU-3); sensitive ones run unnoticed (CPU-5). */
export const faultsAt = (instruction: Instruction, issuedAt: Ring): boolean => instruction.privileged && issuedAt !== 0;

/** The way of an instruction without virtualisation, issued in a ring. */
export function bareRoute(instruction: Instruction, issuedAt: Ring): Hop[] {
  const { name, io } = instruction;
  if (faultsAt(instruction, issuedAt))
    return [
      { at: 'cpu', ring: issuedAt, what: `the CPU faults: ${name} is privileged and was issued in ring ${issuedAt}` },
    ];
  const done: Hop = { at: 'cpu', ring: issuedAt, what: `the CPU carries ${name} out` };
  return io ? [done, DEVICE] : [done];
}
