import { overcommitAlarm } from '../../shared/hypervisor/overcommit/admission.ts';
import { allocatedOf, type Cluster, type Host } from '../../shared/model/inventory.ts';

export const OVERCOMMIT_ALARM = 'memory-overcommit';

/** Whether VMs of a host have been promised so much memory that its cluster wants an alarm (OVC-5). Pure. */
export interface OvercommitFinding {
  hostId: string;
  raised: boolean;
  text: string;
}

/** For every host that is, or once was, overcommitted. */
export function overcommitFindings(clusters: readonly Cluster[], hosts: readonly Host[]): OvercommitFinding[] {
  const byId = new Map(clusters.map((c) => [c.id, c]));
  return hosts.flatMap((host) => {
    const cluster = byId.get(host.clusterId);
    if (!cluster || host.overcommitMiB === undefined) return [];
    const { memoryMiB } = allocatedOf(host);
    const { ratioPercent, raised } = overcommitAlarm(
      memoryMiB,
      host.capacity.memoryMiB,
      cluster.overcommit.alarmPercent,
    );
    const text = `VMs of host ${host.name} have ${memoryMiB} MiB, ${Math.round(ratioPercent)} % of what it has for them`;
    return [{ hostId: host.id, raised, text: `${text}; the alarm is set to ${cluster.overcommit.alarmPercent} %` }];
  });
}
