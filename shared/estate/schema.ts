import * as z from 'zod';
import { clusterHaSpec } from '../model/ha.ts';
import { CPU_GENERATIONS, DATASTORE_KINDS, NO_OVERCOMMIT, overcommitSpec, vcpuRatioSpec } from '../model/inventory.ts';
import { quotaSpec } from '../model/vdc.ts';

/**
 * The estate file: what stands in the racks of every site, as people write it. Sizes in GiB, clocks in MHz, links in
 * Mbit/s and ms.
 */

/** An object that refuses unknown fields; the refusal names the known ones. */
const fields = <S extends z.core.$ZodLooseShape>(shape: S) =>
  z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `use only: ${Object.keys(shape).join(', ')}` : undefined),
  });

/** Every name ends up in an id, so it needs a letter or digit. */
const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/,
    'use 1 to 63 letters, digits, blanks, dots, dashes and underlines, beginning with a letter or digit',
  );

/** Hosts that are kept free for failures have no ids yet: they are named once the estate is loaded. */
const haShape = clusterHaSpec.omit({ failoverHosts: true }).shape;

/** What one host is made of. */
const hardware = {
  vendor: z.string().min(1).max(63).default('generic'),
  /** Without it: two sockets where the cores divide evenly, otherwise one. */
  sockets: z.int().min(1).max(32).optional(),
  /** Physical cores of the whole host. */
  cores: z.int().min(1).max(1_024),
  threads: z.int().min(1).max(8).default(2),
  mhz: z.int().min(100).max(10_000),
  memoryGiB: z.number().positive().max(65_536),
  hardwareVirtualisation: z.boolean().default(true),
  /** EPT or NPT; without it as hardwareVirtualisation. */
  nestedPaging: z.boolean().optional(),
  /** x86 only; without it the newest. */
  cpuGeneration: z.enum(CPU_GENERATIONS).optional(),
  /** Without it one per socket. */
  numaNodes: z.int().min(1).max(16).optional(),
  /** Pages of 2 MiB and 1 GiB that are set aside for VMs on huge pages. */
  hugePages: fields({ '2m': z.int().min(1).optional(), '1g': z.int().min(1).optional() }).optional(),
  /** Cards that give functions to VMs directly. */
  devices: z
    .array(
      fields({
        kind: z.enum(['nic', 'disk']),
        functions: z.int().min(1).max(256),
        count: z.int().min(1).max(16).default(1),
      }),
    )
    .optional(),
  nicMbps: z.int().min(10).max(1_000_000).default(10_000),
};
const hostGroup = fields({
  count: z.int().min(1).max(10_000),
  ...hardware,
  racks: z.int().min(1).max(1_000).optional(),
});
const namedHost = fields({ name, ...hardware, rack: z.string().min(1).max(63).optional() });

export const clusterSpec = fields({
  name,
  arch: z.enum(['x86', 'arm']).default('x86'),
  ha: fields(haShape).default(clusterHaSpec.omit({ failoverHosts: true }).parse({})),
  overcommit: fields(overcommitSpec.shape).default(NO_OVERCOMMIT),
  vcpuRatioPercent: vcpuRatioSpec.default(100),
  numa: fields({ guest: z.boolean().default(false) }).default({ guest: false }),
  cpuBaseline: z.enum(CPU_GENERATIONS).optional(),
  hosts: z.union([hostGroup, z.array(namedHost).min(1)]),
});

export const datastoreSpec = fields({
  name,
  capacityGiB: z.int().min(1),
  /** A local one stands in every host that it is for, with this capacity in each. */
  kind: z.enum(DATASTORE_KINDS).default('shared'),
  /** Clusters that reach it; without it all of the site. */
  clusters: z.array(z.string()).min(1).optional(),
});

export const siteSpec = fields({
  name,
  city: z.string().min(1).max(63).optional(),
  hypervisor: z.enum(['fusioncompute', 'vmware']).default('fusioncompute'),
  /** Its release; VMs are not protected between sites of different major ones (DR-16). */
  hypervisorVersion: z
    .string()
    .regex(/^\d{1,4}(\.\d{1,4}){0,3}$/, 'use numbers with dots between them, such as 8.6.0')
    .optional(),
  clusters: z.array(clusterSpec).min(1),
  datastores: z.array(datastoreSpec).min(1),
});

export const linkSpec = fields({
  from: z.string(),
  to: z.string(),
  latencyMs: z.number().min(0),
  mbps: z.number().positive(),
  mode: z.enum(['sync', 'async']),
});

export const externalNetworkSpec = fields({
  name,
  cidr: z.string(),
  /** Sites that it reaches; without it all of the estate. */
  sites: z.array(z.string()).min(1).optional(),
});

export const tenantSpec = fields({
  name,
  vdcs: z
    .array(
      fields({
        name,
        sites: z.array(z.string()).min(1).optional(),
        quota: fields(quotaSpec.shape),
        management: z.boolean().optional(),
      }),
    )
    .default([]),
});

export const estateSpec = fields({
  sites: z.array(siteSpec).min(1),
  links: z.array(linkSpec).default([]),
  externalNetworks: z.array(externalNetworkSpec).default([]),
  tenants: z.array(tenantSpec).default([]),
});

export type Estate = z.output<typeof estateSpec>;
/** An estate before its defaults are filled in. */
export type EstateInput = z.input<typeof estateSpec>;
export type SiteSpec = Estate['sites'][number];
export type ClusterSpec = SiteSpec['clusters'][number];
export type DatastoreSpec = SiteSpec['datastores'][number];
export type HostSpec = Omit<z.output<typeof namedHost>, 'name' | 'rack'>;
