import type { Hold, StorageHold } from '../hypervisor/demand.ts';
import { DomainError, notFound } from '../kernel/errors.ts';
import { type Amounts, changed, minus, nothing, plus } from '../model/amounts.ts';
import type { Datastore, Host, Link } from '../model/inventory.ts';
import { keptOf } from '../model/placeholder.ts';
import { QUOTA_DIMENSIONS, type Quota, usageOf, type Vdc } from '../model/vdc.ts';
import { keys } from './keys.ts';
import type { Transaction } from './transaction.ts';

/** A ledger had no room when the transaction ran; carries what stands there now, to correct the caller's picture. */
export class HostFull extends Error {
  readonly host: Host | undefined;
  constructor(host: Host | undefined) {
    super('the host cannot take it');
    this.host = host;
  }
}
export class DatastoreFull extends Error {
  readonly datastore: Datastore | undefined;
  constructor(datastore: Datastore | undefined) {
    super('the datastore cannot take it');
    this.datastore = datastore;
  }
}
/** A link has not so much left for replication; carries what stands there now. */
export class LinkFull extends Error {
  readonly link: Link | undefined;
  constructor(link: Link | undefined) {
    super('the link cannot take it');
    this.link = link;
  }
}

/**
 * `unclaimed`: no recovery or reconciliation may be looking at the host now, or it could miss what arrives there.
 * `newcomer`: it is not there already, so the host must not be about to be emptied (ELA-6); so unless said otherwise.
 */
interface Demanded {
  unclaimed?: boolean;
  newcomer?: boolean;
  /** What of it is kept for recovery plans from now on, more or less than before (DR-21). */
  kept?: Amounts;
}

/** The counts of what is kept that change. */
const keptChange = (kept: Amounts | undefined): { count?: Record<string, number> } => {
  const counts = kept ? Object.entries(keptOf(kept)).filter(([, n]) => n !== 0) : [];
  return counts.length > 0 ? { count: Object.fromEntries(counts) } : {};
};

/** Takes capacity of a host that is online: relative, under a capacity condition, never by version. */
export function takeHost(
  tx: Transaction,
  host: { clusterId: string; id: string },
  taken: Amounts,
  { unclaimed = false, newcomer = true, kept }: Demanded = {},
): void {
  const named = changed(taken);
  const key = keys.host(host.clusterId, host.id);
  const condition = [
    '#state = :online',
    ...(unclaimed ? ['attribute_not_exists(#claim)'] : []),
    ...(newcomer ? ['attribute_not_exists(#draining)'] : []),
    ...named.map(([d]) => `#free.#${d} >= :${d}`),
  ].join(' AND ');
  const names = {
    '#state': 'state',
    ...(unclaimed ? { '#claim': 'claim' } : {}),
    ...(newcomer ? { '#draining': 'draining' } : {}),
  };
  const values = { ':online': 'online', ...Object.fromEntries(named.map(([d, n]) => [`:${d}`, n])) };
  const onFail = (found: unknown) => new HostFull(found as Host | undefined);
  const counts = keptChange(kept);
  if (named.length === 0 && !counts.count) tx.check(key, condition, onFail, values, 'control', names);
  else
    tx.update(key, {
      add: Object.fromEntries(named.map(([d, n]) => [`free.${d}`, -n])),
      ...counts,
      condition,
      names,
      values,
      onFail,
    });
}

export function giveHost(
  tx: Transaction,
  host: { clusterId: string; id: string },
  given: Amounts,
  also: Partial<Host> = {},
  kept?: Amounts,
): void {
  tx.update(keys.host(host.clusterId, host.id), {
    set: also,
    add: Object.fromEntries(changed(given).map(([d, n]) => [`free.${d}`, n])),
    ...keptChange(kept),
  });
}

