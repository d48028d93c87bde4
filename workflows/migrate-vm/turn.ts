import {
  admit,
  DEFAULT_MIGRATION_LIMITS,
  networkBudget,
  type QueuedMigration,
} from '../../shared/hypervisor/migration/budgets.ts';
import { type Host, promisedBy } from '../../shared/model/inventory.ts';
import type { Vm } from '../../shared/model/vm.ts';

/**
 * Why a migration must wait, or undefined when it is its turn (MIG-7): those from one host begin in the order in which
 * they were asked for, and no host carries more than its budget. What runs is read from the ledgers of both hosts; a
 * migration uses the host's own port to the network, so the host's line decides on the budget of the network. Pure.
 */
export function whyWait(vm: Vm, fromSameHost: readonly Vm[], source: Host, target: Host): string | undefined {
  const queue = fromSameHost
    .filter((other) => other.state === 'migrating' && other.migration && !other.migration.begun)
    // Ids of operations sort by the time at which they were made.
    .sort((a, b) => ((a.claim ?? '') < (b.claim ?? '') ? -1 : 1))
    .map((other) => moveOf(other.id, [source.id, other.migration?.seat.hostId ?? '']));
  const running = [source, target].flatMap((host) =>
    Array.from({ length: slotsInUse(host) }, (_, i) => moveOf(`${host.id}/${i}`, [host.id])),
  );
  const unitsOf = Object.fromEntries([source, target].map((h) => [h.id, networkBudget(h.nicMbps)]));
  const limits = { ...DEFAULT_MIGRATION_LIMITS, network: { ...DEFAULT_MIGRATION_LIMITS.network, unitsOf } };
  const { start, wait } = admit(queue, running, limits);
  if (start.includes(vm.id)) return undefined;
  return wait.find((w) => w.id === vm.id)?.why ?? 'it is not in line any more';
}

const moveOf = (id: string, hosts: readonly string[]): QueuedMigration => ({
  id,
  kind: 'live',
  hosts,
  networks: hosts,
  datastores: [],
});

const slotsInUse = (host: Host): number => (promisedBy(host).migrations ?? 0) - (host.free.migrations ?? 0);
