import { DomainError } from '../kernel/errors.ts';
import { overlaps, usableRange } from '../model/addresses.ts';
import type { Path, PathFlaw } from './flaws.ts';
import { externalNetworkId, linkId, slug } from './ids.ts';
import type { Estate, SiteSpec } from './schema.ts';

type Holes<T> = readonly (T | undefined)[];
/** An estate of which some parts may have failed the schema; they are holes, so that positions stay true. */
export interface Outline {
  sites: Holes<SiteSpec>;
  links: Holes<Estate['links'][number]>;
  externalNetworks: Holes<Estate['externalNetworks'][number]>;
  tenants: Holes<Estate['tenants'][number]>;
  /** The names of all sites, also of those that are holes. */
  siteNames: ReadonlySet<string>;
}

export const each = <T>(items: Holes<T>, visit: (item: T, index: number) => PathFlaw[]): PathFlaw[] =>
  items.flatMap((item, i) => (item === undefined ? [] : visit(item, i)));

/** Hands ids out and says who already has one. */
export function idRegister() {
  const taken = new Map<string, string>();
  return (id: string, name: string, path: Path): PathFlaw[] => {
    const holder = taken.get(id);
    if (holder === undefined) {
      taken.set(id, name);
      return [];
    }
    const message =
      holder === name ? `the name '${name}' is used twice` : `'${name}' and '${holder}' would both get the id ${id}`;
    return [{ path, message, fix: 'give one of them another name' }];
  };
}
export type Register = ReturnType<typeof idRegister>;

/** References by name into known names. An empty set means that nothing could be read: then nothing is said. */
export function unknownNames(
  names: readonly string[] | undefined,
  known: ReadonlySet<string>,
  kind: string,
  path: Path,
): PathFlaw[] {
  if (known.size === 0) return [];
  const fix = `use one of: ${[...known].slice(0, 20).join(', ')}`;
  return (names ?? []).flatMap((name, i): PathFlaw[] => {
    if (!known.has(name)) return [{ path: [...path, i], message: `there is no ${kind} named '${name}'`, fix }];
    return names?.indexOf(name) === i
      ? []
      : [{ path: [...path, i], message: `'${name}' is listed twice`, fix: 'remove one' }];
  });
}

export function checkLinks({ links, siteNames }: Outline, register: Register): PathFlaw[] {
  const pairs = new Set<string>();
  return each(links, (link, i) => {
    const path: Path = ['links', i];
    const unknown = (['from', 'to'] as const).flatMap((end) =>
      unknownNames([link[end]], siteNames, 'site', []).map((flaw) => ({ ...flaw, path: [...path, end] })),
    );
    if (slug(link.from) === slug(link.to)) {
      return [
        ...unknown,
        { path, message: `the link joins '${link.from}' to itself`, fix: `name two sites in 'from' and 'to'` },
      ];
    }
    // A link carries both directions, so that b to a is a to b once more.
    const pair = [link.from, link.to].sort().join('\n');
    if (pairs.has(pair)) {
      const message = `'${link.from}' and '${link.to}' are linked twice`;
      return [...unknown, { path, message, fix: 'remove one; a link carries both directions' }];
    }
    pairs.add(pair);
    return [...unknown, ...register(linkId(link.from, link.to), `${link.from} to ${link.to}`, path)];
  });
}

export function checkExternalNetworks({ externalNetworks, siteNames }: Outline, register: Register): PathFlaw[] {
  const sound: { name: string; cidr: string; sites: readonly string[] }[] = [];
  return each(externalNetworks, (network, i) => {
    const path: Path = ['externalNetworks', i];
    const sites = network.sites ?? [...siteNames];
    const cidrFlaws = checkCidr(network.cidr, [...path, 'cidr']);
    const rival =
      cidrFlaws.length === 0
        ? sound.find((n) => n.sites.some((s) => sites.includes(s)) && overlaps(n.cidr, network.cidr))
        : undefined;
    if (cidrFlaws.length === 0) sound.push({ ...network, sites });
    if (rival) {
      const message = `${network.cidr} shares addresses with ${rival.cidr} of '${rival.name}' at the same site`;
      cidrFlaws.push({ path: [...path, 'cidr'], message, fix: 'use a range of its own' });
    }
    return [
      ...register(externalNetworkId(network.name), network.name, [...path, 'name']),
      ...cidrFlaws,
      ...unknownNames(network.sites, siteNames, 'site', [...path, 'sites']),
    ];
  });
}

function checkCidr(cidr: string, path: Path): PathFlaw[] {
  try {
    usableRange(cidr);
    return [];
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error.flaws.map(({ message, fix }) => ({ path, message, fix: fix ?? 'write it like 10.1.0.0/24' }));
  }
}

export function checkTenants({ tenants, siteNames }: Outline, register: Register): PathFlaw[] {
  return each(tenants, (tenant, i) => [
    ...register(`tenant ${tenant.name}`, tenant.name, ['tenants', i, 'name']),
    ...tenant.vdcs.flatMap((vdc, j) => [
      ...register(`VDC ${tenant.name}\n${vdc.name}`, vdc.name, ['tenants', i, 'vdcs', j, 'name']),
      ...unknownNames(vdc.sites, siteNames, 'site', ['tenants', i, 'vdcs', j, 'sites']),
    ]),
  ]);
}
