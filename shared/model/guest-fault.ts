import { MINUTE } from '../kernel/clock.ts';
import type { ClusterHa } from './ha.ts';
import type { Vm } from './vm.ts';

/** Alarms about one guest; each is cleared when the VM is well again, or stopped. */
export const GUEST_ALARMS = ['guest-crashed', 'guest-hung', 'guest-restarts-exhausted', 'vm-recovery-failed'] as const;
export type GuestAlarm = (typeof GUEST_ALARMS)[number];

/** Restarts that a VM remembers: as many as the largest limit of a cluster allows within its window. */
const RESTARTS_KEPT = 100;

type Limit = Pick<ClusterHa, 'guestRestarts' | 'guestWindowMinutes'>;
type Restarted = Pick<Vm, 'guestRestarts'>;

/** The times of a VM's restarts, with one more at `now`. */
export const withRestart = (vm: Restarted, now: number): number[] =>
  [...(vm.guestRestarts ?? []), now].slice(-RESTARTS_KEPT);

/** When the next restart is allowed, ms; `now` or earlier when it is allowed already. */
export function nextRestartAt(vm: Restarted, { guestRestarts, guestWindowMinutes }: Limit): number {
  // The restart that has to leave the window first, so that one more keeps within the limit.
  const oldest = (vm.guestRestarts ?? []).at(-guestRestarts);
  return oldest === undefined ? 0 : oldest + guestWindowMinutes * MINUTE;
}

/** The limit in words. */
export const limitWords = ({ guestRestarts, guestWindowMinutes }: Limit): string =>
  `${guestRestarts} restarts of a guest within ${guestWindowMinutes} minutes`;
