import { demandOf, seated } from '../hypervisor/demand.ts';
import { randomFrom } from '../kernel/random.ts';
import type { Seat, Vm } from '../model/vm.ts';
import { moveNeed, moveRefusals } from './moves.ts';
import { place } from './placement.ts';
import { seatOf } from './seat.ts';
import type { CapacitySnapshot } from './snapshot.ts';

/** Migrations of fail-backs to one host that are under way at the same time: the budgets of hosts queue them anyway. Declared. */
export const FAIL_BACKS_AT_ONCE = 8;
/** Migrations of one fail-back before the wish is dropped. As for an evacuation. */
export const FAIL_BACK_ATTEMPTS = 3;

/** How the migrations of a VM have gone that were begun to bring it back. */
export interface Tries {
  failed: number;
  why: string;
  /** The last one has let go of the VM, but has not ended yet. */
  ending?: boolean;
}

/** What becomes of a VM that wants to go back. */
export type Return =
  | { vm: Vm; kind: 'moves'; seat: Seat; failed: number }
  /** Something else works on it, or others come first; it is looked at again. */
  | { vm: Vm; kind: 'later' }
  /** It cannot be moved now: it stays where it runs, and is looked at again. */
  | { vm: Vm; kind: 'stays'; reason: string }
  /** It was tried often enough: it stays for good. */
  | { vm: Vm; kind: 'dropped'; reason: string };

const FIRST = randomFrom(() => 0);

/**
 * What is done about the VMs that want to go back to a host that serves again, oldest first. Only what runs is moved, and
 * only into room that nobody else is promised. Pure; takes the seats out of the picture.
 */
export function planFailBack(
  vms: readonly Vm[],
  hostId: string,
  snapshot: CapacitySnapshot,
  tries: ReadonlyMap<string, Tries>,
): Return[] {
  let free = FAIL_BACKS_AT_ONCE - vms.filter((vm) => vm.migration?.seat.hostId === hostId).length;
  return [...vms]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((vm): Return => {
      if (vm.state !== 'running' || vm.claim !== undefined) return { vm, kind: 'later' };
      const { failed = 0, why = '', ending } = tries.get(vm.id) ?? {};
      if (ending) return { vm, kind: 'later' };
      if (failed >= FAIL_BACK_ATTEMPTS)
        return { vm, kind: 'dropped', reason: `${failed} migrations failed, the last one: ${why}` };
      const [refusal] = moveRefusals(vm, snapshot, hostId);
      if (refusal) return { vm, kind: 'stays', reason: `${refusal.reason} (${refusal.rule})` };
      const decision = place(moveNeed(vm, hostId), snapshot, FIRST);
      if (!decision.ok)
        return { vm, kind: 'stays', reason: `the host cannot take it: ${Object.keys(decision.ruledOut).join(', ')}` };
      if (free <= 0) return { vm, kind: 'later' };
      free--;
      const seat = seatOf(decision);
      snapshot.take(seat.hostId, demandOf(seated(vm, seat)));
      return { vm, kind: 'moves', seat, failed };
    });
}
