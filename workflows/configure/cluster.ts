import { nodeAmounts, overcommitMiB } from '../../shared/hypervisor/host-capacity.ts';
import { settingsOf } from '../../shared/hypervisor/host-settings.ts';
import type { HostSettings } from '../../shared/hypervisor/port.ts';
import type { Cluster, Host } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { GiveUp, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { bySite } from '../vm/records.ts';

/**
 * Overcommit and NUMA of a cluster. More memory is promised only after the agents allow it, and less is allowed only
 * after the ledgers promise it no more: so at no time does a placement succeed that its host would refuse.
 */
export async function configureCluster(clusterId: string, deps: StepDeps): Promise<void> {
  const inventory = new Inventory(deps.store, SYSTEM);
  const cluster = await inventory.cluster(clusterId);
  const hosts = await inventory.hostsOf(clusterId, { consistent: true });
  const grows = hosts.filter((h) => promiseOf(h, cluster) >= (h.overcommitMiB ?? 0));
  await tell(grows, cluster, deps);
  for (const host of hosts) await changeLedger(host, cluster, deps);
  await tell(hosts, cluster, deps);
}

const promiseOf = (host: Host, cluster: Cluster): number => overcommitMiB(host.capacity.memoryMiB, cluster.overcommit);

async function changeLedger(host: Host, cluster: Cluster, { store }: StepDeps): Promise<void> {
  for (const change of [memoryChange(host, cluster), nodeChange(host, cluster)])
    if (change) await store.commit(new Transaction().update(keys.host(host.clusterId, host.id), change));
}

function memoryChange(host: Host, cluster: Cluster): UpdateSpec | undefined {
  const [before, after] = [host.overcommitMiB ?? 0, promiseOf(host, cluster)];
  if (before === after) return undefined;
  const first = host.overcommitMiB === undefined;
  return {
    set: { overcommitMiB: after },
    add: { 'free.memoryMiB': after - before },
    condition: [
      first ? 'attribute_not_exists(#overcommitMiB)' : '#overcommitMiB = :before',
      ...(after < before ? ['#free.#memoryMiB >= :less'] : []),
    ].join(' AND '),
    values: { ...(first ? {} : { ':before': before }), ...(after < before ? { ':less': before - after } : {}) },
    onFail: (found) => {
      const now = found as unknown as Host | undefined;
      if ((now?.overcommitMiB ?? 0) !== before) return new TryAgain(`host ${host.id} was changed meanwhile`);
      return new GiveUp('in-use', `host ${host.id} has promised VMs more memory than it may then (OVC-5)`);
    },
  };
}

/** NUMA nodes are counted where guests may see them; they are counted no more when no VM lies on one. */
function nodeChange(host: Host, cluster: Cluster): UpdateSpec | undefined {
  const amounts = Object.entries(nodeAmounts(host)) as [string, number][];
  const counted = host.capacity.node0Vcpus !== undefined;
  if (counted === cluster.numa.guest) return undefined;
  const names = Object.fromEntries(amounts.map(([d]) => [`#${d}`, d]));
  if (cluster.numa.guest)
    return {
      set: Object.fromEntries(
        amounts.flatMap(([d, n]) => [
          [`capacity.${d}`, n],
          [`free.${d}`, n],
        ]),
      ),
      condition: 'attribute_not_exists(#capacity.#node0Vcpus)',
      onFail: () => new TryAgain(`host ${host.id} was changed meanwhile`),
    };
  return {
    remove: amounts.flatMap(([d]) => [`capacity.${d}`, `free.${d}`]),
    condition: amounts.map(([d]) => `#free.#${d} = #capacity.#${d}`).join(' AND '),
    names,
    onFail: () => new GiveUp('in-use', `host ${host.id} carries VMs with virtual NUMA nodes (NUMA-4)`),
  };
}

/** Tells the agents of these hosts their settings. One that cannot be asked is told when it comes back. */
export async function tellHosts(hostIds: readonly string[], deps: StepDeps): Promise<void> {
  const inventory = new Inventory(deps.store, SYSTEM);
  for (const id of hostIds) {
    const host = await inventory.host(id);
    await tell([host], await inventory.cluster(host.clusterId), deps);
  }
}

async function tell(hosts: readonly Host[], cluster: Cluster, { port }: StepDeps): Promise<void> {
  for (const [siteId, group] of bySite(hosts)) {
    const settings: HostSettings[] = group.map((host) => settingsOf(host, cluster));
    const results = await port.configureHosts(siteId, settings);
    const silent = results.find((r, i) => r.outcome === 'unreachable' && group[i]?.state === 'online');
    if (silent) throw new TryAgain(`host ${silent.id} cannot be asked`);
  }
}

/** Sets a cluster back to what it had, unless somebody has changed it since. */
export async function restoreCluster(
  clusterId: string,
  before: Pick<Cluster, 'overcommit' | 'numa' | 'version'>,
  deps: StepDeps,
): Promise<void> {
  const cluster = await new Inventory(deps.store, SYSTEM).cluster(clusterId);
  if (cluster.version === before.version + 1) {
    const { overcommit, numa } = before;
    await deps.store.update(keys.cluster(clusterId), {
      set: { overcommit, numa },
      add: { version: 1 },
      condition: '#version = :mine',
      values: { ':mine': cluster.version },
      onFail: () => new TryAgain(`cluster ${clusterId} was changed meanwhile`),
    });
  }
  await configureCluster(clusterId, deps);
}
