import type { Amounts } from './amounts.ts';
import { nothing } from './amounts.ts';
import type { Seat } from './vm.ts';

/** A place on a host of the recovery site that is kept for a protected VM. */
export interface HeldSeat extends Seat {
  clusterId: string;
  /** What it holds of the host's ledger. */
  amounts: Amounts;
  /** The copy that a test has made of the VM sits on it (DR-8): the copy holds the amounts meanwhile. */
  lentTo?: string;
}

/**
 * The compute that a recovery plan keeps at its recovery site for the VMs of one of its groups (DR-21): seats on hosts, taken
 * from their ledgers like those of VMs, so that nobody else can be placed there. One plan keeps them for a group. Volumes
 * of the placeholders stand on the VMs (`vm.protection.replicas`).
 */
export interface Placeholders {
  tenantId: string;
  groupId: string;
  planId: string;
  siteId: string;
  /** By VM. */
  seats: Record<string, HeldSeat>;
  /** VMs without a seat, each with the reason; as of the last change. */
  lacking: Record<string, string>;
  version: number;
}

/** Raised while VMs of a group have no seat that a plan is to keep. */
export const SEATS_ALARM = 'recovery-capacity';

/** What of a host's ledger is kept for recovery plans; part of what is taken. */
export interface Kept {
  keptVms: number;
  keptVcpus: number;
  keptMiB: number;
}

/** What seats hold in the ledgers of hosts. One that is lent holds nothing by itself. */
export const seatHoldsOf = (seats: Iterable<HeldSeat>): { hostId: string; amounts: Amounts }[] =>
  [...seats].flatMap(({ hostId, amounts, lentTo }) => (lentTo === undefined ? [{ hostId, amounts }] : []));

export const keptOf = (amounts: Amounts): Kept => ({
  keptVms: amounts.vms ?? 0,
  keptVcpus: amounts.vcpus,
  keptMiB: amounts.memoryMiB,
});

/** By VM, the seats that are kept for it at a site. */
export const seatsAt = (all: readonly Placeholders[], siteId: string): Map<string, HeldSeat> =>
  new Map(all.flatMap((p) => (p.siteId === siteId ? Object.entries(p.seats) : [])));

/** vCPUs, MHz and memory of some seats. */
export const amountsOfSeats = (seats: Iterable<HeldSeat>): { vcpus: number; mhz: number; memoryMiB: number } => {
  const sum = nothing();
  for (const { amounts } of seats) {
    sum.vcpus += amounts.vcpus;
    sum.mhz += amounts.mhz;
    sum.memoryMiB += amounts.memoryMiB;
  }
  return { vcpus: sum.vcpus, mhz: sum.mhz, memoryMiB: sum.memoryMiB };
};
