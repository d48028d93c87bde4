import { demandOf, seated } from '../hypervisor/demand.ts';
import { randomFrom } from '../kernel/random.ts';
import { type BaseAmounts, minus, nothing } from '../model/amounts.ts';
import { RESTART_PRIORITIES } from '../model/ha.ts';
import { allocatedOf, type Cluster, type Host } from '../model/inventory.ts';
import { hasPassthrough, type Seat, type Vm } from '../model/vm.ts';
import type { Candidate } from './need.ts';
import { type CandidateIndex, place } from './placement.ts';
import { placeRecovered, recoveryStages } from './recovery.ts';
import { isReserved, takesVms } from './reserved.ts';
import { seatOf } from './seat.ts';
import { CapacitySnapshot, needOf } from './snapshot.ts';

/** Of equals always the first: the same cluster gives the same answer. */
const FIRST = randomFrom(() => 0);
const BASE = ['vcpus', 'mhz', 'memoryMiB'] as const;

/** A VM that no host would take, if hosts failed. */
export interface Homeless {
  vmId: string;
  name: string;
  /** Hosts that have failed then, the last one last; none for a VM that waits already. */
  failedHosts: string[];
  needs: BaseAmounts;
  /** Free on all hosts that a recovery may use then. */
  freeInSum: BaseAmounts;
  /** Most that is free on one of them, of each for itself. */
  mostOnOneHost: BaseAmounts;
  /** What of its needs is not even free in sum; nothing where only the scattering is to blame. */
  lackingInSum: (keyof BaseAmounts)[];
  /** Per rule of the placement, how many hosts it rules out. */
  ruledOut: Record<string, number>;
}
export interface Rehearsed {
  /** Hosts that can fail, one after the other, while each VM of them finds a host. */
  failures: number;
  /** It was not looked further: it may be more. */
  atLeast: boolean;
  homeless?: Homeless;
}

interface Moved {
  vm: Vm;
  seat: Seat;
}

/**
 * Lets hosts of a cluster fail in the picture, the largest first, and places their VMs as a recovery would: by the rules of
 * the placement, not in sum. Any single host may be the first to fail, so each of them is tried. Pure.
 */
export function rehearse(cluster: Cluster, hosts: readonly Host[], vms: readonly Vm[], most: number): Rehearsed {
  if (most === 0) return { failures: 0, atLeast: true };
  const stage = new Stage(cluster, hosts, vms);
  const waiting = stage.placeWaiting();
  if (waiting) return { failures: 0, atLeast: false, homeless: waiting };
  for (const id of stage.order()) {
    const { homeless, moved } = stage.fail(id, []);
    if (homeless) return { failures: 0, atLeast: false, homeless };
    stage.undo(id, moved);
  }
  const failed: string[] = [];
  for (const id of stage.order()) {
    if (failed.length === most) return { failures: failed.length, atLeast: true };
    const { homeless } = stage.fail(id, failed);
    if (homeless) return { failures: failed.length, atLeast: false, homeless };
    failed.push(id);
  }
  return { failures: failed.length, atLeast: false };
}

class Stage implements CandidateIndex {
  private readonly cluster: Cluster;
  private readonly snapshot: CapacitySnapshot;
  private readonly on: Map<string, Vm[]>;
  private readonly lost: Vm[];
  private sorted: Candidate[] = [];

  constructor(cluster: Cluster, hosts: readonly Host[], vms: readonly Vm[]) {
    this.cluster = cluster;
    this.snapshot = new CapacitySnapshot([cluster], hosts, []);
    const up = new Set(hosts.filter((h) => h.state === 'online').map((h) => h.id));
    const recovered = [...vms].filter(comesBack).sort(inTurn);
    this.on = Map.groupBy(
      recovered.filter((vm) => vm.hostId !== null && up.has(vm.hostId)),
      (vm) => vm.hostId as string,
    );
    this.lost = recovered.filter((vm) => (vm.hostId === null ? vm.state === 'faultResuming' : !up.has(vm.hostId)));
  }

  /** Sorted once for each host that fails, not for each VM of it. */
  near(): Iterable<Candidate> {
    return this.sorted;
  }

  all(): Iterable<Candidate> {
    return this.snapshot.all();
  }

