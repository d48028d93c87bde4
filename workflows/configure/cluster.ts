import { nodeAmounts, overcommitMiB, promisedExtra } from '../../shared/hypervisor/host-capacity.ts';
import { settingsOf } from '../../shared/hypervisor/host-settings.ts';
import type { HostSettings } from '../../shared/hypervisor/port.ts';
import type { Cluster, Host, Overcommit } from '../../shared/model/inventory.ts';
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
export async function configureCluster(clusterId: string, before: Settings | undefined, deps: StepDeps): Promise<void> {
  const inventory = new Inventory(deps.store, SYSTEM);
  const cluster = await inventory.cluster(clusterId);
  const hosts = await inventory.hostsOf(clusterId, { consistent: true });
  if (before) await tell(hosts, { ...cluster, ...loosest(cluster, before) }, 'first', deps);
  for (const host of hosts) await changeLedger(host, cluster, deps);
  await tell(hosts, cluster, 'last', deps);
}

type Settings = Pick<Cluster, 'overcommit' | 'vcpuRatioPercent'>;

/** Who may share, and what may be taken back, is as in `a`; how much is promised, as in `b`. */
const promising = (a: Settings, b: Settings): Overcommit => ({
  ...a.overcommit,
  enabled: b.overcommit.enabled,
  ratioPercent: b.overcommit.ratioPercent,
});

/** The settings by which a host promises what its ledger says. Half a MiB more, so that rounding loses none. */
const asPromised = (
  { capacity, overcommitMiB: mib = 0, overcommitVcpus: vcpus = 0 }: Host,
  now: Settings,
): Settings => ({
  overcommit: {
    ...now.overcommit,
    enabled: mib > 0,
    ratioPercent: mib > 0 ? 100 + (100 * (mib + 0.5)) / capacity.memoryMiB : now.overcommit.ratioPercent,
  },
  vcpuRatioPercent: 100 + (100 * (vcpus + (vcpus > 0 ? 0.5 : 0))) / capacity.vcpus,
});

/** What promises as much as either; all else as in `a`. */
const loosest = (a: Settings, b: Settings): Settings => ({
  overcommit: overcommitMiB(100, a.overcommit) >= overcommitMiB(100, b.overcommit) ? a.overcommit : promising(a, b),
  vcpuRatioPercent: Math.max(a.vcpuRatioPercent, b.vcpuRatioPercent),
});

const EXTRAS = [
  { extra: 'overcommitMiB', of: 'memoryMiB' },
  { extra: 'overcommitVcpus', of: 'vcpus' },
] as const;

async function changeLedger(host: Host, cluster: Cluster, { store }: StepDeps): Promise<void> {
  const after = promisedExtra(host.capacity, cluster);
  const changes = [...EXTRAS.map((e) => extraChange(host, e, after[e.extra])), nodeChange(host, cluster)];
  for (const change of changes)
    if (change)
      await store.commit(
        new Transaction()
          .update(keys.host(host.clusterId, host.id), change)
          // An order that was overtaken by a newer change of the cluster must not come after it.
          .check(
            keys.cluster(cluster.id),
            'version = :version',
            () => new TryAgain('the cluster was changed meanwhile'),
            {
              ':version': cluster.version,
            },
          ),
      );
}

/** What is promised on top of a dimension changes, and with it what is free; less only while that much is free. */
function extraChange(host: Host, { extra, of }: (typeof EXTRAS)[number], after: number): UpdateSpec | undefined {
  const before = host[extra] ?? 0;
  if (before === after) return undefined;
  const first = host[extra] === undefined;
  return {
    set: { [extra]: after },
    add: { [`free.${of}`]: after - before },
    condition: [
      first ? `attribute_not_exists(#${extra})` : `#${extra} = :before`,
      ...(after < before ? [`#free.#${of} >= :less`] : []),
    ].join(' AND '),
    values: { ...(first ? {} : { ':before': before }), ...(after < before ? { ':less': before - after } : {}) },
    onFail: (found) => {
      const now = found as unknown as Host | undefined;
      if ((now?.[extra] ?? 0) !== before) return new TryAgain(`host ${host.id} was changed meanwhile`);
      return new GiveUp('in-use', `host ${host.id} has promised VMs more ${of} than it may then (OVC-5)`);
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
    await tell([host], await inventory.cluster(host.clusterId), 'last', deps);
  }
}

async function tell(
  hosts: readonly Host[],
  cluster: Cluster,
  turn: 'first' | 'last',
  { port }: StepDeps,
): Promise<void> {
  for (const [siteId, group] of bySite(hosts)) {
    const settings: HostSettings[] = group.map((host) => settingsOf(host, cluster, turn));
    const results = await port.configureHosts(siteId, settings);
    const silent = results.find((r, i) => r.outcome === 'unreachable' && group[i]?.state === 'online');
    if (silent) throw new TryAgain(`host ${silent.id} cannot be asked`);
  }
}

/** Sets a cluster back to what it had, unless somebody has changed it since. */
export async function restoreCluster(
  clusterId: string,
  before: Pick<Cluster, 'overcommit' | 'vcpuRatioPercent' | 'numa' | 'version'>,
  deps: StepDeps,
): Promise<void> {
  const cluster = await new Inventory(deps.store, SYSTEM).cluster(clusterId);
  if (cluster.version === before.version + 1) {
    const { overcommit, vcpuRatioPercent, numa } = before;
    await deps.store.update(keys.cluster(clusterId), {
      set: { overcommit, vcpuRatioPercent, numa },
      add: { version: 1 },
      condition: '#version = :mine',
      values: { ':mine': cluster.version },
      onFail: () => new TryAgain(`cluster ${clusterId} was changed meanwhile`),
    });
  }
  const now = await new Inventory(deps.store, SYSTEM).cluster(clusterId);
  const hosts = await new Inventory(deps.store, SYSTEM).hostsOf(clusterId, { consistent: true });
  const kept: Host[] = [];
  for (const host of hosts) {
    try {
      await changeLedger(host, now, deps);
    } catch (error) {
      // What its VMs have taken meanwhile is theirs: its agent goes on allowing what its ledger promises.
      if (!(error instanceof GiveUp)) throw error;
      kept.push(host);
    }
  }
  await tell(
    hosts.filter((h) => !kept.includes(h)),
    now,
    'last',
    deps,
  );
  for (const host of kept) await tell([host], { ...now, ...asPromised(host, now) }, 'last', deps);
}