/**
 * Carries over what VMs held before to what they hold after, each host's net change in one action: a host that takes
 * more, or on which a VM is to run from now on, must be online and have it, and one that more VMs hold than before must
 * not be about to be emptied. `seats`: what is kept for recovery plans before and after; it is held like the rest (DR-21).
 */
export function shiftHosts(
  tx: Transaction,
  clusterOf: (hostId: string) => string,
  held: readonly Hold[],
  holding: readonly Hold[],
  runOn: ReadonlyMap<string, Demanded> = new Map(),
  seats: Seats = NO_SEATS,
): void {
  const holders = (holds: readonly Hold[], id: string) => holds.filter((h) => h.hostId === id).length;
  const [before, after] = [
    [...held, ...seats.before],
    [...holding, ...seats.after],
  ];
  const net = netOf(before, after);
  const keeps = netOf(seats.before, seats.after);
  for (const [id, amounts] of net) {
    const host = { clusterId: clusterOf(id), id };
    const demanded = runOn.get(id);
    const kept = keeps.get(id);
    const newcomer = holders(after, id) > holders(before, id);
    const arrives = holders(before, id) === 0 && holders(after, id) > 0;
    if (demanded || arrives || changed(amounts).some(([, n]) => n > 0))
      takeHost(tx, host, amounts, { ...demanded, newcomer, ...(kept ? { kept } : {}) });
    else if (changed(amounts).length > 0 || keptChange(kept).count)
      giveHost(tx, host, minus(nothing(), amounts), {}, kept);
  }
}

interface Seats {
  before: readonly Hold[];
  after: readonly Hold[];
}
const NO_SEATS: Seats = { before: [], after: [] };

/** By host, how much more is held after than before. */
function netOf(before: readonly Hold[], after: readonly Hold[]): Map<string, Amounts> {
  const net = new Map<string, Amounts>();
  for (const { hostId, amounts } of after) net.set(hostId, plus(net.get(hostId) ?? nothing(), amounts));
  for (const { hostId, amounts } of before) net.set(hostId, minus(net.get(hostId) ?? nothing(), amounts));
  return net;
}

export function takeDatastore(tx: Transaction, datastore: { siteId: string; id: string }, gib: number): void {
  tx.update(keys.datastore(datastore.siteId, datastore.id), {
    add: { freeGiB: -gib },
    condition: '#freeGiB >= :gib',
    values: { ':gib': gib },
    onFail: (found) => new DatastoreFull(found as unknown as Datastore | undefined),
  });
}

export function giveDatastore(tx: Transaction, datastore: { siteId: string; id: string }, gib: number): void {
  tx.update(keys.datastore(datastore.siteId, datastore.id), { add: { freeGiB: gib } });
}

/** As `shiftHosts`, for datastores of a site: each one's net change in one action, and only where there is room for it. */
export function shiftDatastores(
  tx: Transaction,
  siteId: string,
  before: readonly StorageHold[],
  after: readonly StorageHold[],
): void {
  const sum = (holds: readonly StorageHold[], of: 'gib' | 'migrations') => holds.reduce((n, h) => n + h[of], 0);
  for (const id of new Set([...before, ...after].map((h) => h.datastoreId))) {
    const [was, is] = [before, after].map((holds) => holds.filter((h) => h.datastoreId === id)) as [
      StorageHold[],
      StorageHold[],
    ];
    const net = [
      ['freeGiB', sum(is, 'gib') - sum(was, 'gib')],
      ['freeMigrations', sum(is, 'migrations') - sum(was, 'migrations')],
    ] as const;
    const changes = net.filter(([, n]) => n !== 0);
    if (changes.length === 0) continue;
    const taken = changes.filter(([, n]) => n > 0);
    tx.update(keys.datastore(siteId, id), {
      add: Object.fromEntries(changes.map(([d, n]) => [d, -n])),
      ...(taken.length > 0 ? { condition: taken.map(([d]) => `#${d} >= :${d}`).join(' AND ') } : {}),
      values: Object.fromEntries(taken.map(([d, n]) => [`:${d}`, n])),
      onFail: (found) => new DatastoreFull(found as unknown as Datastore | undefined),
    });
  }
}

