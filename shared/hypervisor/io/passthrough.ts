import type { Refusal } from '../refusal.ts';

/**
 * What a VM with a directly assigned device loses (IO-4), and who says so: the source document, the product documentation,
 * or this project.
 */
export const PASSTHROUGH_LOSES = {
  ha: { name: 'HA', grade: 'source document' },
  drs: { name: 'DRS', grade: 'source document' },
  'memory-snapshot': { name: 'memory snapshot', grade: 'source document' },
  'dr-protection': { name: 'DR protection', grade: 'product documentation' },
  'live-migration': { name: 'live migration', grade: 'declared' },
  conversion: { name: 'heterogeneous migration', grade: 'declared' },
  hibernation: { name: 'hibernation', grade: 'declared' },
} as const;
export type PassthroughLoss = keyof typeof PASSTHROUGH_LOSES;

/** What is read of a VM. A NIC that has no id yet is named by its place, from 0. */
export interface DeviceModes {
  disks: readonly { name: string; io: string }[];
  nics: readonly { id?: string; io: string }[];
}

/** The devices of a VM that bind it to its host's hardware, by name. */
export const passthroughDevices = ({ disks, nics }: DeviceModes): string[] => [
  ...disks.flatMap((d) => (d.io === 'passthrough' ? [`disk ${d.name}`] : [])),
  ...nics.flatMap((n, i) => (n.io === 'passthrough' ? [`NIC ${n.id ?? i}`] : [])),
];

/** Why a VM cannot have a feature (IO-4; MIG-8 for live migration); undefined without a passthrough device. */
export function passthroughRefusal(feature: PassthroughLoss, vm: DeviceModes): Refusal | undefined {
  const devices = passthroughDevices(vm);
  if (devices.length === 0) return undefined;
  const { name, grade } = PASSTHROUGH_LOSES[feature];
  return {
    rule: 'IO-4',
    reason: `${name} is not possible with a passthrough device: ${devices.join(', ')}`,
    fix: 'remove the passthrough device, or change it to virtio',
    figures: { passthroughDevices: devices.length, grade },
  };
}
