import { type HypervisorPort, PortTimeout } from '../../../shared/hypervisor/port.ts';
import { invalid } from '../../../shared/kernel/errors.ts';
import { BLOCK_BYTES } from '../../../shared/kernel/units.ts';
import type { Vdc } from '../../../shared/model/vdc.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import type { Question } from '../../../shared/replication/eligibility.ts';
import { SYSTEM } from '../../../shared/store/context.ts';
import { Inventory } from '../../../shared/store/inventory.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import type { Call } from '../../http/call.ts';

const MEGA = 1e6;

/** VMs by their ids. @throws `invalid-request` naming each that is not there, or is named twice */
export async function mustFind(call: Call<unknown>, ids: readonly string[], field: string): Promise<Vm[]> {
  const data = new TenantData(call.deps.store, call.context);
  const found = await Promise.all(ids.map((id) => data.find('vm', id)));
  const flaws = ids.flatMap((id, i) => {
    const location = `body.${field}.${i}`;
    if (!found[i]) return [{ location, message: `there is no VM '${id}'`, fix: 'name VMs by their ids' }];
    if (ids.indexOf(id) !== i) return [{ location, message: 'is named twice', fix: 'name it once' }];
    return [];
  });
  if (flaws.length > 0) throw invalid(flaws);
  return found as Vm[];
}

/** What stands at the sites of a VDC. */
export async function inventoryOf(
  call: Call<unknown>,
  { sites: own }: Pick<Vdc, 'sites'>,
): Promise<Question['inventory']> {
  const inventory = new Inventory(call.deps.store, SYSTEM);
  const [sites, clusters, links, ...datastores] = await Promise.all([
    inventory.sites(),
    inventory.clusters(),
    inventory.links(),
    ...own.map((id) => inventory.datastores(id)),
  ]);
  return { sites, clusters, links, datastores: datastores.flat() };
}

/** What VMs write now, MB/s, as their hosts say. Of those that cannot be asked nothing is known, and nothing held against them. */
export async function writeRates(vms: readonly Vm[], port: HypervisorPort): Promise<Map<string, number>> {
  const rates = new Map<string, number>();
  const hosts = Map.groupBy(
    vms.filter((vm) => vm.state === 'running' && vm.hostId !== null),
    (vm) => vm.hostId as string,
  );
  await Promise.all(
    [...hosts].map(async ([hostId, there]) => {
      const siteId = there[0]?.siteId as string;
      const ids = there.map((vm) => vm.id);
      for (const vm of (await observed(port, siteId, hostId, ids))?.vms ?? [])
        rates.set(vm.vmId, (vm.disks.reduce((n, d) => n + d.granted.write, 0) * BLOCK_BYTES) / MEGA);
    }),
  );
  return rates;
}

async function observed(port: HypervisorPort, siteId: string, hostId: string, vmIds: string[]) {
  try {
    return await port.observeHost(siteId, hostId, vmIds);
  } catch (error) {
    if (error instanceof PortTimeout) return null;
    throw error;
  }
}
