import { notFound } from '../kernel/errors.ts';
import type { Cluster, Datastore, Host, Link, Site } from '../model/inventory.ts';
import type { ExternalNetwork } from '../model/network.ts';
import type { Tenant } from '../model/tenant.ts';
import { type Context, mustBeSystem } from './context.ts';
import { keys } from './keys.ts';
import type { Store } from './store.ts';

/** What the operator owns: sites and all that stands in them. Tenants' requests may read it to place VMs, not change it. */
export class Inventory {
  private readonly store: Store;
  private readonly context: Context;

  constructor(store: Store, context: Context) {
    this.store = store;
    this.context = context;
  }

  sites(): Promise<Site[]> {
    return this.store.queryAll<Site>('SYS#SITE', 'control', { consistent: true });
  }

  async site(id: string): Promise<Site> {
    return found('site', id, await this.store.get<Site>(keys.site(id)));
  }

  clusters(): Promise<Cluster[]> {
    return this.store.queryAll<Cluster>('SYS#CLUSTER', 'control', { consistent: true });
  }

  async cluster(id: string): Promise<Cluster> {
    return found('cluster', id, await this.store.get<Cluster>(keys.cluster(id)));
  }

  hostsOf(clusterId: string, options: { consistent?: boolean } = {}): Promise<Host[]> {
    return this.store.queryAll<Host>(`SYS#HOST#${clusterId}`, 'control', options);
  }

  /** Every host of these clusters. */
  async hosts(clusters: readonly Cluster[], options: { consistent?: boolean } = {}): Promise<Host[]> {
    return (await Promise.all(clusters.map((c) => this.hostsOf(c.id, options)))).flat();
  }

  async host(id: string): Promise<Host> {
    const ref = await this.store.get<{ clusterId: string }>(keys.hostRef(id));
    const host = ref && (await this.store.get<Host>(keys.host(ref.clusterId, id)));
    return found('host', id, host);
  }

  datastores(siteId: string): Promise<Datastore[]> {
    return this.store.queryAll<Datastore>(`SYS#DATASTORE#${siteId}`, 'control', { consistent: true });
  }

  links(): Promise<Link[]> {
    return this.store.queryAll<Link>('SYS#LINK');
  }

  externalNetworks(): Promise<ExternalNetwork[]> {
    return this.store.queryAll<ExternalNetwork>('SYS#EXTNET');
  }

  async externalNetwork(id: string): Promise<ExternalNetwork> {
    return found('external network', id, await this.store.get<ExternalNetwork>(keys.externalNetwork(id)));
  }

  tenants(): Promise<Tenant[]> {
    mustBeSystem(this.context);
    return this.store.queryAll<Tenant>('SYS#TENANT', 'control', { consistent: true });
  }

  async tenant(id: string): Promise<Tenant> {
    mustBeSystem(this.context);
    return found('tenant', id, await this.store.get<Tenant>(keys.tenant(id)));
  }
}

function found<T>(word: string, id: string, item: T | undefined): T {
  if (!item) throw notFound(word, id);
  return item;
}
