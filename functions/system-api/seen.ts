import { type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import type { Belief, Seen } from '../../shared/invariants/facts.ts';

/** What the sites say of their processes. A site or host that cannot be asked is left out, not guessed. */
export async function seenThroughPort(port: HypervisorPort, belief: Belief): Promise<Seen> {
  const processes: Seen['processes'] = [];
  const answered: string[] = [];
  for (const site of belief.sites) {
    const hosts = belief.hosts.filter((h) => h.siteId === site.id).map((h) => h.id);
    try {
      for (const { hostId, processes: found } of await port.listProcesses(site.id, hosts)) {
        answered.push(hostId);
        for (const p of found) processes.push({ vmId: p.vmId, hostId, epoch: p.epoch, state: p.state });
      }
    } catch (error) {
      if (!(error instanceof PortTimeout)) throw error;
    }
  }
  return { processes, answered };
}
