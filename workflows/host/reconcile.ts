import { settingsOf } from '../../shared/hypervisor/host-settings.ts';
import type { Host } from '../../shared/model/inventory.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { type StepDeps, TryAgain } from '../engine/step-table.ts';

/** A process is legal where the VM is believed to be, with its present epoch, and where a migration may have brought it. */
const belongs = (vm: Vm | undefined, hostId: string, epoch: number): boolean =>
  (vm?.hostId === hostId && vm.epoch === epoch) ||
  (vm?.migration?.seat.hostId === hostId && vm.migration.epoch === epoch);

/** Reads what runs on a host that was away, kills what must not, and tells its agent its settings (HA-18). */
export async function reconcileHost(
  host: Host,
  deps: StepDeps,
): Promise<{ killed: number; refusedWrites: number; lookedAt: number }> {
  const lookedAt = deps.clock.now();
  const [listed] = await deps.port.listProcesses(host.siteId, [host.id]);
  if (!listed) throw new TryAgain(`host ${host.id} cannot be asked yet`);
  const data = new TenantData(deps.store, SYSTEM);
  const stale = [];
  for (const p of listed.processes) {
    const vm = await data.find('vm', p.vmId);
    if (!belongs(vm, host.id, p.epoch)) stale.push({ vmId: p.vmId, hostId: host.id, epoch: p.epoch });
  }
  const stops = await deps.port.stopVms(host.siteId, stale);
  if (stops.some((s) => s.outcome === 'unreachable')) throw new TryAgain(`host ${host.id} went silent again`);
  // While it was away its settings may have been changed.
  const cluster = await new Inventory(deps.store, SYSTEM).cluster(host.clusterId);
  const [told] = await deps.port.configureHosts(host.siteId, [settingsOf(host, cluster)]);
  if (told?.outcome === 'unreachable') throw new TryAgain(`host ${host.id} went silent again`);
  return { killed: stale.length, refusedWrites: listed.refusedWrites, lookedAt };
}
