import { type Amounts, minus, plus } from '../model/amounts.ts';
import type { Cluster, Host } from '../model/inventory.ts';
import type { Candidate, Need } from './need.ts';
import { type Chosen, EXAMINED_LIMIT, firstFailure, homeFor, type Refused, refusal } from './placement.ts';
import { ClusterPromise } from './promise.ts';

/**
 * VMs of one source that one target takes in a row, before the next one is looked for: they share an update of its
 * ledger, and it is not filled to the brim while others are empty. Declared.
 */
const IN_A_ROW = 12;

/**
 * Where the VMs of failed hosts go. Hosts take turns, the roomiest first, so that each decision looks at a few of them only
 * and thousands are placed in one go; VMs of one source stay together, so that ledgers are written once for several.
 * No chance: the same hosts and VMs give the same places.
 */
export class Targets {
  private readonly ring: Candidate[];
  private readonly byId: Map<string, Candidate>;
  private readonly current = new Map<string, { candidate: Candidate; taken: number }>();
  /** What was refused since capacity was given back last: the same need is refused again, in the same words. */
  private readonly refused = new Map<string, Refused>();
  private next = 0;

  /** What the cluster keeps for failures, of the hosts as they are pictured (HA-13): asked for what is powered on. */
  readonly promise: ClusterPromise;

  constructor(cluster: Cluster, hosts: readonly Host[]) {
    const copies = hosts.map((host) => ({ ...host }));
    const promise = new ClusterPromise(cluster, copies);
    this.promise = promise;
    this.ring = copies
      .map((host): Candidate => ({ host, cluster, datastores: [], promise }))
      .sort((a, b) => b.host.free.memoryMiB - a.host.free.memoryMiB || (a.host.id < b.host.id ? -1 : 1));
    this.byId = new Map(this.ring.map((c) => [c.host.id, c]));
  }

  /** A place for a VM that comes from `source`. What it takes there is taken with `take`. */
  pick(need: Need, source: string): Pick<Chosen, 'ok' | 'candidate' | 'home'> | Refused {
    const turn = `${need.pool ?? 'normal'} ${source}`;
    const last = this.current.get(turn);
    if (last && last.taken < IN_A_ROW && !firstFailure(last.candidate, need)) {
      last.taken++;
      return chosen(last.candidate, need);
    }
    const shape = JSON.stringify([need, need.avoid && [...need.avoid]]);
    const before = this.refused.get(shape);
    if (before) return before;
    const found = this.search(need);
    if (!found) {
      const why = refusal(need, { all: () => this.ring }, this.ring.length);
      this.refused.set(shape, why);
      return why;
    }
    this.current.set(turn, { candidate: found, taken: 1 });
    return chosen(found, need);
  }

  /** The next one in turn that fits; when none of the nearest does, any that does. */
  private search(need: Need): Candidate | undefined {
    for (let i = 0; i < this.ring.length; i++) {
      const at = (this.next + i) % this.ring.length;
      const candidate = this.ring[at] as Candidate;
      if (firstFailure(candidate, need)) continue;
      if (i < EXAMINED_LIMIT) this.next = (at + 1) % this.ring.length;
      return candidate;
    }
    return undefined;
  }

  take(hostId: string, amounts: Amounts): void {
    const host = this.byId.get(hostId)?.host;
    if (!host) return;
    host.free = minus(host.free, amounts);
    this.promise.took(amounts);
  }

  give(hostId: string, amounts: Amounts): void {
    const host = this.byId.get(hostId)?.host;
    if (!host) return;
    host.free = plus(host.free, amounts);
    this.promise.corrected();
    this.refused.clear();
  }
}

const chosen = (candidate: Candidate, need: Need) => ({
  ok: true as const,
  candidate,
  home: homeFor(candidate, need),
});
