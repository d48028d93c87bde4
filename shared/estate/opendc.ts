import * as z from 'zod';
import { type Path, pathText } from './flaws.ts';
import type { EstateInput } from './schema.ts';

/**
 * Imports the topology format of OpenDC, in which real data centres are published: clusters of hosts with cores, clock
 * and memory.
 */

/** Declared: the format knows no storage. */
export const STORAGE_GIB_PER_MEMORY_GIB = 4;
/** Declared: the format counts cores, not hyper-threads, and load in it is given against cores. */
export const THREADS_PER_CORE = 1;
/** The site of clusters whose name tells no data centre. */
export const DEFAULT_SITE = 'main';

const UNITS: Record<string, number> = {
  '': 1,
  b: 1,
  byte: 1,
  bytes: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  mhz: 1,
  ghz: 1e3,
};
/** A number of the unit's base (bytes, MHz), bare or with a unit: `549755813888 bytes`, `2.9 GHz`. */
const quantity = (units: readonly string[]) =>
  z.union([z.number(), z.string()]).transform((value, context) => {
    const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?(?:e\+?\d+)?)\s*([a-z]*)\s*$/i.exec(String(value)) ?? [];
    const factor = units.includes(unit.toLowerCase()) ? UNITS[unit.toLowerCase()] : undefined;
    if (number === undefined || factor === undefined) {
      context.addIssue({
        code: 'custom',
        message: `write a number, or a number and one of: ${units.slice(1).join(', ')}`,
      });
      return z.NEVER;
    }
    return Number(number) * factor;
  });
const bytes = quantity(['', 'bytes', 'byte', 'b', 'kb', 'mb', 'gb', 'tb', 'kib', 'mib', 'gib', 'tib']);
const megahertz = quantity(['', 'mhz', 'ghz']);
const count = z.int().min(1).max(10_000).default(1);

export const openDcTopology = z.object({
  clusters: z
    .array(
      z.object({
        name: z.string().default('cluster'),
        count,
        hosts: z
          .array(
            z.object({
              name: z.string().default('host'),
              count,
              cpu: z.object({
                coreCount: z.int().min(1),
                coreSpeed: megahertz,
                count,
                vendor: z.string().min(1).optional(),
              }),
              memory: z.object({ memorySize: bytes }),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
});
export type OpenDcTopology = z.output<typeof openDcTopology>;

const isGroup = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Clusters at the top and no sites: an OpenDC topology. */
export const isOpenDc = (value: unknown): boolean =>
  isGroup(value) && Array.isArray(value.clusters) && !('sites' in value);

/** The data centre that a cluster's name begins with: DC2 of `DC2-C3`. */
const dataCentreOf = (cluster: string): string =>
  /^((?:dc|datacenter|datacentre|site)\d+)-./i.exec(cluster)?.[1] ?? DEFAULT_SITE;

/** Names that an estate takes. Those that occur several times are numbered. */
function usableNames(names: readonly string[]): string[] {
  const clean = names.map(
    (n) =>
      n
        .replace(/[^A-Za-z0-9 ._-]/g, '-')
        .replace(/^[^A-Za-z0-9]+/, '')
        .slice(0, 56) || 'unnamed',
  );
  const total = new Map<string, number>();
  for (const name of clean) total.set(name, (total.get(name) ?? 0) + 1);
  const seen = new Map<string, number>();
  return clean.map((name) => {
    if (total.get(name) === 1) return name;
    const number = (seen.get(name) ?? 0) + 1;
    seen.set(name, number);
    return `${name}-${String(number).padStart(2, '0')}`;
  });
}

/** Hosts of a topology, told from its counts without unrolling them. */
export const openDcHosts = ({ clusters }: OpenDcTopology): number =>
  clusters.reduce((sum, c) => sum + c.count * c.hosts.reduce((hosts, h) => hosts + h.count, 0), 0);

const repeat = <T extends { count: number }>(items: readonly T[]): { item: T; index: number }[] =>
  items.flatMap((item, index) => Array.from({ length: item.count }, () => ({ item, index })));

/**
 * The topology as an estate, and for each part of it the path that it came from. A data centre is a site with one
 * shared datastore. The format names no links, no external networks and no racks, so there are none.
 */
export function importOpenDc(topology: OpenDcTopology): { estate: EstateInput; origins: Map<string, Path> } {
  const origins = new Map<string, Path>();
  const sites: EstateInput['sites'] = [];
  const clusters = repeat(topology.clusters);
  const clusterNames = usableNames(clusters.map(({ item }) => item.name));
  clusters.forEach(({ item: cluster, index: c }, i) => {
    const name = clusterNames[i] as string;
    const siteName = dataCentreOf(name);
    let s = sites.findIndex((site) => site.name.toLowerCase() === siteName.toLowerCase());
    if (s < 0) s = sites.push({ name: siteName, clusters: [], datastores: [] }) - 1;
    const site = sites[s] as EstateInput['sites'][number];
    const hosts = repeat(cluster.hosts);
    const hostNames = usableNames(hosts.map(({ item }) => item.name));
    const path: Path = ['sites', s, 'clusters', site.clusters.length];
    origins.set(pathText(path), ['clusters', c]);
    hosts.forEach(({ index: h }, j) => {
      origins.set(pathText([...path, 'hosts', j]), ['clusters', c, 'hosts', h]);
    });
    site.clusters.push({ name, hosts: hosts.map(({ item }, j) => hostOf(item, hostNames[j] as string)) });
  });
  for (const site of sites) site.datastores.push({ name: 'storage', capacityGiB: storageOf(site) });
  return { estate: { sites }, origins };
}

type OpenDcHost = OpenDcTopology['clusters'][number]['hosts'][number];

const hostOf = ({ cpu, memory }: OpenDcHost, name: string) => ({
  name,
  cores: cpu.coreCount * cpu.count,
  ...(cpu.count > 1 ? { sockets: cpu.count } : {}),
  threads: THREADS_PER_CORE,
  mhz: Math.round(cpu.coreSpeed),
  memoryGiB: memory.memorySize / 2 ** 30,
  ...(cpu.vendor === undefined ? {} : { vendor: cpu.vendor }),
});

const storageOf = (site: EstateInput['sites'][number]): number => {
  const memory = site.clusters
    .flatMap((c) => (Array.isArray(c.hosts) ? c.hosts : []))
    .reduce((sum, h) => sum + h.memoryGiB, 0);
  return Math.max(1, Math.round(memory * STORAGE_GIB_PER_MEMORY_GIB));
};

/** Where a flaw of the imported estate lies in the topology: the nearest part that has an origin. */
export function originOf(path: Path, origins: ReadonlyMap<string, Path>): Path {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(pathText(path.slice(0, length)));
    if (origin) return origin;
  }
  return ['clusters'];
}