/** Carries over what a group held of links before to what it holds after, Mbit/s by id; more only where there is so much. */
export function shiftLinks(
  tx: Transaction,
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): void {
  for (const id of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const more = (after[id] ?? 0) - (before[id] ?? 0);
    if (more === 0) continue;
    tx.update(keys.link(id), {
      add: { freeMbps: -more },
      ...(more > 0 ? { condition: '#freeMbps >= :more', values: { ':more': more } } : {}),
      onFail: (found) => new LinkFull(found as unknown as Link | undefined),
    });
  }
}

/** As `shiftDatastores`, for copies of volumes at any sites (DR-21): only room, and only where there is so much. */
export function shiftReplicas(
  tx: Transaction,
  before: readonly { siteId: string; datastoreId: string; gib: number }[],
  after: readonly { siteId: string; datastoreId: string; gib: number }[],
): void {
  const bare = (holds: typeof before, siteId: string) =>
    holds.filter((h) => h.siteId === siteId).map(({ datastoreId, gib }) => ({ datastoreId, gib, migrations: 0 }));
  for (const siteId of new Set([...before, ...after].map((h) => h.siteId)))
    shiftDatastores(tx, siteId, bare(before, siteId), bare(after, siteId));
}

/** What is over quota, or undefined. VDC-2: names the dimension, limit, used and requested amounts. */
export function overQuota(vdc: Pick<Vdc, 'quota' | 'left'>, requested: Partial<Quota>): DomainError | undefined {
  const used = usageOf(vdc);
  const excesses = QUOTA_DIMENSIONS.filter((d) => (requested[d] ?? 0) > 0 && vdc.left[d] < (requested[d] ?? 0)).map(
    (resource) => ({
      resource,
      limit: vdc.quota[resource],
      used: used[resource],
      requested: requested[resource] ?? 0,
    }),
  );
  if (excesses.length === 0) return undefined;
  const words = excesses
    .map((e) => `${e.resource}: limit ${e.limit}, used ${e.used}, requested ${e.requested}`)
    .join('; ');
  return new DomainError('quota-exceeded', `The quota of the VDC does not allow this (${words}).`, {
    figures: { ...excesses[0], excesses },
    flaws: excesses.map((e) => ({
      location: `quota.${e.resource}`,
      message: `limit ${e.limit}, used ${e.used}, requested ${e.requested}`,
      fix: 'ask for less, release something, or have the quota raised',
    })),
  });
}

/** Charges a VDC: relative, under the condition that every dimension stays within its quota. */
export function chargeVdc(tx: Transaction, vdc: Pick<Vdc, 'tenantId' | 'id'>, requested: Partial<Quota>): void {
  const charged = QUOTA_DIMENSIONS.filter((d) => (requested[d] ?? 0) > 0);
  tx.update(keys.vdc(vdc.tenantId, vdc.id), {
    add: Object.fromEntries(charged.map((d) => [`left.${d}`, -(requested[d] as number)])),
    condition: ['attribute_exists(pk)', ...charged.map((d) => `#left.#${d} >= :${d}`)].join(' AND '),
    values: Object.fromEntries(charged.map((d) => [`:${d}`, requested[d] as number])),
    onFail: (found) => (found && overQuota(found as unknown as Vdc, requested)) ?? notFound('VDC', vdc.id),
  });
}

/** Gives back what was charged. */
export function refundVdc(tx: Transaction, vdc: Pick<Vdc, 'tenantId' | 'id'>, charged: Partial<Quota>): void {
  const dimensions = QUOTA_DIMENSIONS.filter((d) => (charged[d] ?? 0) > 0);
  tx.update(keys.vdc(vdc.tenantId, vdc.id), {
    add: Object.fromEntries(dimensions.map((d) => [`left.${d}`, charged[d] as number])),
  });
}
