import { type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import type { Belief, Seen } from '../../shared/invariants/facts.ts';

/** What the sites say of their processes and of the copies of protected groups. A site or host that cannot be asked is left out, not guessed. */
export async function seenThroughPort(port: HypervisorPort, belief: Belief): Promise<Seen> {
  const processes: Seen['processes'] = [];
  const answered: string[] = [];
  const copies: NonNullable<Seen['copies']> = [];
  const groups = belief.groups.map((g) => g.id);
  for (const site of belief.sites) {
    const hosts = belief.hosts.filter((h) => h.siteId === site.id).map((h) => h.id);
    try {
      for (const { hostId, processes: found } of await port.listProcesses(site.id, hosts)) {
        answered.push(hostId);
        for (const p of found) processes.push({ vmId: p.vmId, hostId, epoch: p.epoch, state: p.state });
      }
      if (groups.length === 0) continue;
      for (const { groupId, role, epoch, writes } of await port.groupStatus(site.id, groups))
        copies.push({ groupId, siteId: site.id, epoch, writes: role === 'primary' && writes !== 'lease-over' });
    } catch (error) {
      if (!(error instanceof PortTimeout)) throw error;
    }
  }
  return { processes, answered, copies };
}
