import type { Flaw } from '../kernel/errors.ts';
import { freeAddresses, ipToNumber, numberToIp, usableRange } from '../model/addresses.ts';
import type { Network } from '../model/network.ts';
import type { RecoveryPlanSpec } from '../model/recovery-plan.ts';
import type { Nic, Vm } from '../model/vm.ts';
import type { PlanFacts } from './plan-facts.ts';
import { addressAfter, homeAt, networkAfter, type Route, reaches } from './route.ts';

type Facts = Pick<PlanFacts, 'vms' | 'networks' | 'externalSites' | 'taken'>;
interface Port {
  vm: Pick<Vm, 'id' | 'name'>;
  nic: Nic;
}

/** Where addresses of a network are claimed: an external network that it joins, else itself. */
export const spaceOf = (network: Pick<Network, 'id' | 'externalNetworkId'>): string =>
  network.externalNetworkId ?? network.id;

/**
 * What is wrong with the networks and addresses that VMs would have at the recovery site: a network that is not there and
 * has none in its place, one without free addresses, an address that is out of its range or not free. Pure.
 */
export function mappingFlaws(plan: RecoveryPlanSpec, facts: Facts, route: Route): Flaw[] {
  const ports = facts.vms.flatMap((vm) => vm.nics.map((nic): Port => ({ vm, nic })));
  const written = writtenFlaws(plan, facts, route);
  if (written.length > 0) return [...written, ...nicFlaws(plan, ports, route)];
  // What comes home gets back what it had there.
  const away = ports.filter(({ nic }) => !homeAt(nic, route));
  const byNetwork = Map.groupBy(away, ({ nic }) => nic.networkId);
  const unmapped = [...byNetwork].flatMap(([id, all]) => unmappedFlaws(plan, facts, route, id, all));
  const movedTo = Map.groupBy(away, ({ nic }) => networkAfter(plan, nic.networkId, route));
  const addresses = [...movedTo].flatMap(([id, all]) => addressFlaws(plan, facts, route, id, all));
  return [...unmapped, ...nicFlaws(plan, ports, route), ...addresses];
}

/** What the map itself says wrongly, whichever VMs there are. */
function writtenFlaws(plan: RecoveryPlanSpec, { networks, externalSites }: Facts, route: Route): Flaw[] {
  const away = route.back ? route.fromSiteId : route.toSiteId;
  const entries = Object.entries(plan.networkMap ?? {});
  return entries.flatMap(([from, to], i): Flaw[] => {
    const location = `body.networkMap.${from}`;
    const missing = [from, to].filter((id) => !networks.has(id));
    if (missing.length > 0)
      return missing.map((id) => ({
        location,
        message: `There is no network '${id}'`,
        fix: 'name networks of your own',
      }));
    const target = networks.get(to) as Network;
    if (target.state === 'deleting')
      return [{ location, message: `${target.name} is being deleted`, fix: 'choose another network' }];
    if (!reaches(target, away, externalSites)) return [notThere(location, target, away, externalSites)];
    const twin = entries.findIndex(([, other]) => other === to);
    if (twin < i)
      return [
        {
          location,
          message: `${entries[twin]?.[0]} is mapped to ${to} too, so nobody could tell which is which on the way back`,
          fix: 'map each network to one of its own',
        },
      ];
    return [];
  });
}

function unmappedFlaws(plan: RecoveryPlanSpec, facts: Facts, route: Route, id: string, ports: Port[]): Flaw[] {
  const after = facts.networks.get(networkAfter(plan, id, route));
  if (!after || reaches(after, route.toSiteId, facts.externalSites)) return [];
  const flaw = notThere(`body.networkMap.${id}`, after, route.toSiteId, facts.externalSites);
  const names = [...new Set(ports.map(({ vm }) => vm.name))];
  const some = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ' ...' : ''}`;
  return [{ ...flaw, message: `${flaw.message}; ${ports.length} NICs of ${names.length} VMs are on it (${some})` }];
}

const notThere = (location: string, network: Network, siteId: string, sites: Facts['externalSites']): Flaw => ({
  location,
  message: `network ${network.name} (${network.id}) does not reach site ${siteId}: its external network is at ${sites.get(network.externalNetworkId ?? '')?.join(', ') || 'no site'}`,
  fix: `map it to a network that reaches ${siteId}`,
});

/** An address is wished in the network of the map: what stays in its own network keeps its own address. */
function nicFlaws({ ipMap, networkMap }: RecoveryPlanSpec, ports: Port[], { back }: Route): Flaw[] {
  const known = new Map(ports.map(({ nic }) => [nic.id, nic.networkId]));
  return Object.keys(ipMap ?? {}).flatMap((id): Flaw[] => {
    const location = `body.ipMap.${id}`;
    const networkId = known.get(id);
    if (networkId === undefined)
      return [{ location, message: `${id} is no NIC of the VMs of the plan`, fix: 'name NICs of its VMs only' }];
    if (back || (networkMap && Object.hasOwn(networkMap, networkId))) return [];
    const fix = 'map its network, or leave its address out';
    return [{ location, message: `${id} stays in network ${networkId}, and keeps its address`, fix }];
  });
}

/** Whether all NICs that come to a network find an address there. */
function addressFlaws(plan: RecoveryPlanSpec, facts: Facts, route: Route, id: string, ports: Port[]): Flaw[] {
  const network = facts.networks.get(id);
  if (!network) return [];
  const range = usableRange(network.cidr);
  const taken = facts.taken.get(spaceOf(network)) ?? new Map<number, string>();
  const wished = new Map<number, string>();
  const flaws: Flaw[] = [];
  for (const { vm, nic } of ports) {
    const ip = addressAfter(plan, nic.id, route);
    if (ip === undefined) continue;
    const location = `body.ipMap.${nic.id}`;
    const n = ipToNumber(ip);
    const holder = taken.get(n);
    const twin = wished.get(n);
    if (n < range.first || n > range.last)
      flaws.push({
        location,
        message: `${ip} is not among the usable addresses ${numberToIp(range.first)} to ${numberToIp(range.last)} of ${network.name}`,
        fix: 'choose one of them',
      });
    else if (twin !== undefined)
      flaws.push({ location, message: `${ip} is given to ${twin} too`, fix: 'give each NIC an address of its own' });
    else if (holder !== undefined && holder !== vm.id)
      flaws.push({ location, message: `${ip} is taken in ${network.name}`, fix: 'choose a free address, or none' });
    wished.set(n, nic.id);
  }
  // What stays in its network keeps its address.
  const newcomers = ports.filter(({ nic }) => nic.networkId !== id && addressAfter(plan, nic.id, route) === undefined);
  const used = new Set([...taken.keys(), ...wished.keys()]);
  const free = freeAddresses(range, used, newcomers.length).length;
  if (free < newcomers.length)
    flaws.push({
      location: `body.networkMap.${newcomers[0]?.nic.networkId}`,
      message: `${newcomers.length} NICs come to ${network.name} (${network.cidr}), which has ${free} free addresses`,
      fix: `choose a network with ${newcomers.length - free} more free addresses, or release some`,
    });
  return flaws;
}
