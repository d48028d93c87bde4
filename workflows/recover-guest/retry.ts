import { iso } from '../../shared/kernel/clock.ts';
import { limitWords, nextRestartAt } from '../../shared/model/guest-fault.ts';
import type { ClusterHa } from '../../shared/model/ha.ts';
import { hasPassthrough, type Vm } from '../../shared/model/vm.ts';

/** What this recovery has tried so far (S3: attempts, triedNodes). */
export interface Tries {
  /** Starts that failed. */
  failed: number;
  /** Further starts on the present host. */
  local: number;
  /** Further hosts. */
  relocated: number;
  /** Hosts on which a start failed. */
  hosts: readonly string[];
}
export const NO_TRIES: Tries = { failed: 0, local: 0, relocated: 0, hosts: [] };

export type Turn =
  | { kind: 'here' }
  /** Not on these hosts. With `orHere` its own host will do when no other can take it. */
  | { kind: 'elsewhere'; avoid: ReadonlySet<string>; orHere: boolean }
  | { kind: 'giveUp'; reason: string };

/**
 * Where the guest is started next (HA-17). `reboot` stays where it is. `ha` prefers another host from the first start on:
 * the fault may have come from this one. A VM with a passthrough device stays with its host's hardware (IO-4). Pure.
 */
export function nextTurn(vm: Vm & { hostId: string }, tries: Tries, ha: ClusterHa, now: number): Turn {
  const moves = vm.ha.faultProcess === 'ha' && vm.ha.enabled && !hasPassthrough(vm);
  const avoid = new Set([...tries.hosts, vm.hostId]);
  if (tries.failed === 0) return moves ? { kind: 'elsewhere', avoid, orHere: true } : { kind: 'here' };
  const next = nextRestartAt(vm, ha);
  if (now < next) return { kind: 'giveUp', reason: `${limitWords(ha)} are the limit until ${iso(next)}` };
  if (tries.local < ha.localRestarts) return { kind: 'here' };
  if (moves && tries.relocated < ha.relocations) return { kind: 'elsewhere', avoid, orHere: false };
  const limits = `${ha.localRestarts} further starts on a host${moves ? ` and ${ha.relocations} further hosts` : ''} are the limit`;
  return { kind: 'giveUp', reason: `${tries.failed} starts failed; ${limits}` };
}

/** The tries after a start that failed on the present host. */
export const failedOn = (tries: Tries, hostId: string): Tries => ({
  ...tries,
  failed: tries.failed + 1,
  hosts: [...new Set([...tries.hosts, hostId])],
});

/** The tries with the next start placed. The first start is none of the further ones. */
export function placedOn(tries: Tries, from: string, to: string): Tries {
  if (tries.failed === 0) return tries;
  return from === to ? { ...tries, local: tries.local + 1 } : { ...tries, local: 0, relocated: tries.relocated + 1 };
}
