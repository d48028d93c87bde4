import { DomainError, notFound } from '../kernel/errors.ts';
import type { Network, Vpc } from '../model/network.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { RecoveryPlan } from '../model/recovery-plan.ts';
import type { Vdc } from '../model/vdc.ts';
import type { Vm, VmState } from '../model/vm.ts';
import type { Context } from './context.ts';
import { partOfId, tenantPart } from './keys.ts';
import { withRecoveries } from './recoveries.ts';
import type { Page, Store } from './store.ts';
import { BY_HOST_INDEX, type Item, type Key } from './tables.ts';

/** What a tenant owns: kind -> key part, word for people, id prefix. */
const KINDS = {
  vdc: { part: 'VDC', word: 'VDC', prefix: 'vdc_' },
  vpc: { part: 'VPC', word: 'VPC', prefix: 'vpc_' },
  network: { part: 'NET', word: 'network', prefix: 'net_' },
  vm: { part: 'VM', word: 'VM', prefix: 'vm_' },
  group: { part: 'GROUP', word: 'protected group', prefix: 'pg_' },
  plan: { part: 'PLAN', word: 'recovery plan', prefix: 'plan_' },
} as const;
interface Owned {
  vdc: Vdc;
  vpc: Vpc;
  network: Network;
  vm: Vm;
  group: ProtectedGroup;
  plan: RecoveryPlan;
}
type Kind = keyof Owned;

/** What `withRecoveries` may make of a stored state, and of which. */
const LATE: readonly string[] = ['running', 'faultResuming'] satisfies VmState[];

export interface ListOptions {
  limit?: number;
  after?: Key & Item;
  /** Equality filters on attributes. */
  where?: Record<string, string>;
  /** Filters on attributes that are lists: which must hold what. */
  contains?: Record<string, string>;
}

/**
 * Reads of what tenants own. Built for a tenant it sees that tenant's partitions and nothing else; built for the system
 * it finds a thing by the tag in its id.
 */
export class TenantData {
  private readonly store: Store;
  private readonly context: Context;

  constructor(store: Store, context: Context) {
    this.store = store;
    this.context = context;
  }

  /** By id or, for a tenant, by a name that only one thing has. @throws `not-found`, `ambiguous-name`. */
  async get<K extends Kind>(kind: K, idOrName: string): Promise<Owned[K]> {
    const { word, prefix } = KINDS[kind];
    if (!idOrName.startsWith(prefix) && this.context.kind === 'tenant') return this.byName(kind, idOrName);
    const pk = this.partition(kind, idOrName);
    const item = pk && (await this.store.get<Owned[K]>({ pk, sk: idOrName }));
    if (!item) throw notFound(word, idOrName);
    return this.asBelieved(kind, item);
  }

  async find<K extends Kind>(kind: K, id: string): Promise<Owned[K] | undefined> {
    const pk = this.partition(kind, id);
    const item = pk && (await this.store.get<Owned[K]>({ pk, sk: id }));
    return item ? this.asBelieved(kind, item) : undefined;
  }

  async list<K extends Kind>(kind: K, options: ListOptions = {}): Promise<Page<Owned[K]>> {
    if (this.context.kind !== 'tenant') throw new Error('the system lists per tenant: build the repository for one');
    const part = tenantPart(this.context.tenantId, KINDS[kind].part);
    if (kind !== 'vm') return filledPage<Owned[K]>(this.store, part, 'control', options);
    const { state, ...where } = options.where ?? {};
    // In these two states the stored one may lag behind the believed one: the database cannot tell.
    const late = state !== undefined && LATE.includes(state);
    const page = await filledPage<Vm>(
      this.store,
      part,
      'control',
      late ? { ...options, where } : options,
      async (vms) => {
        const believed = await withRecoveries(this.store, vms);
        return late ? believed.filter((vm) => vm.state === state) : believed;
      },
    );
    return page as Page<Owned[K]>;
  }

