import type { DeviceObservation } from './observation.ts';
import { figure } from './words.ts';

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
  const got = asked(kind, granted, wanted);
  return boundBy === 'demand'
    ? `does all that it is asked for: ${got}`
    : `does ${got} of ${asked(kind, wanted, wanted)}; it is held back by ${boundBy}`;
}

type Rates = Pick<DeviceObservation['granted'], 'read' | 'write'>;

/** The rates of those directions that are wanted. */
function asked(kind: 'disk' | 'NIC', rates: Rates, wanted: Rates): string {
  const [read, write] = kind === 'disk' ? ['reads/s', 'writes/s'] : ['Mbit/s received', 'Mbit/s sent'];
  const first = wanted.read > 0 ? `${figure(rates.read)} ${read}` : '';
  const second = wanted.write > 0 ? `${figure(rates.write)} ${write}` : '';
  return first && second ? `${first} and ${second}` : first || second;
}

function costs(title: string, { io, granted, exitsPerSecond, hostMhz, guestMhz }: DeviceObservation): string {
  if (granted.read + granted.write === 0) return `${title} costs nothing while it does nothing.`;
  const host =
    io === 'passthrough'
      ? `no exits, and ${figure(hostMhz)} MHz of the host for its interrupts`
      : `${figure(exitsPerSecond)} exits/s and ${figure(hostMhz)} MHz of the host`;
  return `${title} costs ${host}, beside ${figure(guestMhz)} MHz of the guest itself.`;
}
