import type { HypervisorPort } from '../hypervisor/port.ts';
import { SYSTEM } from './context.ts';
import { Inventory } from './inventory.ts';
import type { Store } from './store.ts';

/**
 * Stops what still runs of these VMs at a site that they have left: its writes are refused, as the site has not the right to
 * write any more, but it has the addresses of those that run elsewhere. Hosts that cannot be asked are looked at when they
 * come back. Answers how many there were.
 * @throws PortTimeout when the site does not answer
 */
export async function stopStale(
  siteId: string,
  vmIds: readonly string[],
  { store, port }: { store: Store; port: Pick<HypervisorPort, 'listProcesses' | 'stopVms'> },
): Promise<number> {
  const inventory = new Inventory(store, SYSTEM);
  const hosts = await inventory.hosts((await inventory.clusters()).filter((c) => c.siteId === siteId));
  const listed = await port.listProcesses(
    siteId,
    hosts.map((h) => h.id),
  );
  const left = new Set(vmIds);
  const stale = listed.flatMap(({ hostId, processes }) =>
    processes.filter((p) => left.has(p.vmId)).map(({ vmId, epoch }) => ({ vmId, hostId, epoch })),
  );
  if (stale.length > 0) await port.stopVms(siteId, stale);
  return stale.length;
}
