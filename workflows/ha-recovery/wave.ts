import { type Hold, holdsOf, SEAT } from '../../shared/hypervisor/demand.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { type Migration, nextEpoch, type Seat, type Vm, vmMachine } from '../../shared/model/vm.ts';
import { HostFull, shiftHosts } from '../../shared/store/ledger.ts';
import { emit } from '../../shared/store/outbox.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { publicWords, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { Moved, unchanged, vmKey } from '../vm/records.ts';
import { inWaves as packed } from '../vm/waves.ts';
import type { Move } from './plan.ts';

/** Transactions that are under way at the same time. */
const AT_ONCE = 8;

/** Where it is written down what becomes of the VMs. */
export interface Filing {
  incidentId: string;
  /** Part of the incident by VM. */
  partOf: ReadonlyMap<string, number>;
}

/** One transaction: the VMs, what their old hosts get back and what the new ones give. */
export function wave(moves: readonly Move[], filing: Filing, deps: StepDeps): Transaction {
  const tx = new Transaction();
  const clusters = new Map(moves.flatMap(({ vm }) => hostsOf(vm).map((id) => [id, vm.clusterId])));
  for (const move of moves) {
    const { vm } = move;
    if (move.kind === 'start') clusters.set(move.seat.hostId, vm.clusterId);
    tx.update(vmKey(vm), { ...change(move, filing), ...unchanged(vm) });
    if (move.kind === 'rest') {
      emit(tx, {
        id: deps.ids.make('event', tagOfTenant(vm.tenantId)),
        type: 'vm.stopped',
        at: deps.clock.now(),
        tenantId: vm.tenantId,
        subject: vm.id,
        data: { reason: publicWords(move.reason) },
      });
    }
  }
  const before = moves.flatMap(({ vm }) => holdsOf(vm));
  shiftHosts(tx, (id) => clusters.get(id) as string, before, moves.flatMap(holdsAfter), seatsOf(moves));
  return tx;
}

const keeps = (move: Move): boolean => move.kind === 'wait' && move.keepsMigration;

/** Hosts on which VMs are to run from now on. One that a recovery looks at now might miss a VM that has arrived there. */
const seatsOf = (moves: readonly Move[]): Map<string, { unclaimed?: boolean }> =>
  new Map(
    moves.flatMap((move): [string, { unclaimed?: boolean }][] => {
      if (move.kind === 'start') return [[move.seat.hostId, {}]];
      return move.kind === 'arrived' ? [[(move.vm.migration as Migration).seat.hostId, { unclaimed: true }]] : [];
    }),
  );

/** Items that a move writes: the VM, the event of one that rests, and the hosts that give and take. */
export const itemsOf = (move: Move): string[] => [
  move.vm.id,
  ...(move.kind === 'rest' ? [`event of ${move.vm.id}`] : []),
  ...hostsOf(move.vm),
  ...(move.kind === 'start' ? [move.seat.hostId] : []),
];

const hostsOf = (vm: Vm): string[] => holdsOf(vm).map((hold) => hold.hostId);

/** What the VM of a move will hold. A VM that waits keeps its place at the target of a migration that may have ended there. */
function holdsAfter(move: Move): Hold[] {
  const { migration, home: _, generation: __, ...rest } = move.vm;
  if (move.kind === 'start') return holdsOf({ ...rest, ...move.seat });
  if (move.kind === 'arrived') return holdsOf({ ...rest, ...(migration as Migration).seat });
  return holdsOf({ ...rest, hostId: null, ...(keeps(move) ? { migration } : {}) });
}

function change(move: Move, filing: Filing): Pick<UpdateSpec, 'set' | 'add' | 'remove'> {
  const { vm } = move;
  // An epoch that a migration was promised is never given to another process.
  const promised = vm.migration && !keeps(move) ? { promised: vm.migration.epoch } : {};
  const emptied = (seat: Partial<Seat> = {}) => SEAT.filter((attribute) => seat[attribute] === undefined);
  const over = keeps(move) ? [] : ['migration'];
  const recovery = { incidentId: filing.incidentId, part: filing.partOf.get(vm.id) };
  switch (move.kind) {
    case 'start': {
      const home = vm.ha.failBack ? (vm.failBackTo ?? move.entry?.fromHost ?? vm.runsOn) : undefined;
      const failBackTo = home === move.seat.hostId ? undefined : home;
      return {
        set: {
          state: resuming(vm),
          runsOn: move.seat.hostId,
          recovery,
          ...move.seat,
          ...promised,
          ...(failBackTo ? { failBackTo } : {}),
        },
        add: { epoch: nextEpoch(vm) - vm.epoch, version: 1 },
        remove: ['reason', ...(failBackTo ? [] : ['failBackTo']), ...over, ...emptied(move.seat)],
      };
    }
    case 'arrived': {
      const { seat, epoch } = vm.migration as Migration;
      return {
        set: { state: 'running', runsOn: seat.hostId, epoch, ...seat },
        add: { version: 1 },
        remove: ['reason', ...over, ...emptied(seat)],
      };
    }
    case 'wait':
      // The incident knows it from now on: the host that failed has nothing to do with it any more.
      return {
        set: { state: resuming(vm), hostId: null, reason: publicWords(move.reason), recovery, ...promised },
        add: { version: 1 },
        remove: ['runsOn', ...over, ...emptied()],
      };
    case 'rest':
    case 'error':
      return {
        set: {
          state: move.kind === 'rest' ? 'stopped' : vmMachine.next(resuming(vm), 'recoveryError'),
          hostId: null,
          ...(move.kind === 'rest' ? { desired: 'stopped' } : { recovery }),
          // The hosts that were tried are the operator's business: the incident names them.
          reason: publicWords(move.reason),
          ...promised,
        },
        add: { version: 1 },
        remove: ['runsOn', ...over, ...emptied()],
      };
    case 'release':
      // A conversion that fails hands it back to the recovery of this host, by the index.
      return {
        set: { hostId: null, ...promised },
        add: { version: 1 },
        remove: [...(vm.conversion ? [] : ['runsOn']), ...over, ...emptied()],
      };
  }
}

const resuming = (vm: Vm) => (vm.state === 'faultResuming' ? vm.state : vmMachine.next(vm.state, 'hostFault'));

/**
 * As many moves as fit into one transaction: an action for each VM, its event, and each host. Those of one host go
 * together, so that ledgers are written once for several VMs; all of them are written before the first one is started,
 * so that their order says nothing.
 */
export function inWaves(moves: readonly Move[]): Move[][] {
  const source = (m: Move) => m.vm.runsOn ?? '';
  const sorted = [...moves].sort((a, b) => (source(a) < source(b) ? -1 : source(a) > source(b) ? 1 : 0));
  return packed(sorted, itemsOf);
}

/** Writes moves in waves. When the ground of a wave has shifted, what is left is planned anew from what stands there now. */
export async function writeMoves(moves: readonly Move[], filing: Filing, deps: StepDeps): Promise<void> {
  const waves = inWaves(moves);
  for (let i = 0; i < waves.length; i += AT_ONCE) {
    const ends = await Promise.allSettled(
      waves.slice(i, i + AT_ONCE).map((some) => deps.store.commit(wave(some, filing, deps))),
    );
    const failed = ends.find((end) => end.status === 'rejected');
    if (!failed) continue;
    if (failed.reason instanceof HostFull || failed.reason instanceof Moved) throw new TryAgain(failed.reason.message);
    throw failed.reason;
  }
}