  /** Hosts that can fail, the largest first; of equals the one that carries most. */
  order(): string[] {
    const size = ({ host }: Candidate) => host.capacity.memoryMiB;
    const load = ({ host }: Candidate) => allocatedOf(host).memoryMiB;
    return [...this.all()]
      .filter(({ host }) => host.state === 'online')
      .sort((a, b) => size(b) - size(a) || load(b) - load(a) || (a.host.id < b.host.id ? -1 : 1))
      .map(({ host }) => host.id);
  }

  /** VMs of hosts that have failed already come first: they take what is kept. */
  placeWaiting(): Homeless | undefined {
    this.sort();
    const { homeless } = this.place(this.lost, []);
    this.lost.length = 0;
    return homeless;
  }

  fail(id: string, before: readonly string[]): { homeless?: Homeless; moved: Moved[] } {
    this.set(id, 'fenced');
    this.sort();
    const vms = this.on.get(id) ?? [];
    this.on.delete(id);
    return this.place(vms, [...before, id]);
  }

  undo(id: string, moved: readonly Moved[]): void {
    for (const { vm, seat } of moved) {
      this.snapshot.take(seat.hostId, minus(nothing(), demandOf(seated(vm, seat))));
      this.on.set(
        seat.hostId,
        (this.on.get(seat.hostId) ?? []).filter((other) => other.id !== vm.id),
      );
    }
    this.on.set(
      id,
      moved.map(({ vm }) => vm),
    );
    this.set(id, 'online');
  }

  private place(vms: readonly Vm[], failedHosts: string[]): { homeless?: Homeless; moved: Moved[] } {
    const moved: Moved[] = [];
    for (const vm of vms) {
      const need = needOf(vm, { sites: [vm.siteId], clusterId: this.cluster.id, storage: false });
      const decision = placeRecovered(need, this.cluster, (asked) => place(asked, this, FIRST));
      if (!decision.ok) return { homeless: this.homeless(vm, need.demand, failedHosts, decision.ruledOut), moved };
      const seat = seatOf(decision);
      this.snapshot.take(seat.hostId, demandOf(seated(vm, seat)));
      this.on.set(seat.hostId, [...(this.on.get(seat.hostId) ?? []), vm]);
      moved.push({ vm, seat });
    }
    return { moved };
  }

  private homeless(vm: Vm, needs: BaseAmounts, failedHosts: string[], ruledOut: Record<string, number>): Homeless {
    // What the rules before the ledger rule out has nothing to give.
    const frees = this.sorted.filter(({ host }) => usable(host, this.cluster)).map(({ host }) => host.free);
    const each = (of: (d: (typeof BASE)[number]) => number) =>
      ({ vcpus: of('vcpus'), mhz: of('mhz'), memoryMiB: of('memoryMiB') }) satisfies BaseAmounts;
    const freeInSum = each((d) => frees.reduce((sum, free) => sum + Math.max(0, free[d]), 0));
    return {
      vmId: vm.id,
      name: vm.name,
      failedHosts,
      needs: each((d) => needs[d]),
      freeInSum,
      mostOnOneHost: each((d) => Math.max(0, ...frees.map((free) => free[d]))),
      lackingInSum: BASE.filter((d) => needs[d] > freeInSum[d]),
      ruledOut,
    };
  }

  private set(id: string, state: Host['state']): void {
    const there = this.snapshot.candidate(id);
    if (there) this.snapshot.correct({ ...there.host, state });
  }

  private sort(): void {
    const room = ({ host }: Candidate) => (takesVms(host) ? host.free.memoryMiB : -1);
    this.sorted = [...this.all()].sort((a, b) => room(b) - room(a) || (a.host.id < b.host.id ? -1 : 1));
  }
}

/** Whether a recovery may start VMs there. */
const usable = (host: Host, cluster: Cluster): boolean =>
  takesVms(host) && recoveryStages(cluster.ha.recovery).includes(isReserved(cluster, host.id) ? 'reserved' : 'normal');

/** Whether a recovery would start it again: what HA does not restart needs no room (HA-3, IO-4). */
const comesBack = (vm: Vm): boolean => vm.ha.enabled && vm.desired === 'running' && !hasPassthrough(vm);

const rank = ({ ha }: Vm): number => RESTART_PRIORITIES.indexOf(ha.restartPriority);
const inTurn = (a: Vm, b: Vm): number => rank(a) - rank(b) || (a.id < b.id ? -1 : 1);
