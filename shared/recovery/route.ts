import type { Network } from '../model/network.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { RecoveryPlan, RecoveryPlanSpec } from '../model/recovery-plan.ts';
import type { Nic, NicHome } from '../model/vm.ts';

/** From where to where the VMs of a plan go. */
export interface Route {
  fromSiteId: string;
  toSiteId: string;
  /** They go home: what the plan maps is mapped the other way round (DR-13). */
  back: boolean;
}

type Placed = Pick<ProtectedGroup, 'primarySiteId' | 'legs' | 'former' | 'replication'>;

/** Sites that hold a copy of the group beside its primary, the one that is to take over first first. */
export function recoverySites({ primarySiteId, legs, former, replication }: Placed): string[] {
  const fed = [...legs].sort((a, b) => rank(a, primarySiteId) - rank(b, primarySiteId)).map((leg) => leg.siteId);
  const told = [former?.siteId, replication.targetSiteId, replication.thirdSiteId];
  const sites = fed.length > 0 ? fed : told.filter((id) => id !== undefined);
  return [...new Set(sites)].filter((id) => id !== primarySiteId);
}
/** What the primary itself feeds comes first, a synchronous one before others; a leg that stands by feeds nothing. */
const rank = (leg: ProtectedGroup['legs'][number], primary: string): number =>
  (leg.standby ? 4 : 0) + (leg.from === primary ? 0 : 2) + (leg.mode === 'sync' ? 0 : 1);

/** The route of a plan whose groups go the same way. `to`: another site that holds a copy, as of three centres. */
export function routeOf(
  plan: Pick<RecoveryPlan, 'homeSiteId'>,
  group: Placed,
  to: string | undefined = recoverySites(group)[0],
): Route | undefined {
  return to === undefined ? undefined : { fromSiteId: group.primarySiteId, toSiteId: to, back: to === plan.homeSiteId };
}

/** The key that stands for this value alone. */
const keyOf = (map: Readonly<Record<string, string>> | undefined, value: string): string | undefined => {
  const keys = Object.entries(map ?? {}).filter(([, v]) => v === value);
  return keys.length === 1 ? keys[0]?.[0] : undefined;
};
const own = (map: Readonly<Record<string, string>> | undefined, key: string): string | undefined =>
  map && Object.hasOwn(map, key) ? map[key] : undefined;

/** The network in the place of this one where the route leads. */
export const networkAfter = (plan: Pick<RecoveryPlanSpec, 'networkMap'>, networkId: string, { back }: Route): string =>
  (back ? keyOf(plan.networkMap, networkId) : own(plan.networkMap, networkId)) ?? networkId;

/** What waits for a NIC where the route leads: it gets back what it had there, whatever the plan maps by now (DR-13). */
export const homeAt = ({ home }: Pick<Nic, 'home'>, { toSiteId }: Pick<Route, 'toSiteId'>): NicHome | undefined =>
  home?.siteId === toSiteId ? home : undefined;

/** The cluster in the place of this one; undefined where any may be taken. Several that are mapped to one: any, going back. */
export const clusterAfter = (
  plan: Pick<RecoveryPlanSpec, 'clusterMap'>,
  clusterId: string,
  { back }: Route,
): string | undefined => (back ? keyOf(plan.clusterMap, clusterId) : own(plan.clusterMap, clusterId));

/** The address that the plan wishes for a NIC; without one it keeps its own where that is free, else it gets the next. */
export const addressAfter = (
  plan: Pick<RecoveryPlanSpec, 'ipMap'>,
  nicId: string,
  { back }: Route,
): string | undefined => (back ? undefined : own(plan.ipMap, nicId));

/**
 * Whether VMs of that site can use the network. Inner and routed networks span the sites of their VDC; a direct one joins
 * an external network, and is where that one is.
 */
export const reaches = (
  network: Pick<Network, 'type' | 'externalNetworkId'>,
  siteId: string,
  externalSites: ReadonlyMap<string, readonly string[]>,
): boolean =>
  network.type !== 'direct' || (externalSites.get(network.externalNetworkId ?? '')?.includes(siteId) ?? false);
