import type { Runtime } from '../../shared/aws/runtime.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import { asTenant, SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';

/**
 * A site that was silent during a switch is heard again: what still runs there of the VMs that were switched is stopped.
 * Its hosts may have been well all the time, so that nobody else would look at them. The answer is whether all of it is.
 */
export async function stopLeftBehind(
  group: ProtectedGroup,
  siteId: string,
  { store }: Runtime,
  port: HypervisorPort,
): Promise<boolean> {
  const inventory = new Inventory(store, SYSTEM);
  const clusters = (await inventory.clusters()).filter((c) => c.siteId === siteId);
  const hosts = await inventory.hosts(clusters);
  const seen = await port.listProcesses(
    siteId,
    hosts.map((h) => h.id),
  );
  const data = new TenantData(store, asTenant(group.tenantId));
  const members = new Set(group.vms);
  const stale = [];
  for (const { hostId, processes } of seen)
    for (const { vmId, epoch } of processes.filter((p) => members.has(p.vmId))) {
      const vm = await data.find('vm', vmId);
      if (vm?.hostId !== hostId || vm.epoch !== epoch) stale.push({ vmId, hostId, epoch });
    }
  if (stale.length === 0) return true;
  const results = await port.stopVms(siteId, stale);
  // A host that cannot be asked is looked at when it returns, like any other that was away.
  return results.every((r) => r.outcome !== 'unreachable');
}
