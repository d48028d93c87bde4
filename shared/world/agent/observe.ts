import { loadOf } from '../../hypervisor/machine.ts';
import type { HostObservation } from '../../hypervisor/performance/observation.ts';
import { observe } from '../../hypervisor/performance/observe.ts';
import { NO_OVERCOMMIT } from '../../model/inventory.ts';
import { endOf, processState } from '../process.ts';
import { type WorldHost, worldKeys } from '../records.ts';
import { agentReachable } from '../timeline.ts';
import type { Site } from './common.ts';

/**
 * What the VMs of a host get now, or null while its agent cannot be asked. A guest that boots or has crashed makes no
 * load, but has its memory.
 */
export async function observeHost(
  { world, clock }: Site,
  siteId: string,
  hostId: string,
  vmIds?: string[],
): Promise<HostObservation | null> {
  const faults = await world.faults();
  const now = clock.now();
  const host = await world.host(hostId);
  const line = (await world.timelines([hostId], faults)).get(hostId);
  if (!host || host.siteId !== siteId || !line || !agentReachable(line, now)) return null;
  const processes = (await world.processesOn(hostId)).filter((p) => p.machine && endOf(p, line, now) === undefined);
  const networkIds = [...new Set(processes.flatMap((p) => p.machine?.nics.map((n) => n.networkId) ?? []))];
  const networks = await world.networks(siteId, networkIds);
  const shaping = Object.fromEntries(networks.map((n) => [n.id, n.shaping]));
  const observation = observe(
    hostOf(host),
    processes.flatMap(({ vmId: id, machine, workload, ...process }) => {
      if (!machine) return [];
      const serves = processState({ vmId: id, ...process }, line, faults, now) === 'running';
      return [{ id, machine, load: loadOf(machine, serves ? workload : { cpu: 0 }), shaping }];
    }),
  );
  if (observation.memory.state !== (host.memoryState ?? 'high'))
    await world.store.update(worldKeys.host(hostId), { set: { memoryState: observation.memory.state } }, 'world');
  return vmIds ? { ...observation, vms: observation.vms.filter((vm) => vmIds.includes(vm.vmId)) } : observation;
}

const hostOf = (host: WorldHost) => ({
  hardware: host,
  overcommit: host.settings?.overcommit ?? NO_OVERCOMMIT,
  swapMiB: host.settings?.swapMiB ?? 0,
  memoryState: host.memoryState ?? ('high' as const),
});
