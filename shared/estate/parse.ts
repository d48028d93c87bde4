import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type * as z from 'zod';
import { DomainError, type Flaw } from '../kernel/errors.ts';
import { checkOutline, MAX_HOSTS, tooManyHosts } from './checks.ts';
import { type Path, type PathFlaw, pathText, schemaFlaws } from './flaws.ts';
import { importOpenDc, isOpenDc, openDcHosts, openDcTopology, originOf } from './opendc.ts';
import type { Outline } from './references.ts';
import { type Estate, estateSpec, externalNetworkSpec, linkSpec, siteSpec, tenantSpec } from './schema.ts';

/**
 * Reads an estate from YAML or JSON, also from an OpenDC topology.
 * @param source what flaws are located in, such as the file's name
 * @param knownSites names of sites that exist already, which links, networks and tenants may refer to
 * @throws `invalid-request` with every flaw, each at its line, column and field, like
 *   `my.yaml:12:7 sites[0].clusters[1].hosts.mhz`
 */
export function parseEstate(text: string, source: string, knownSites: readonly string[] = []): Estate {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${source}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const value = decode(document, at, source);
  const { estate, flaws } = readEstate(value, knownSites);
  if (estate) return estate;
  const locate = (path: Path): string => `${at(offsetOf(document, path))} ${pathText(path)}`.trim();
  throw refusal(
    flaws.map(({ path, message, fix }) => ({ location: locate(path), message, fix })),
    source,
  );
}

/**
 * Reads an estate from a decoded body.
 * @param knownSites names of sites that exist already, which links, networks and tenants may refer to
 * @throws `invalid-request` with every flaw, located like `body.sites[0].name`
 */
export function parseEstateObject(value: unknown, knownSites: readonly string[] = []): Estate {
  const { estate, flaws } = readEstate(value, knownSites);
  if (estate) return estate;
  const locate = (path: Path): string => (path.length === 0 ? 'body' : `body.${pathText(path)}`);
  throw refusal(
    flaws.map(({ path, message, fix }) => ({ location: locate(path), message, fix })),
    'The body',
  );
}

const refusal = (flaws: Flaw[], source: string): DomainError => {
  const [first] = flaws;
  const detail = flaws.length === 1 ? `${first?.location}: ${first?.message}` : `${source} has ${flaws.length} flaws.`;
  return new DomainError('invalid-request', detail, { flaws });
};

/** The plain value of a document. @throws `invalid-request` when its syntax is broken. */
function decode(document: Document.Parsed, at: (offset: number) => string, source: string): unknown {
  const flaws: Flaw[] = document.errors.map((error) => ({
    location: at(error.pos[0]),
    message: error.code === 'MULTIPLE_DOCS' ? 'a second document begins here' : error.message,
    fix: 'mend the YAML or JSON at this place; what follows it may be misread too',
  }));
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document)) return;
      const location = at(alias.range?.[0] ?? 0);
      flaws.push({
        location,
        message: `nothing is marked &${alias.source}`,
        fix: 'mark it before it is used, or put the text in quotes',
      });
    },
  });
  if (flaws.length > 0) throw refusal(flaws, source);
  try {
    return document.toJS();
  } catch (error) {
    const message = `it cannot be read: ${(error as Error).message}`;
    throw refusal([{ location: at(0), message, fix: 'write repeated parts out instead of by alias' }], source);
  }
}

/** Where a path begins: at its key, or at the nearest thing above it that is there. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair) break;
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

interface Reading {
  /** Only when there are no flaws. */
  estate?: Estate;
  flaws: PathFlaw[];
}

function readEstate(value: unknown, knownSites: readonly string[]): Reading {
  if (value === null || value === undefined) {
    return { flaws: [{ path: [], message: 'the estate is empty', fix: "describe at least one site under 'sites'" }] };
  }
  if (!isOpenDc(value)) return readNative(value, knownSites);
  const topology = openDcTopology.safeParse(value);
  if (!topology.success) return { flaws: topology.error.issues.flatMap((issue) => schemaFlaws(issue, value)) };
  const hosts = openDcHosts(topology.data);
  if (hosts > MAX_HOSTS) return { flaws: [tooManyHosts(hosts, ['clusters'])] };
  const { estate, origins } = importOpenDc(topology.data);
  const reading = readNative(estate, knownSites);
  return { ...reading, flaws: reading.flaws.map((flaw) => ({ ...flaw, path: originOf(flaw.path, origins) })) };
}

function readNative(value: unknown, knownSites: readonly string[]): Reading {
  const parsed = estateSpec.safeParse(value);
  if (parsed.success) {
    const siteNames = new Set([...parsed.data.sites.map((s) => s.name), ...knownSites]);
    const flaws = checkOutline({ ...parsed.data, siteNames });
    return flaws.length === 0 ? { estate: parsed.data, flaws } : { flaws };
  }
  const flaws = parsed.error.issues.flatMap((issue) => schemaFlaws(issue, value));
  return { flaws: [...flaws, ...checkOutline(soundParts(value, knownSites))] };
}

/**
 * What of a flawed estate passes the schema, so that one reading finds the flaws of both kinds. A site counts as a whole:
 * one with a flaw in its fields is checked for its meaning only once that is mended.
 */
function soundParts(value: unknown, knownSites: readonly string[]): Outline {
  const section = (name: string): unknown[] => {
    const items = (value as Record<string, unknown> | null | undefined)?.[name];
    return Array.isArray(items) ? items : [];
  };
  const sound = <S extends z.ZodType>(name: string, schema: S): (z.output<S> | undefined)[] =>
    section(name).map((item) => schema.safeParse(item).data);
  const names = section('sites').map((site) => (site as { name?: unknown } | null)?.name);
  return {
    sites: sound('sites', siteSpec),
    links: sound('links', linkSpec),
    externalNetworks: sound('externalNetworks', externalNetworkSpec),
    tenants: sound('tenants', tenantSpec),
    siteNames: new Set([...names.filter((name) => typeof name === 'string'), ...knownSites]),
  };
}
