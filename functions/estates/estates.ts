import { type ExpandedEstate, expandEstate } from '../../shared/estate/expand.ts';
import { parseEstateObject } from '../../shared/estate/parse.ts';
import { hostCapacity, promisedExtra } from '../../shared/hypervisor/host-capacity.ts';
import { settingsOf } from '../../shared/hypervisor/host-settings.ts';
import { DATASTORE_MIGRATION_BUDGET } from '../../shared/hypervisor/parameters.ts';
import { type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import {
  type Cluster,
  type Datastore,
  type Host,
  type HostHardware,
  type Link,
  promisedBy,
} from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { Call } from '../http/call.ts';

/**
 * Loads an estate: first the sites' managers are told of the racked hosts, then the control plane takes them in. Both
 * can be repeated; what is there already is left as it is.
 */
export const estateHandlers = (port: HypervisorPort) => ({
  async loadEstate(call: Call<Record<string, unknown>>) {
    const known = await new Inventory(call.deps.store, SYSTEM).sites();
    const estate = expandEstate(
      parseEstateObject(
        call.body,
        known.map((s) => s.name),
      ),
    );
    const { sites, clusters, hosts, datastores, links, externalNetworks } = estate;
    const counts = {
      sites: sites.length,
      clusters: clusters.length,
      hosts: hosts.length,
      datastores: datastores.length,
      links: links.length,
      externalNetworks: externalNetworks.length,
    };
    if (!call.dryRun) {
      const stored = await new Inventory(call.deps.store, SYSTEM).clusters();
      // A cluster that is there already is left as it is, and its new hosts follow it.
      const settled = { ...estate, clusters: clusters.map((c) => stored.find((s) => s.id === c.id) ?? c) };
      for (const site of sites) await commission(port, site.id, settled);
      await takeIn(call, settled);
    }
    return call.commit(
      new Transaction(),
      { status: 201, body: counts },
      { event: { type: 'estate.loaded', subject: sites.map((s) => s.id).join(','), data: counts } },
    );
  },
});

/** The site is told of its hosts, and their agents of what their cluster allows, before anything is placed there. */
async function commission(port: HypervisorPort, siteId: string, estate: ExpandedEstate): Promise<void> {
  const hosts = estate.hosts.filter((h) => h.siteId === siteId);
  const clusterOf = new Map(estate.clusters.map((c) => [c.id, c]));
  try {
    await port.commission(siteId, hosts);
    await port.configureHosts(
      siteId,
      hosts.map((h) => settingsOf(h, clusterOf.get(h.clusterId) as Cluster)),
    );
  } catch (error) {
    if (error instanceof PortTimeout)
      throw new DomainError('site-unreachable', `Site ${siteId} does not answer; load the estate again later.`, {
        cause: error,
      });
    throw error;
  }
}

/** Hosts come last: a placement that sees a host sees everything that it needs. */
async function takeIn(call: Call, estate: ExpandedEstate): Promise<void> {
  const { store } = call.deps;
  const add = async (key: { pk: string; sk: string }, item: object) => {
    const tx = new Transaction().put(key, item, { ifAbsent: () => new Present() });
    await store.commit(tx).catch((error) => {
      if (!(error instanceof Present)) throw error;
    });
  };
  for (const s of estate.sites) await add(keys.site(s.id), s);
  for (const c of estate.clusters) await add(keys.cluster(c.id), c);
  for (const d of estate.datastores) await add(keys.datastore(d.siteId, d.id), newDatastore(d));
  for (const l of estate.links) await add(keys.link(l.id), { ...l, freeMbps: l.mbps } satisfies Link);
  for (const n of estate.externalNetworks) await add(keys.externalNetwork(n.id), n);
  const clusterOf = new Map(estate.clusters.map((c) => [c.id, c]));
  for (const hardware of estate.hosts) {
    await add(keys.hostRef(hardware.id), { clusterId: hardware.clusterId, siteId: hardware.siteId });
    const cluster = clusterOf.get(hardware.clusterId) as Cluster;
    await add(keys.host(hardware.clusterId, hardware.id), newHost(hardware, cluster, call.now));
  }
}

class Present extends Error {}

const newDatastore = (d: ExpandedEstate['datastores'][number]): Datastore => ({
  ...d,
  freeMigrations: DATASTORE_MIGRATION_BUDGET,
  version: 1,
});

function newHost(hardware: HostHardware, cluster: Cluster, now: number): Host {
  const capacity = hostCapacity(hardware, cluster.numa.guest);
  const extra = promisedExtra(capacity, cluster);
  return {
    ...hardware,
    state: 'online',
    power: 'on',
    capacity,
    ...(extra.overcommitMiB > 0 ? { overcommitMiB: extra.overcommitMiB } : {}),
    ...(extra.overcommitVcpus > 0 ? { overcommitVcpus: extra.overcommitVcpus } : {}),
    free: promisedBy({ capacity, ...extra }),
    seenAt: now,
    servesSince: now,
    version: 1,
  };
}
