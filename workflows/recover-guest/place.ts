import { holdsOf, SEAT, seated } from '../../shared/hypervisor/demand.ts';
import { withRestart } from '../../shared/model/guest-fault.ts';
import { nextEpoch, type Seat } from '../../shared/model/vm.ts';
import { place } from '../../shared/placement/placement.ts';
import { seatOf } from '../../shared/placement/seat.ts';
import { CapacitySnapshot, needOf } from '../../shared/placement/snapshot.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { HostFull, shiftHosts } from '../../shared/store/ledger.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { unchanged, vmKey } from '../vm/records.ts';
import { noted, type Own, ownVm, TAKEN_OVER, triesOf } from './records.ts';
import { nextTurn, placedOn, type Turn } from './retry.ts';

/** A new epoch (HA-9), on its own host or on another one, in one transaction; or the recovery is given up. */
export async function placeVm(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await ownVm(state, deps);
  if (!vm) return TAKEN_OVER;
  const from = String(state.stoppedOn);
  // It was placed before, and the answer was lost.
  if (vm.epoch > Number(state.stopped)) return placed(vm.hostId, from, state, deps);
  const cluster = await new Inventory(deps.store, SYSTEM).cluster(vm.clusterId);
  const turn = nextTurn(vm, triesOf(state), cluster.ha, deps.clock.now());
  if (turn.kind === 'giveUp') return { next: 'report', outcome: 'failed', why: turn.reason };
  const seat = turn.kind === 'here' ? seatNow(vm) : await seatElsewhere(vm, turn, String(state.origin), deps);
  if (typeof seat === 'string') return { next: 'report', outcome: 'failed', why: seat };
  await enter(vm, seat, triesOf(state).failed > 0, deps);
  return placed(seat.hostId, from, state, deps);
}

function placed(to: string, from: string, state: State, deps: StepDeps): Record<string, unknown> {
  const words = from === to ? `on its own host ${to}` : `on host ${to}`;
  const tries = placedOn(triesOf(state), from, to);
  return { next: 'start', tries, ...noted(state, deps.clock.now(), 'placed', words) };
}

const seatNow = ({ hostId, home, generation }: Own): Seat => ({
  hostId,
  ...(home ? { home } : {}),
  ...(generation ? { generation } : {}),
});

/** A seat on a host that was not tried yet, the one where the fault was seen last of all; a reason when there is none. */
async function seatElsewhere(
  vm: Own,
  { avoid, orHere }: Extract<Turn, { kind: 'elsewhere' }>,
  origin: string,
  { store, random }: StepDeps,
): Promise<Seat | string> {
  const inventory = new Inventory(store, SYSTEM);
  const [cluster, hosts] = await Promise.all([
    inventory.cluster(vm.clusterId),
    inventory.hostsOf(vm.clusterId, { consistent: true }),
  ]);
  const where = { sites: [vm.siteId], clusterId: vm.clusterId, storage: false };
  const picture = new CapacitySnapshot([cluster], hosts, []);
  const among = (ruledOut: ReadonlySet<string>) => place(needOf(vm, { ...where, avoid: ruledOut }), picture, random);
  const better = among(new Set([...avoid, origin]));
  const decision = better.ok ? better : among(avoid);
  if (decision.ok) return seatOf(decision);
  if (orHere) return seatNow(vm);
  const rules = Object.entries(decision.ruledOut).map(([rule, n]) => `${rule} rules out ${n}`);
  return `no other host of ${decision.hosts} can take it: ${rules.join(', ')}`;
}

/**
 * The VM gets the seat and an epoch that was never given. It is in the index of the host in the same write, so that a
 * recovery of that host finds it. `again`: a restart beyond the one that this recovery began with.
 */
async function enter(vm: Own, seat: Seat, again: boolean, { store, clock }: StepDeps): Promise<void> {
  const epoch = nextEpoch(vm);
  const tx = new Transaction().update(vmKey(vm), {
    set: {
      ...seat,
      runsOn: seat.hostId,
      guestFault: { ...vm.guestFault, epoch },
      ...(again ? { guestRestarts: withRestart(vm, clock.now()) } : {}),
    },
    add: { epoch: epoch - vm.epoch, version: 1 },
    remove: SEAT.filter((attribute) => seat[attribute] === undefined),
    ...unchanged(vm),
  });
  // Also where nothing moves the host must serve: one that is being judged has its own recovery.
  shiftHosts(tx, () => vm.clusterId, holdsOf(vm), holdsOf(seated(vm, seat)), new Map([[seat.hostId, {}]]));
  try {
    await store.commit(tx);
  } catch (error) {
    if (error instanceof HostFull) throw new TryAgain(`host ${seat.hostId} cannot take it now`);
    throw error;
  }
}