  /** All of a kind of one tenant, in id order. */
  async all<K extends Kind>(kind: K, where?: Record<string, string>): Promise<Owned[K][]> {
    const items: Owned[K][] = [];
    let after: (Key & Item) | undefined;
    do {
      const page: Page<Owned[K]> = await this.list(kind, {
        limit: 1000,
        ...(where ? { where } : {}),
        ...(after ? { after } : {}),
      });
      items.push(...page.items);
      after = page.next;
    } while (after);
    return items;
  }

  /** VMs that may have a process on the host. @throws unless built for the system. */
  async vmsOnHost(hostId: string): Promise<Vm[]> {
    if (this.context.kind !== 'system') throw new Error('only the system looks at hosts');
    const found = await this.store.queryAll<Key>(hostId, 'control', { index: BY_HOST_INDEX, hashName: 'runsOn' });
    // The index lags on AWS and holds keys only: the table decides.
    const vms = await this.store.getMany<Vm>(found);
    const there = vms.filter((vm) => vm.runsOn === hostId).sort((a, b) => (a.id < b.id ? -1 : 1));
    return withRecoveries(this.store, there);
  }

  /** Those of these VMs that exist, in no order. @throws unless built for the system. */
  async vmsById(ids: readonly string[]): Promise<Vm[]> {
    if (this.context.kind !== 'system') throw new Error('only the system looks VMs of several tenants up');
    const found = await this.store.getMany<Vm>(
      ids.flatMap((id) => {
        const pk = this.partition('vm', id);
        return pk ? [{ pk, sk: id }] : [];
      }),
    );
    return withRecoveries(this.store, found);
  }

  private async asBelieved<K extends Kind>(kind: K, item: Owned[K]): Promise<Owned[K]> {
    return kind === 'vm' ? ((await withRecoveries(this.store, [item as Vm]))[0] as Owned[K]) : item;
  }

  private partition(kind: Kind, id: string): string | undefined {
    if (!id.startsWith(KINDS[kind].prefix)) return undefined;
    if (this.context.kind === 'tenant') return tenantPart(this.context.tenantId, KINDS[kind].part);
    return partOfId(id, KINDS[kind].part);
  }

  private async byName<K extends Kind>(kind: K, name: string): Promise<Owned[K]> {
    const { items } = await this.list(kind, { where: { name } });
    if (items.length === 0) throw notFound(KINDS[kind].word, name);
    if (items.length > 1)
      throw ambiguous(
        KINDS[kind].word,
        name,
        items.map((i) => i.id),
      );
    return items[0] as Owned[K];
  }
}

/**
 * Asks on until the page is full or the list ends, so that a filter never makes a page look like the last one. `settle`
 * says what is made of the items that were read, and may leave some out.
 */
export async function filledPage<T>(
  store: Store,
  pk: string,
  table: 'control' | 'events',
  {
    limit = 100,
    after,
    where,
    contains,
    newestFirst,
    consistent = true,
  }: ListOptions & { newestFirst?: boolean; consistent?: boolean },
  settle: (items: T[]) => T[] | Promise<T[]> = (read) => read,
): Promise<Page<T>> {
  const items: T[] = [];
  const equal = Object.entries(where ?? {});
  const filters = [...equal, ...Object.entries(contains ?? {})];
  const words = filters.map((_, i) => (i < equal.length ? `#f${i} = :f${i}` : `contains(#f${i}, :f${i})`));
  let next = after;
  do {
    const page: Page<T> = await store.query<T>(pk, table, {
      limit: limit - items.length,
      consistent,
      ...(newestFirst ? { newestFirst } : {}),
      ...(next ? { after: next } : {}),
      ...(filters.length
        ? {
            filter: {
              expression: words.join(' AND '),
              names: Object.fromEntries(filters.map(([name], i) => [`#f${i}`, name])),
              values: Object.fromEntries(filters.map(([, value], i) => [`:f${i}`, value])),
            },
          }
        : {}),
    });
    items.push(...(await settle(page.items)));
    next = page.next;
  } while (next && items.length < limit);
  return next ? { items, next } : { items };
}

const ambiguous = (word: string, name: string, ids: string[]) =>
  new DomainError('ambiguous-name', `${ids.length} ${word}s are named '${name}'. Use an id.`, { figures: { ids } });
