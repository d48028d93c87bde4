import { holdsOf, SEAT, seated, storageHoldsOf } from '../../shared/hypervisor/demand.ts';
import type { Replica } from '../../shared/model/protection.ts';
import {
  type Disk,
  type Nic,
  nextEpoch,
  type Seat,
  storageGiBOf,
  type Vm,
  type VmState,
  vmMachine,
} from '../../shared/model/vm.ts';
import { HostFull, refundVdc, shiftDatastores, shiftHosts } from '../../shared/store/ledger.ts';
import { SeatsMoved, type SeatUse, seatItem, seatShift, useSeats } from '../../shared/store/placeholders.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type StepDeps, TryAgain } from '../engine/step-table.ts';
import { Moved, unchanged, vmKey } from '../vm/records.ts';
import { inWaves as packed } from '../vm/waves.ts';
import { addressItems, moveAddresses } from './nics.ts';

/** Transactions that are under way at the same time. */
const AT_ONCE = 8;

/** A VM is given another place: at the other site with its copy there (`replica`), or where it is. */
export interface PlacedVm {
  vm: Vm;
  state: VmState;
  clusterId: string;
  /** Without one it rests there. */
  seat?: Seat;
  reason?: string;
  over?: { siteId: string; replica: Replica; nics: Nic[] };
  /** What was kept for it (DR-21) becomes its own, or free again: used up either way. */
  uses?: SeatUse;
}

/** What was under way with the VM at its old place, and is of no meaning any more. */
const BEHIND = ['migration', 'storageMoves', 'recovery', 'guestFault', 'failBackTo', 'slotsNoted'] as const;

/** The VM as it stands after the change, as far as ledgers are concerned. */
function after({ vm, seat }: PlacedVm): Vm {
  const { migration: _, storageMoves: __, ...rest } = vm;
  return seat ? seated(rest, seat) : { ...rest, hostId: null };
}

const disksAfter = (vm: Vm, replica: Replica): Disk[] =>
  vm.disks.map((disk) => {
    const { id, sizeGiB, datastoreId } = replica.volumes.find(
      (v) => v.name === disk.name,
    ) as Replica['volumes'][number];
    return { ...disk, id, sizeGiB, datastoreId };
  });

/** Its copies once it has changed over: what it ran from becomes one of them. */
const replicasAfter = (vm: Vm, siteId: string): Replica[] => [
  ...(vm.protection?.replicas ?? []).filter((r) => r.siteId !== siteId),
  {
    siteId: vm.siteId,
    volumes: vm.disks.map(({ id, name, sizeGiB, datastoreId }) => ({ id, name, sizeGiB, datastoreId })),
  },
];

/** One transaction: the VMs, what the hosts that they were on get back, and what the new ones give. */
export function wave(moves: readonly PlacedVm[], operationId: string): Transaction {
  const tx = new Transaction();
  const clusters = new Map<string, string>();
  for (const move of moves) {
    const { vm, over, seat } = move;
    for (const { hostId } of holdsOf(vm)) clusters.set(hostId, vm.clusterId);
    if (seat) clusters.set(seat.hostId, move.clusterId);
    if (move.uses) clusters.set(move.uses.was.hostId, move.uses.was.clusterId);
    change(tx, move, operationId);
    if (!over) continue;
    moveAddresses(tx, vm, vm.nics, over.nics);
    // Disks and copies change places: only turns of a move between datastores are given back.
    if (vm.storageMoves) shiftDatastores(tx, vm.siteId, storageHoldsOf(vm), storageHoldsOf({ disks: vm.disks }));
    const less = storageGiBOf(vm) - storageGiBOf({ disks: disksAfter(vm, over.replica) });
    if (less > 0) refundVdc(tx, { tenantId: vm.tenantId, id: vm.vdcId }, { storageGiB: less });
  }
  const uses = moves.flatMap((move) => move.uses ?? []);
  useSeats(tx, uses);
  shiftHosts(
    tx,
    (id) => clusters.get(id) as string,
    moves.flatMap(({ vm }) => holdsOf(vm)),
    moves.flatMap((move) => holdsOf(after(move))),
    new Map(moves.flatMap(({ seat }) => (seat ? [[seat.hostId, {}]] : []))),
    seatShift(uses),
  );
  return tx;
}

