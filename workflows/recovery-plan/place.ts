import { holdsOf } from '../../shared/hypervisor/demand.ts';
import { minus, nothing, plus } from '../../shared/model/amounts.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { RecoverySite, type SitePicture } from '../../shared/recovery/site.ts';
import { startWaves } from '../../shared/recovery/waves.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import type { Store } from '../../shared/store/store.ts';
import type { Case } from './case.ts';

/** The clusters, hosts and datastores of a site, as the tables have them now. */
export async function pictureOf(siteId: string, store: Store): Promise<SitePicture> {
  const inventory = new Inventory(store, SYSTEM);
  const clusters = (await inventory.clusters()).filter((c) => c.siteId === siteId);
  const [hosts, datastores] = await Promise.all([
    inventory.hosts(clusters, { consistent: true }),
    inventory.datastores(siteId),
  ]);
  return { clusters, hosts, datastores };
}

/** The site, with what VMs hold there that are about to be placed anew given back. */
export function siteWithout(
  siteId: string,
  picture: SitePicture,
  vms: readonly Vm[],
  terms: ConstructorParameters<typeof RecoverySite>[2] = {},
): RecoverySite {
  const given = new Map<string, ReturnType<typeof nothing>>();
  for (const { hostId, amounts } of vms.flatMap(holdsOf))
    given.set(hostId, plus(given.get(hostId) ?? nothing(), amounts));
  const hosts = picture.hosts.map((host) => {
    const back = given.get(host.id);
    return back ? { ...host, free: minus(host.free, minus(nothing(), back)) } : host;
  });
  return new RecoverySite(siteId, { ...picture, hosts }, terms);
}

/** VMs in the order in which they are to be given places: whoever starts first chooses first. */
export function inOrder(plan: Case['plan'], vms: readonly Vm[]): Vm[] {
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const waves = startWaves(
    plan,
    vms.map((vm) => vm.id),
  );
  return waves.flatMap((w) => w.vms.map((id) => byId.get(id) as Vm));
}

/** Where a VM that is at the site already may go: in its own cluster. */
export const ownCluster = ({ clusterId }: Vm) => ({ clusterMap: { [clusterId]: clusterId } });

export { noHost } from '../../shared/recovery/site.ts';
