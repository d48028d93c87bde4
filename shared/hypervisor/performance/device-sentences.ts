import type { DeviceObservation } from './observation.ts';
import { figure, list } from './words.ts';

/** What a device gets and costs; nothing of one that is idle and works as asked. */
export function deviceSentences(kind: 'disk' | 'NIC', device: DeviceObservation): string[] {
  const { name, io, fallback, wanted } = device;
  const sentences = fallback ? [fallback] : [];
  if (wanted.read + wanted.write === 0) return sentences;
  const title = `${kind === 'disk' ? 'Disk' : 'NIC'} ${name} (${io})`;
  sentences.push(`${title} ${rates(kind, device)}.`);
  sentences.push(costs(title, device));
  return sentences;
}

function rates(kind: 'disk' | 'NIC', { wanted, granted, boundBy }: DeviceObservation): string {
  const [read, write] = kind === 'disk' ? ['reads', 'writes'] : ['received', 'sent'];
  const rate = (n: number, what: string) => `${figure(n)} ${kind === 'disk' ? `${what}/s` : `Mbit/s ${what}`}`;
  const got = list([
    ...(wanted.read > 0 ? [rate(granted.read, read as string)] : []),
    ...(wanted.write > 0 ? [rate(granted.write, write as string)] : []),
  ]);
  if (boundBy === 'demand') return `does all that it is asked for: ${got}`;
  const all = list([
    ...(wanted.read > 0 ? [rate(wanted.read, read as string)] : []),
    ...(wanted.write > 0 ? [rate(wanted.write, write as string)] : []),
  ]);
  return `does ${got} of ${all}; it is held back by ${boundBy}`;
}

function costs(title: string, { io, granted, exitsPerSecond, hostMhz, guestMhz }: DeviceObservation): string {
  if (granted.read + granted.write === 0) return `${title} costs nothing while it does nothing.`;
  const host =
    io === 'passthrough'
      ? `no exits, and ${figure(hostMhz)} MHz of the host for its interrupts`
      : `${figure(exitsPerSecond)} exits/s and ${figure(hostMhz)} MHz of the host`;
  return `${title} costs ${host}, beside ${figure(guestMhz)} MHz of the guest itself.`;
}
