import { hash32 } from '../../shared/kernel/random.ts';
import { freeAddresses, ipToNumber, macOf, numberToIp, usableRange } from '../../shared/model/addresses.ts';
import type { Network } from '../../shared/model/network.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import { addressesOf, type Nic, type NicHome, type Vm } from '../../shared/model/vm.ts';
import { spaceOf } from '../../shared/recovery/mapping.ts';
import { addressAfter, homeAt, networkAfter, type Route } from '../../shared/recovery/route.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import type { Store } from '../../shared/store/store.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import type { Transaction } from '../../shared/store/transaction.ts';
import { TryAgain } from '../engine/step-table.ts';
import { addressKey } from '../vm/records.ts';

/** What is known of the networks to which VMs are mapped, and of the addresses that are free there. */
export class AddressMap {
  private readonly networks = new Map<string, Network | undefined>();
  private readonly taken = new Map<string, Set<number>>();
  private readonly plan: RecoveryPlan;
  private readonly route: Route;

  private constructor(plan: RecoveryPlan, route: Route) {
    this.plan = plan;
    this.route = route;
  }

  /** Reads only networks that VMs change to: where a NIC stays in its network nothing is to be known. */
  static async read(plan: RecoveryPlan, route: Route, vms: readonly Vm[], store: Store): Promise<AddressMap> {
    const map = new AddressMap(plan, route);
    const data = new TenantData(store, SYSTEM);
    for (const nic of vms.flatMap((vm) => vm.nics)) {
      const after = networkAfter(plan, nic.networkId, route);
      if (homeAt(nic, route) || after === nic.networkId || map.networks.has(after)) continue;
      const network = await data.find('network', after);
      map.networks.set(after, network);
      if (!network) continue;
      const space = spaceOf(network);
      const { pk } = addressKey(network.tenantId, { spaceId: space, networkId: network.id, ip: '0.0.0.0' });
      const claims = await store.queryAll<{ sk: string }>(pk, 'control', { projection: ['sk'], consistent: true });
      map.taken.set(space, new Set(claims.map((c) => Number(c.sk))));
    }
    return map;
  }

  /**
   * The NICs of a VM at the other site (DR-3): in the network of the map, with the address that the plan wishes, else their
   * own where it is free there, else the next one. Or why there is none. What they leave stays claimed for them, and when
   * they come home they get it back, exactly.
   */
  after(vm: Pick<Vm, 'nics' | 'siteId'>): { nics: Nic[] } | { reason: string } {
    const nics: Nic[] = [];
    for (const nic of vm.nics) {
      const home = homeAt(nic, this.route);
      if (home) {
        nics.push(returned(nic, home));
        continue;
      }
      const to = networkAfter(this.plan, nic.networkId, this.route);
      if (to === nic.networkId) {
        nics.push(nic);
        continue;
      }
      const network = this.networks.get(to);
      if (!network) return { reason: `network ${to}, to which ${nic.networkId} is mapped, is not there` };
      const found = this.addressIn(network, nic);
      if (found === undefined) return { reason: `network ${network.name} (${network.cidr}) has no free address` };
      const { networkId, spaceId, mac, ip } = nic;
      nics.push({ ...found, home: nic.home ?? { siteId: vm.siteId, networkId, spaceId, mac, ip } });
    }
    return { nics };
  }

  private addressIn(network: Network, nic: Nic): Nic | undefined {
    const range = usableRange(network.cidr);
    const spaceId = spaceOf(network);
    const taken = this.taken.get(spaceId) ?? new Set<number>();
    const wished = addressAfter(this.plan, nic.id, this.route);
    const ip = [wished, nic.ip]
      .flatMap((address) => (address === undefined ? [] : [ipToNumber(address)]))
      .find((n) => n >= range.first && n <= range.last && !taken.has(n));
    const chosen = ip ?? freeAddresses(range, taken, 1)[0];
    if (chosen === undefined) return undefined;
    taken.add(chosen);
    return {
      ...nic,
      networkId: network.id,
      spaceId,
      mac: macOf(hash32(spaceId), chosen - range.base),
      ip: numberToIp(chosen),
    };
  }
}

function returned({ home: _, ...nic }: Nic, { siteId: __, ...was }: NicHome): Nic {
  return { ...nic, ...was };
}

/** Items that a change of NICs writes. */
export const addressItems = (before: readonly Nic[], after: readonly Nic[]): string[] => {
  const names = (nics: readonly Nic[]) => new Set(addressesOf(nics).map((nic) => `${nic.spaceId} ${nic.ip}`));
  const [was, is] = [names(before), names(after)];
  return [...was].filter((n) => !is.has(n)).concat([...is].filter((n) => !was.has(n)));
};

/** Claims what a VM has after, and gives back what it had only before. What waits for it at home counts with what it has. */
export function moveAddresses(
  tx: Transaction,
  vm: Pick<Vm, 'id' | 'tenantId'>,
  before: readonly Nic[],
  after: readonly Nic[],
): void {
  const [was, is] = [addressesOf(before), addressesOf(after)];
  const has = (list: typeof was, nic: (typeof was)[number]) =>
    list.some((n) => n.spaceId === nic.spaceId && n.ip === nic.ip);
  for (const nic of is)
    if (!has(was, nic))
      tx.put(
        addressKey(vm.tenantId, nic),
        { vmId: vm.id, networkId: nic.networkId },
        { ifAbsent: () => new TryAgain(`the address ${nic.ip} was taken meanwhile`) },
      );
  for (const nic of was) if (!has(is, nic)) tx.delete(addressKey(vm.tenantId, nic));
}
