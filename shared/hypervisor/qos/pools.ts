import type { Refusal } from '../refusal.ts';

/**
 * A resource pool with a reservation, in one unit (MHz or MiB). `reservedBelow` is what VMs and child pools directly
 * below it have reserved, `lent` what expandable children have borrowed.
 */
export interface Pool {
  id: string;
  reservation: number;
  reservedBelow: number;
  lent: number;
  expandable: boolean;
  parent?: Pool | undefined;
}

/** Algorithm 3: what a pool can still promise out of its own reservation. */
export const freeReservation = (pool: Pool): number => pool.reservation - pool.reservedBelow - pool.lent;

export interface Loan {
  poolId: string;
  amount: number;
}

/**
 * Whether a VM's reservation can be found, and where: first in the pool, and the missing part, level by level, in the
 * parents of expandable pools (VDC-3). The refusal names the pool that lacked it.
 */
export function reserve(pool: Pool, amount: number): { ok: true; takes: Loan[] } | { ok: false; refusal: Refusal } {
  const takes: Loan[] = [];
  let missing = amount;
  for (let at: Pool | undefined = pool; at; at = at.parent) {
    const part = Math.min(Math.max(0, freeReservation(at)), missing);
    if (part > 0) takes.push({ poolId: at.id, amount: part });
    missing -= part;
    if (missing <= 0) return { ok: true, takes };
    if (!at.expandable || !at.parent) return { ok: false, refusal: lacking(at, amount, missing) };
  }
  return { ok: true, takes };
}

const lacking = (pool: Pool, amount: number, missing: number): Refusal => ({
  rule: 'VDC-3',
  reason: `pool ${pool.id} lacks ${missing} of the reservation of ${amount}: ${freeReservation(pool)} of ${pool.reservation} are free there`,
  fix: pool.parent ? `make ${pool.id} expandable, or raise its reservation` : `raise the reservation of ${pool.id}`,
  figures: { pool: pool.id, free: freeReservation(pool), requested: amount, missing },
});
