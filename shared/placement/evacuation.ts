import { demandOf, seated } from '../hypervisor/demand.ts';
import type { Refusal } from '../hypervisor/refusal.ts';
import { randomFrom } from '../kernel/random.ts';
import type { Seat, Vm, VmState } from '../model/vm.ts';
import { moveNeed, moveRefusals } from './moves.ts';
import { place } from './placement.ts';
import { seatOf } from './seat.ts';
import type { CapacitySnapshot } from './snapshot.ts';

/** What becomes of one VM of a host that is to be emptied (ELA-7). */
export type Leaving =
  | { vm: Vm; kind: 'moves'; seat: Seat }
  /** Something else works on it; it moves after that, and there is room for it. */
  | { vm: Vm; kind: 'later'; seat: Seat; reason: string }
  /** It leaves the host by itself. */
  | { vm: Vm; kind: 'leaves'; reason: string }
  | { vm: Vm; kind: 'stuck'; reasons: Refusal[] };

const LEAVING: ReadonlySet<VmState> = new Set(['stopping', 'deleting', 'migrating']);
const ARRIVING: ReadonlySet<VmState> = new Set(['creating', 'starting', 'faultResuming']);

/** Of equals always the first: the plan of a dry run and that of the real one are the same. */
const FIRST = randomFrom(() => 0);

/**
 * Where each VM of a host would go, largest first, or every reason why it cannot go. Pure: an unchanged cluster gives the
 * same plan, and what is left of a plan after its first moves is planned as before. Takes the seats out of the picture.
 */
export function planEvacuation(vms: readonly Vm[], snapshot: CapacitySnapshot): Leaving[] {
  return [...vms].sort(largestFirst).map((vm): Leaving => {
    if (LEAVING.has(vm.state)) return { vm, kind: 'leaves', reason: `it is ${vm.state}` };
    const decision = place(moveNeed(vm), snapshot, FIRST);
    const reasons = [
      ...restsHere(vm),
      ...moveRefusals(vm, snapshot),
      ...(decision.ok ? [] : [noRoom(decision.ruledOut, decision.help)]),
    ];
    if (!decision.ok || reasons.length > 0) return { vm, kind: 'stuck', reasons };
    const seat = seatOf(decision);
    snapshot.take(seat.hostId, demandOf(seated(vm, seat)));
    if (ARRIVING.has(vm.state)) return { vm, kind: 'later', seat, reason: `it is ${vm.state}` };
    if (vm.claim) return { vm, kind: 'later', seat, reason: `operation ${vm.claim} holds it` };
    return { vm, kind: 'moves', seat };
  });
}

const largestFirst = (a: Vm, b: Vm): number =>
  b.memory.sizeMiB - a.memory.sizeMiB || b.cpu.vcpus - a.cpu.vcpus || (a.id < b.id ? -1 : 1);

const restsHere = ({ state }: Vm): Refusal[] =>
  state === 'running' || ARRIVING.has(state)
    ? []
    : [{ rule: 'MIG-1', reason: `it is ${state}, and only what runs is moved`, fix: 'let it run, or stop it' }];

const noRoom = (ruledOut: Record<string, number>, help: readonly string[]): Refusal => ({
  rule: 'ELA-6',
  reason: `no other host of its cluster can take it: ${Object.entries(ruledOut)
    .map(([rule, hosts]) => `${rule} rules out ${hosts}`)
    .join(', ')}`,
  fix: help.join(' '),
});
