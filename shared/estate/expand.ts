import { DEFAULT_HA } from '../model/ha.ts';
import type { Cluster, Datastore, DeviceCard, HostHardware, Link, Site } from '../model/inventory.ts';
import type { ExternalNetwork } from '../model/network.ts';
import type { Quota } from '../model/vdc.ts';
import { clusterId, datastoresOf, externalNetworkId, hostsOf, linkId, type NamedHost, siteId } from './ids.ts';
import type { ClusterSpec, Estate, HostSpec, SiteSpec } from './schema.ts';

/** An estate as single things with ids, ready to be commissioned. */
export interface Inventory {
  sites: Site[];
  clusters: Cluster[];
  hosts: HostHardware[];
  datastores: Omit<Datastore, 'version' | 'freeMigrations'>[];
  links: Omit<Link, 'freeMbps'>[];
  externalNetworks: ExternalNetwork[];
  /** Not yet created: their ids are given when they are. `sites` are site ids. */
  tenants: { name: string; vdcs: { name: string; sites: string[]; quota: Quota; management?: true }[] }[];
}

/** The name that the faces use for it. */
export type ExpandedEstate = Inventory;

/** Expands a checked estate. Pure: equal estates give equal inventories. */
export function expandEstate(estate: Estate): Inventory {
  const everySite = estate.sites.map((s) => siteId(s.name));
  const sitesOf = (names: string[] | undefined): string[] => names?.map(siteId) ?? [...everySite];
  return {
    sites: estate.sites.map(expandSite),
    clusters: estate.sites.flatMap((site) => site.clusters.map((cluster) => expandCluster(site, cluster))),
    hosts: estate.sites.flatMap((site) => site.clusters.flatMap((cluster) => expandHosts(site, cluster))),
    datastores: estate.sites.flatMap(expandDatastores),
    links: estate.links.map((link) => ({
      ...link,
      id: linkId(link.from, link.to),
      from: siteId(link.from),
      to: siteId(link.to),
    })),
    externalNetworks: estate.externalNetworks.map((network) => ({
      id: externalNetworkId(network.name),
      name: network.name,
      cidr: network.cidr,
      sites: sitesOf(network.sites),
    })),
    tenants: estate.tenants.map((tenant) => ({
      name: tenant.name,
      vdcs: tenant.vdcs.map((vdc) => ({
        name: vdc.name,
        sites: sitesOf(vdc.sites),
        quota: vdc.quota,
        ...(vdc.management ? { management: true as const } : {}),
      })),
    })),
  };
}

const expandSite = (site: SiteSpec): Site => ({
  id: siteId(site.name),
  name: site.name,
  hypervisor: site.hypervisor,
  ...(site.hypervisorVersion === undefined ? {} : { hypervisorVersion: site.hypervisorVersion }),
  ...(site.city === undefined ? {} : { city: site.city }),
});

const expandCluster = (site: SiteSpec, cluster: ClusterSpec): Cluster => ({
  id: clusterId(site.name, cluster.name),
  siteId: siteId(site.name),
  name: cluster.name,
  arch: cluster.arch,
  ha: { ...DEFAULT_HA, ...cluster.ha },
  overcommit: cluster.overcommit,
  vcpuRatioPercent: cluster.vcpuRatioPercent,
  numa: { guest: cluster.numa.guest },
  ...(cluster.cpuBaseline === undefined ? {} : { cpuBaseline: cluster.cpuBaseline }),
  version: 1,
});

/** The host's sockets; most servers have two, and NUMA follows from it. */
export const socketsOf = (spec: HostSpec): number => spec.sockets ?? (spec.cores % 2 === 0 ? 2 : 1);

/** What a host is made of, in the units of the inventory: MiB of memory, cores per socket. */
export const hardwareOf = (spec: HostSpec) => ({
  vendor: spec.vendor,
  sockets: socketsOf(spec),
  coresPerSocket: spec.cores / socketsOf(spec),
  threadsPerCore: spec.threads,
  mhz: spec.mhz,
  memoryMiB: Math.floor(spec.memoryGiB * 1_024),
  hardwareVirtualisation: spec.hardwareVirtualisation,
  nestedPaging: spec.nestedPaging ?? spec.hardwareVirtualisation,
  numaNodes: spec.numaNodes ?? socketsOf(spec),
  nicMbps: spec.nicMbps,
  ...(spec.hugePages === undefined ? {} : { hugePages: hugePagesOf(spec.hugePages) }),
});

const hugePagesOf = ({ '2m': small, '1g': large }: NonNullable<HostSpec['hugePages']>) => ({
  ...(small === undefined ? {} : { '2m': small }),
  ...(large === undefined ? {} : { '1g': large }),
});

/** Single cards: `count: 2` are two of them. */
export const cardsOf = (spec: HostSpec): DeviceCard[] =>
  (spec.devices ?? []).flatMap(({ kind, functions, count }, i) =>
    Array.from({ length: count }, (_, n) => ({
      id: `${kind}${i + 1}${count > 1 ? `-${n + 1}` : ''}`,
      kind,
      functions,
    })),
  );

const expandHosts = (site: SiteSpec, cluster: ClusterSpec): HostHardware[] =>
  hostsOf(site.name, cluster).map((host: NamedHost) => ({
    id: host.id,
    siteId: siteId(site.name),
    clusterId: clusterId(site.name, cluster.name),
    name: host.name,
    arch: cluster.arch,
    ...hardwareOf(host.spec),
    ...(cluster.arch === 'x86' ? { cpuGeneration: host.spec.cpuGeneration ?? 'Ivy Bridge' } : {}),
    ...(host.spec.devices === undefined ? {} : { devices: cardsOf(host.spec) }),
    ...(host.rack === undefined ? {} : { rack: host.rack }),
  }));

const expandDatastores = (site: SiteSpec): ExpandedEstate['datastores'] =>
  site.datastores.flatMap((datastore) =>
    datastoresOf(site.name, datastore, site.clusters).map(({ id, name, hostId }) => ({
      id,
      siteId: siteId(site.name),
      name,
      kind: datastore.kind,
      ...(hostId === undefined ? {} : { hostId }),
      clusters: (datastore.clusters ?? []).map((cluster) => clusterId(site.name, cluster)),
      capacityGiB: datastore.capacityGiB,
      freeGiB: datastore.capacityGiB,
    })),
  );
