import { shareUplink } from '../qos/shaping.ts';
import { type Device, DIRECTIONS, onTheLine, type Rates } from './devices.ts';

/**
 * Lets the NICs of a host share its line, in each direction by itself: by priority, equal ones in equal parts (QOS-5).
 * Traffic between VMs of one host counts as if it left it, since nothing says who talks to whom (declared).
 */
export function shareLine(nicMbps: number, nics: readonly Device[]): Device[] {
  const full = DIRECTIONS.filter((direction) => nics.reduce((sum, n) => sum + n.allowed[direction], 0) > nicMbps);
  if (full.length === 0) return [...nics];
  const rates: Rates[] = nics.map(({ allowed }) => ({ ...allowed }));
  for (const direction of full) {
    const ports = nics.map(({ priority, allowed }, i) => ({
      id: String(i),
      priority,
      wantedMbps: allowed[direction],
    }));
    for (const [i, { mbps }] of shareUplink(nicMbps, ports).entries()) (rates[i] as Rates)[direction] = mbps;
  }
  return nics.map((nic, i) => onTheLine(nic, rates[i] as Rates));
}