function change(tx: Transaction, { vm, state, clusterId, seat, reason, over }: PlacedVm, operationId: string): void {
  const emptied = SEAT.filter((attribute) => seat?.[attribute] === undefined);
  tx.update(vmKey(vm), {
    set: {
      state,
      clusterId,
      hostId: null,
      ...seat,
      // In the index by host before any order to start it goes out: a recovery of that host finds it from now on.
      ...(seat ? { runsOn: seat.hostId, claim: operationId } : {}),
      operationId,
      ...(reason === undefined ? {} : { reason }),
      ...(over
        ? {
            siteId: over.siteId,
            disks: disksAfter(vm, over.replica),
            nics: over.nics,
            'protection.replicas': replicasAfter(vm, over.siteId),
          }
        : {}),
    },
    add: { epoch: nextEpoch(vm) - vm.epoch, version: 1 },
    remove: [...BEHIND, ...emptied, ...(seat ? [] : ['runsOn', 'claim']), ...(reason === undefined ? ['reason'] : [])],
    ...unchanged(vm),
  });
}

/** Items that a move writes: the VM, its addresses, its datastores and quota, and the hosts that give and take. */
const itemsOf = ({ vm, seat, over, uses }: PlacedVm): string[] => [
  vm.id,
  ...(uses ? [seatItem(uses), uses.was.hostId] : []),
  ...(over ? addressItems(vm.nics, over.nics) : []),
  ...(over && vm.storageMoves ? vm.storageMoves.disks.map((d) => d.datastoreId) : []),
  ...(over && vm.storageMoves ? vm.disks.map((d) => d.datastoreId) : []),
  ...(over && storageGiBOf(vm) > storageGiBOf({ disks: disksAfter(vm, over.replica) }) ? [vm.vdcId] : []),
  ...holdsOf(vm).map((hold) => hold.hostId),
  ...(seat ? [seat.hostId] : []),
];

/** As many moves as fit into one transaction; those to one host go together, so that ledgers are written once for several. */
export function inWaves(moves: readonly PlacedVm[]): PlacedVm[][] {
  const to = ({ seat }: PlacedVm) => seat?.hostId ?? '';
  // Each VM whose storage moves or whose quota shrinks has an action of its own for it.
  const alone = (move: PlacedVm) =>
    move.over !== undefined && (move.vm.storageMoves !== undefined || itemsOf(move).includes(move.vm.vdcId));
  return packed(
    [...moves].sort((a, b) => (to(a) < to(b) ? -1 : to(a) > to(b) ? 1 : 0)),
    itemsOf,
    alone,
  );
}

/** Writes moves in waves. When the ground of one has shifted, what is left is decided anew from what stands there now. */
export async function writeMoves(moves: readonly PlacedVm[], operationId: string, deps: StepDeps): Promise<void> {
  const waves = inWaves(moves);
  for (let i = 0; i < waves.length; i += AT_ONCE) {
    const ends = await Promise.allSettled(
      waves.slice(i, i + AT_ONCE).map((some) => deps.store.commit(wave(some, operationId))),
    );
    const broken = ends.find((end) => end.status === 'rejected');
    if (!broken) continue;
    const { reason } = broken;
    if (reason instanceof HostFull || reason instanceof Moved || reason instanceof SeatsMoved)
      throw new TryAgain(reason.message);
    throw reason;
  }
}

/** A stopped VM that is given a place to be started. */
export const starting = (vm: Vm): VmState => (vm.state === 'stopped' ? vmMachine.next(vm.state, 'start') : vm.state);
