import { type HypervisorPort, PortTimeout } from '../hypervisor/port.ts';
import type { GroupStatus } from '../hypervisor/replication-port.ts';
import type { Flaw } from '../kernel/errors.ts';
import type { Cluster } from '../model/inventory.ts';
import type { Network } from '../model/network.ts';
import { type HeldSeat, seatsAt } from '../model/placeholder.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { RecoveryPlan, RecoveryPlanSpec } from '../model/recovery-plan.ts';
import type { Vm } from '../model/vm.ts';
import { spaceOf } from '../recovery/mapping.ts';
import { homeAt, networkAfter, type Route, recoverySites } from '../recovery/route.ts';
import type { SitePicture } from '../recovery/site.ts';
import { planFlaws } from '../recovery/validation.ts';
import { asTenant } from '../store/context.ts';
import { Inventory } from '../store/inventory.ts';
import { keys } from '../store/keys.ts';
import { placeholdersOf } from '../store/placeholders.ts';
import { withRecoveries } from '../store/recoveries.ts';
import type { Store } from '../store/store.ts';

/** Reads all that a decision about a plan needs, of one tenant and of the sites that its groups name. */
export class PlanReader {
  private readonly store: Store;
  private readonly tenantId: string;
  private readonly inventory: Inventory;

  constructor(store: Store, tenantId: string) {
    this.store = store;
    this.tenantId = tenantId;
    this.inventory = new Inventory(store, asTenant(tenantId));
  }

  /** Those that are there, in this order. Of another tenant's none is. */
  async groups(ids: readonly string[]): Promise<ProtectedGroup[]> {
    const found = await this.store.getMany<ProtectedGroup>(ids.map((id) => keys.group(this.tenantId, id)));
    const byId = new Map(found.map((g) => [g.id, g]));
    return [...new Set(ids)].flatMap((id) => byId.get(id) ?? []);
  }

  /** Members of these groups, as they are believed to be, in the order of their ids. */
  async vms(groups: readonly ProtectedGroup[]): Promise<Vm[]> {
    const ids = groups.flatMap((g) => g.vms);
    const found = await this.store.getMany<Vm>(ids.map((id) => keys.vm(this.tenantId, id)));
    return withRecoveries(
      this.store,
      found.sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
  }

  async picture(siteId: string): Promise<SitePicture> {
    const clusters = (await this.inventory.clusters()).filter((c) => c.siteId === siteId);
    const [hosts, datastores] = await Promise.all([
      this.inventory.hosts(clusters, { consistent: true }),
      this.inventory.datastores(siteId),
    ]);
    return { clusters, hosts, datastores };
  }

  /** By VM, the seats that a plan keeps at a site (DR-21). */
  async seats(plan: RecoveryPlan, siteId: string): Promise<Map<string, HeldSeat>> {
    return seatsAt(await placeholdersOf(this.store, plan), siteId);
  }

  /** All that is wrong with a plan of these groups. */
  async flaws(
    plan: RecoveryPlanSpec,
    groups: readonly ProtectedGroup[],
    vms: readonly Vm[],
    route: Route | undefined,
  ): Promise<Flaw[]> {
    const [networks, externals, clusters] = await Promise.all([
      this.networks(plan, vms),
      this.inventory.externalNetworks(),
      plan.clusterMap ? this.inventory.clusters() : ([] as Cluster[]),
    ]);
    const taken = route ? await this.taken(plan, vms, networks, route) : new Map();
    const externalSites = new Map(externals.map((e) => [e.id, e.sites]));
    return planFlaws(plan, { groups, vms, networks, externalSites, taken, clusters }, route);
  }

  private async networks({ networkMap }: RecoveryPlanSpec, vms: readonly Vm[]): Promise<Map<string, Network>> {
    const used = vms.flatMap((vm) => vm.nics.map((nic) => nic.networkId));
    const ids = new Set([...used, ...Object.entries(networkMap ?? {}).flat()]);
    const found = await this.store.getMany<Network>([...ids].map((id) => keys.network(this.tenantId, id)));
    return new Map(found.map((n) => [n.id, n]));
  }

  /** Addresses of the networks that NICs come to, or are given an address of. */
  private async taken(
    plan: RecoveryPlanSpec,
    vms: readonly Vm[],
    networks: ReadonlyMap<string, Network>,
    route: Route,
  ): Promise<Map<string, Map<number, string>>> {
    const nics = vms.flatMap((vm) => vm.nics).filter((nic) => !homeAt(nic, route));
    const asked = nics.flatMap((nic) => {
      const after = networkAfter(plan, nic.networkId, route);
      return after !== nic.networkId || plan.ipMap?.[nic.id] !== undefined ? [after] : [];
    });
    const spaces = new Map<string, string>();
    for (const id of new Set(asked)) {
      const network = networks.get(id);
      const owner = network?.externalNetworkId === undefined ? this.tenantId : null;
      if (network) spaces.set(spaceOf(network), keys.address(owner, spaceOf(network), 0).pk);
    }
    const read = [...spaces].map(async ([space, pk]) => {
      const claims = await this.store.queryAll<{ sk: string; vmId: string }>(pk, 'control', {
        projection: ['sk', 'vmId'],
        consistent: true,
      });
      return [space, new Map(claims.map((c) => [Number(c.sk), c.vmId]))] as const;
    });
    return new Map(await Promise.all(read));
  }
}

/** What every site that holds a copy says of these groups now, by group. Sites that do not answer are left out. */
export async function seenOf(
  port: HypervisorPort,
  groups: readonly ProtectedGroup[],
): Promise<Map<string, Map<string, GroupStatus>>> {
  const seen = new Map(groups.map((g) => [g.id, new Map<string, GroupStatus>()]));
  const sites = new Set(groups.flatMap((g) => [g.primarySiteId, ...recoverySites(g)]));
  await Promise.all(
    [...sites].map(async (siteId) => {
      try {
        const told = await port.groupStatus(
          siteId,
          groups.map((g) => g.id),
        );
        for (const status of told) seen.get(status.groupId)?.set(siteId, status);
      } catch (error) {
        if (!(error instanceof PortTimeout)) throw error;
      }
    }),
  );
  return seen;
}
