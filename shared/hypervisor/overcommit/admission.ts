import type { DatastoreKind } from '../../model/inventory.ts';
import { MEMORY_SHARES_PER_MIB, OVERCOMMIT_CEILING_PERCENT, RESERVATION_FLOOR_PERCENT } from '../parameters.ts';
import { type Refusal, Refused } from '../refusal.ts';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * Why a host cannot take these VMs; MiB throughout. With overcommit off the sizes fit the memory for VMs, with it on they
 * fit the ratio (OVC-5), and reservations fit the memory itself (QOS-4; without overcommit they have no effect).
 */
export function overcommitRefusals(host: {
  sizes: readonly number[];
  reservations: readonly number[];
  /** Memory for VMs without what is set aside as huge pages. */
  domainMiB: number;
  ratioPercent: number;
  enabled: boolean;
}): Refusal[] {
  const { domainMiB, ratioPercent, enabled } = host;
  const refusals: Refusal[] = [];
  if (enabled && !(ratioPercent >= 100 && ratioPercent <= OVERCOMMIT_CEILING_PERCENT))
    refusals.push({
      rule: 'OVC-5',
      reason: `a ratio of ${ratioPercent} % is outside 100 to ${OVERCOMMIT_CEILING_PERCENT} %`,
      fix: `Set a ratio of at most ${OVERCOMMIT_CEILING_PERCENT} %.`,
      figures: { ratioPercent, ceilingPercent: OVERCOMMIT_CEILING_PERCENT },
    });
  const [sizesMiB, reservedMiB] = [sum(host.sizes), sum(host.reservations)];
  const allowedMiB = enabled ? (domainMiB * Math.min(ratioPercent, OVERCOMMIT_CEILING_PERCENT)) / 100 : domainMiB;
  if (sizesMiB > allowedMiB)
    refusals.push({
      rule: 'OVC-5',
      reason: `VMs of ${sizesMiB} MiB exceed ${allowedMiB} MiB, ${enabled ? `${ratioPercent} % of ` : ''}the host's memory for VMs`,
      fix: enabled ? 'Take another host or smaller VMs.' : 'Take another host, smaller VMs, or allow overcommit.',
      figures: { sizesMiB, allowedMiB, domainMiB },
    });
  if (enabled && reservedMiB > domainMiB)
    refusals.push({
      rule: 'QOS-4',
      reason: `reservations of ${reservedMiB} MiB exceed the host's ${domainMiB} MiB for VMs`,
      fix: 'Reserve less or take another host.',
      figures: { reservedMiB, domainMiB },
    });
  return refusals;
}

/** Why a swap partition cannot lie on this datastore (OVC-3). */
export const swapRefusal = ({ datastoreKind }: { datastoreKind: DatastoreKind }): Refusal | undefined =>
  datastoreKind === 'virtualised-local'
    ? undefined
    : {
        rule: 'OVC-3',
        reason: `a swap partition can lie on a virtualised local disk only, not on a datastore of kind ${datastoreKind}`,
        fix: 'Choose a datastore of kind virtualised-local.',
        figures: { datastoreKind },
      };

/** The ratio of memory promised to VMs to memory for VMs, and whether it is beyond the alarm (OVC-5). */
export function overcommitAlarm(
  allocatedMiB: number,
  domainMiB: number,
  alarmPercent: number,
): { ratioPercent: number; raised: boolean } {
  const ratioPercent = allocatedMiB === 0 ? 0 : (allocatedMiB / domainMiB) * 100;
  return { ratioPercent, raised: allocatedMiB * 100 > domainMiB * alarmPercent };
}

/** The reservation that is stored, whole MiB (MEM-15): 0, or at least 70 % of the size. Throws `Refused` MEM-15. */
export function roundReservation(sizeMiB: number, reservationMiB: number): number {
  if (!(reservationMiB >= 0 && reservationMiB <= sizeMiB))
    throw new Refused({
      rule: 'MEM-15',
      reason: `a reservation of ${reservationMiB} MiB is outside 0 to the VM's ${sizeMiB} MiB`,
      fix: `Reserve at most ${sizeMiB} MiB.`,
      figures: { reservationMiB, sizeMiB },
    });
  return reservationMiB === 0
    ? 0
    : Math.max(Math.ceil(reservationMiB), Math.ceil((sizeMiB * RESERVATION_FLOOR_PERCENT) / 100));
}

/** Default weight of a VM's memory (MEM-15). */
export const memorySharesDefault = (sizeMiB: number): number => sizeMiB * MEMORY_SHARES_PER_MIB;
