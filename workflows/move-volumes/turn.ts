import { admit, type QueuedMigration } from '../../shared/hypervisor/migration/budgets.ts';
import { DATASTORE_MIGRATION_BUDGET, DATASTORE_MIGRATION_COST } from '../../shared/hypervisor/parameters.ts';
import { type Datastore, type Host, promisedBy } from '../../shared/model/inventory.ts';
import type { Vm } from '../../shared/model/vm.ts';

/**
 * Why a storage migration must wait, or undefined when it is its turn (MIG-7): those of one host begin in the order in
 * which they were asked for, behind live migrations that wait there, and no host or datastore carries more than its
 * budget. Live migrations do not wait behind it, since it lasts so much longer. What runs is read from the ledgers. Of a
 * stopped VM no host copies, so that it needs a turn at its datastores alone. Pure.
 */
export function whyWait(
  vm: Vm,
  sameHost: readonly Vm[],
  host: Host | undefined,
  datastores: readonly Datastore[],
): string | undefined {
  const queue = [vm, ...sameHost.filter((other) => other.id !== vm.id)]
    .filter((other) => waitsLive(other) || (other.storageMoves && !other.storageMoves.begun))
    // Ids of operations sort by the time at which they were made.
    .sort((a, b) => ((a.claim ?? '') < (b.claim ?? '') ? -1 : 1))
    .map((other): QueuedMigration => {
      const kind = waitsLive(other) ? 'live' : 'storage';
      return { id: other.id, kind, hosts: other.hostId ? [other.hostId] : [], networks: [], datastores: endsOf(other) };
    });
  const running = [
    ...(host ? times(unitsInUse(host), (i) => ({ kind: 'live', hosts: [host.id], id: `${host.id}/${i}` })) : []),
    ...datastores.flatMap((d) =>
      times(copiesOn(d), (i) => ({ kind: 'storage', datastores: [d.id], id: `${d.id}/${i}` })),
    ),
  ];
  const { start, wait } = admit(queue, running);
  if (start.includes(vm.id)) return undefined;
  return wait.find((w) => w.id === vm.id)?.why ?? 'it is not in line any more';
}

/** Datastores from which and to which a storage migration copies. */
export function endsOf({ disks, storageMoves }: Pick<Vm, 'disks' | 'storageMoves'>): string[] {
  const moves = storageMoves?.disks ?? [];
  const from = disks.filter((d) => moves.some((m) => m.name === d.name)).map((d) => d.datastoreId);
  return [...new Set([...from, ...moves.map((m) => m.datastoreId)])];
}

const waitsLive = (vm: Vm): boolean => vm.state === 'migrating' && vm.migration !== undefined && !vm.migration.begun;

const times = (
  count: number,
  make: (i: number) => Pick<QueuedMigration, 'id' | 'kind'> & Partial<QueuedMigration>,
): QueuedMigration[] =>
  Array.from({ length: count }, (_, i) => ({ hosts: [], networks: [], datastores: [], ...make(i) }));

/** Cost units: a live migration has one. */
const unitsInUse = (host: Host): number => (promisedBy(host).migrations ?? 0) - (host.free.migrations ?? 0);
const copiesOn = (d: Datastore): number =>
  (DATASTORE_MIGRATION_BUDGET - d.freeMigrations) / DATASTORE_MIGRATION_COST.storage;
