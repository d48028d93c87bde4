import {
  DATASTORE_MIGRATION_BUDGET,
  DATASTORE_MIGRATION_COST,
  FAST_NETWORK_MBPS,
  FAST_NETWORK_MIGRATION_BUDGET,
  HOST_MIGRATION_BUDGET,
  HOST_MIGRATION_COST,
  NETWORK_MIGRATION_BUDGET,
  NETWORK_MIGRATION_COST,
} from '../parameters.ts';
import { Refused } from '../refusal.ts';

export type MigrationKind = 'live' | 'storage';

/** A migration and what it uses, by ids. Source and target are both in the lists. */
export interface QueuedMigration {
  id: string;
  kind: MigrationKind;
  hosts: readonly string[];
  networks: readonly string[];
  datastores: readonly string[];
}

/** How many cost units one kind of resource bears at once, and what a migration costs it. */
export interface Budget {
  units: number;
  /** Single resources with another budget, by id. */
  unitsOf?: Readonly<Record<string, number>>;
  cost: Readonly<Record<MigrationKind, number>>;
}
export interface MigrationLimits {
  host: Budget;
  network: Budget;
  datastore: Budget;
}

/** vSphere's cost model (MIG-7), with 1 GbE networks; name faster ones in `network.unitsOf`. */
export const DEFAULT_MIGRATION_LIMITS: MigrationLimits = {
  host: { units: HOST_MIGRATION_BUDGET, cost: HOST_MIGRATION_COST },
  network: { units: NETWORK_MIGRATION_BUDGET, cost: NETWORK_MIGRATION_COST },
  datastore: { units: DATASTORE_MIGRATION_BUDGET, cost: DATASTORE_MIGRATION_COST },
};

/** Budget of a network by its bandwidth, cost units (MIG-7). */
export const networkBudget = (mbps: number): number =>
  mbps >= FAST_NETWORK_MBPS ? FAST_NETWORK_MIGRATION_BUDGET : NETWORK_MIGRATION_BUDGET;

export interface Admission {
  /** May start now, in the order of the queue. */
  start: string[];
  wait: WaitingMigration[];
}
export interface WaitingMigration {
  id: string;
  why: string;
  /** It costs more than a budget has at all: it waits for ever under these limits, and holds nobody up. */
  never: boolean;
}

/**
 * Which queued migrations may start beside those that run (MIG-7). No budget is exceeded by a start. Migrations that use
 * the same resource start in the order of the queue: where one waits, later ones wait behind it, so that many cheap
 * ones cannot starve a dear one. Those that share nothing with it do not wait.
 * @throws `Refused` MIG-7 for an id that is queued or running twice.
 */
export function admit(
  queue: readonly QueuedMigration[],
  running: readonly QueuedMigration[],
  limits: MigrationLimits = DEFAULT_MIGRATION_LIMITS,
): Admission {
  requireOnce([...queue, ...running]);
  const used = new Map<string, number>();
  for (const migration of running) charge(used, claimsOf(migration, limits));
  const waitedFor = new Map<string, string>();
  const admission: Admission = { start: [], wait: [] };
  for (const migration of queue) {
    const claims = claimsOf(migration, limits);
    const impossible = claims.find((claim) => claim.cost > claim.units);
    const why = impossible
      ? `${impossible.resource} has a budget of ${impossible.units}, a ${migration.kind} migration costs it ${impossible.cost}`
      : whyItWaits(claims, used, waitedFor);
    if (why === undefined) {
      charge(used, claims);
      admission.start.push(migration.id);
      continue;
    }
    admission.wait.push({ id: migration.id, why, never: impossible !== undefined });
    if (impossible) continue;
    for (const { resource } of claims) if (!waitedFor.has(resource)) waitedFor.set(resource, migration.id);
  }
  return admission;
}

/** What a migration costs one resource. */
interface Claim {
  /** Kind and id, such as `host h1`. */
  resource: string;
  cost: number;
  units: number;
}

function claimsOf(migration: QueuedMigration, limits: MigrationLimits): Claim[] {
  const of = (kind: keyof MigrationLimits, ids: readonly string[]): Claim[] => {
    const { units, unitsOf = {}, cost } = limits[kind];
    return [...new Set(ids)].map((id) => ({
      resource: `${kind} ${id}`,
      cost: cost[migration.kind],
      units: unitsOf[id] ?? units,
    }));
  };
  const all = [
    ...of('host', migration.hosts),
    ...of('network', migration.networks),
    ...of('datastore', migration.datastores),
  ];
  return all.filter((claim) => claim.cost > 0);
}

function charge(used: Map<string, number>, claims: readonly Claim[]): void {
  for (const { resource, cost } of claims) used.set(resource, (used.get(resource) ?? 0) + cost);
}

function whyItWaits(
  claims: readonly Claim[],
  used: ReadonlyMap<string, number>,
  waitedFor: ReadonlyMap<string, string>,
): string | undefined {
  for (const { resource, cost, units } of claims) {
    const now = used.get(resource) ?? 0;
    if (now + cost > units) return `${resource} uses ${now} of ${units}, this costs ${cost}`;
  }
  for (const { resource } of claims) {
    const first = waitedFor.get(resource);
    if (first !== undefined) return `${first} is first in line for ${resource}`;
  }
  return undefined;
}

function requireOnce(migrations: readonly QueuedMigration[]): void {
  const ids = new Set<string>();
  for (const { id } of migrations) {
    if (ids.has(id))
      throw new Refused({ rule: 'MIG-7', reason: `migration ${id} is given twice`, fix: 'queue each migration once' });
    ids.add(id);
  }
}
