import { virtualisationDomain } from '../hypervisor/cpu/capacity.ts';
import { hugePoolMiB } from '../hypervisor/host-capacity.ts';
import { cardRefusals } from '../hypervisor/io/devices.ts';
import { cardsOf, hardwareOf, socketsOf } from './expand.ts';
import type { Path, PathFlaw } from './flaws.ts';
import { clusterId, datastoresOf, hostsOf, siteId } from './ids.ts';
import {
  checkExternalNetworks,
  checkLinks,
  checkTenants,
  each,
  idRegister,
  type Outline,
  type Register,
  unknownNames,
} from './references.ts';
import type { ClusterSpec, HostSpec, SiteSpec } from './schema.ts';

/** More than any one control plane is measured for; a slip of the finger should not fill the memory. */
export const MAX_HOSTS = 10_000;

export const tooManyHosts = (total: number, path: Path): PathFlaw => {
  return { path, message: `the estate has ${total} hosts`, fix: `describe at most ${MAX_HOSTS}, or split the estate` };
};

/** What a schema cannot see: names that clash, references into nowhere, hosts without room. Returns all of it. */
export function checkOutline(outline: Outline): PathFlaw[] {
  const total = outline.sites.flatMap((s) => s?.clusters ?? []).reduce((sum, c) => sum + hostCount(c), 0);
  if (total > MAX_HOSTS) return [tooManyHosts(total, ['sites'])];
  const register = idRegister();
  return [
    ...each(outline.sites, (site, i) => checkSite(site, ['sites', i], register)),
    ...checkLinks(outline, register),
    ...checkExternalNetworks(outline, register),
    ...checkTenants(outline, register),
  ];
}

const hostCount = ({ hosts }: ClusterSpec): number => (Array.isArray(hosts) ? hosts.length : hosts.count);

/** What lies below two things of one id clashes as well; saying so for each would only bury the cause. */
const registerBelow = (clash: PathFlaw[], register: Register): Register =>
  clash.length === 0 ? register : idRegister();

function checkSite(site: SiteSpec, path: Path, registerSite: Register): PathFlaw[] {
  const siteClash = registerSite(siteId(site.name), site.name, [...path, 'name']);
  const register = registerBelow(siteClash, registerSite);
  const clusterNames = site.clusters.map((c) => c.name);
  const unreached = site.clusters.flatMap((cluster, i): PathFlaw[] => {
    if (site.datastores.some((d) => d.clusters?.includes(cluster.name) ?? true)) return [];
    const message = `cluster '${cluster.name}' reaches no datastore`;
    return [
      { path: [...path, 'clusters', i], message, fix: `name it in 'clusters' of a datastore of site '${site.name}'` },
    ];
  });
  return [
    ...siteClash,
    ...site.clusters.flatMap((cluster, i) => {
      const at = [...path, 'clusters', i];
      const clash = register(clusterId(site.name, cluster.name), cluster.name, [...at, 'name']);
      return [...clash, ...checkHosts(site, cluster, [...at, 'hosts'], registerBelow(clash, register))];
    }),
    ...site.datastores.flatMap((datastore, i) => {
      const at = [...path, 'datastores', i];
      const clash = datastoresOf(site.name, datastore, site.clusters).flatMap((d) =>
        register(d.id, datastore.name, [...at, 'name']),
      );
      const unknown = unknownNames(datastore.clusters, new Set(clusterNames), `cluster of site '${site.name}'`, [
        ...at,
        'clusters',
      ]);
      return [...clash.slice(0, 1), ...unknown];
    }),
    ...unreached,
  ];
}

function checkHosts(site: SiteSpec, cluster: ClusterSpec, path: Path, register: Register): PathFlaw[] {
  const named = hostsOf(site.name, cluster);
  if (!Array.isArray(cluster.hosts)) {
    const clash = named.flatMap((host) => register(host.id, host.name, path)).slice(0, 1);
    return [...clash, ...checkHardware(cluster.hosts, `a host of cluster '${cluster.name}'`, path)];
  }
  return named.flatMap((host, i) => [
    ...register(host.id, host.name, [...path, i, 'name']),
    ...checkHardware(host.spec, `host '${host.name}'`, [...path, i]),
  ]);
}

function checkHardware(spec: HostSpec, who: string, path: Path): PathFlaw[] {
  if (spec.cores % socketsOf(spec) !== 0) {
    const message = `${who} has ${spec.cores} cores on ${spec.sockets} sockets`;
    return [{ path: [...path, 'cores'], message, fix: `make 'cores' (of the whole host) a multiple of 'sockets'` }];
  }
  const nodes = spec.numaNodes ?? 1;
  if (spec.cores % nodes !== 0) {
    const message = `${who} has ${spec.cores} cores on ${nodes} NUMA nodes`;
    return [{ path: [...path, 'numaNodes'], message, fix: `make 'cores' a multiple of 'numaNodes' (NUMA-1)` }];
  }
  const room = virtualisationDomain(hardwareOf(spec));
  const [cards] = cardRefusals(cardsOf(spec));
  if (cards)
    return [{ path: [...path, 'devices'], message: `${who}: ${cards.reason}`, fix: `${cards.fix} (${cards.rule})` }];
  const pool = hugePoolMiB(hardwareOf(spec));
  if (pool > room.memoryMiB) {
    const message = `${who} sets ${pool} MiB of huge pages aside, of ${room.memoryMiB} MiB for VMs`;
    return [{ path: [...path, 'hugePages'], message, fix: 'set fewer aside (MEM-12)' }];
  }
  const short = (field: string, what: string): PathFlaw => ({
    path: [...path, field],
    message: `${who} has no ${what} left for VMs beyond its management domain`,
    fix: `give it a larger '${field}'`,
  });
  return [
    ...(room.vcpus > 0 ? [] : [short('cores', 'vCPU')]),
    ...(room.memoryMiB > 0 ? [] : [short('memoryGiB', 'memory')]),
  ];
}
