import type { ClusterSpec, DatastoreSpec, HostSpec } from './schema.ts';

/** Ids that follow from the names alone: the same file gives the same ids on every machine and after every restart. */

/** Lower-case letters, digits and single dashes. */
export const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');

/** `<parent>-<name>`, without saying the parent twice: many name their hosts DC2-C3-1 inside of DC2-C3. */
const within = (parent: string, name: string): string => {
  const own = slug(name);
  return own.startsWith(`${parent}-`) ? own : `${parent}-${own}`;
};

const clusterPath = (site: string, cluster: string): string => within(slug(site), cluster);

export const siteId = (site: string): string => `site_${slug(site)}`;
export const clusterId = (site: string, cluster: string): string => `cl_${clusterPath(site, cluster)}`;
export const linkId = (from: string, to: string): string => `link_${slug(from)}-${slug(to)}`;
export const externalNetworkId = (name: string): string => `xnet_${slug(name)}`;

export interface NamedHost {
  id: string;
  name: string;
  rack: string | undefined;
  spec: HostSpec;
}

/** The hosts of a cluster with ids, names and racks. A group is numbered from 01 and dealt out to its racks in turn. */
export function hostsOf(site: string, cluster: ClusterSpec): NamedHost[] {
  const path = clusterPath(site, cluster.name);
  const { hosts } = cluster;
  if (Array.isArray(hosts)) {
    return hosts.map((spec) => ({ id: `host_${within(path, spec.name)}`, name: spec.name, rack: spec.rack, spec }));
  }
  const digits = Math.max(2, String(hosts.count).length);
  return Array.from({ length: hosts.count }, (_, i) => {
    const name = `${path}-${String(i + 1).padStart(digits, '0')}`;
    const rack = hosts.racks === undefined ? undefined : `${path}-rack-${(i % hosts.racks) + 1}`;
    return { id: `host_${name}`, name, rack, spec: hosts };
  });
}

export interface NamedDatastore {
  id: string;
  name: string;
  hostId: string | undefined;
}

/** A shared datastore is one; a local one is as many as there are hosts in its clusters (STO-1). */
export function datastoresOf(
  site: string,
  datastore: DatastoreSpec,
  clusters: readonly ClusterSpec[],
): NamedDatastore[] {
  const id = `ds_${within(slug(site), datastore.name)}`;
  if (datastore.kind === 'shared') return [{ id, name: datastore.name, hostId: undefined }];
  return clusters
    .filter((cluster) => datastore.clusters?.includes(cluster.name) ?? true)
    .flatMap((cluster) => hostsOf(site, cluster))
    .map((host) => {
      const own = host.id.slice('host_'.length);
      return { id: `${id}-${own}`, name: `${datastore.name}-${own}`, hostId: host.id };
    });
}
