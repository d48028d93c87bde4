import type { Cluster, Host } from '../model/inventory.ts';
import type { HostSettings } from './port.ts';

/**
 * What the agent of a host is to be told. The version grows with each change of cluster or host; a change of the cluster
 * is told twice, first what promises as much as before and after, last what is set.
 */
export const settingsOf = (
  host: Pick<Host, 'id'> & Partial<Pick<Host, 'swap'>>,
  cluster: Pick<Cluster, 'ha' | 'overcommit' | 'vcpuRatioPercent' | 'version'>,
  turn: 'first' | 'last' = 'last',
): HostSettings => ({
  hostId: host.id,
  version: 2 * cluster.version + (turn === 'last' ? 1 : 0) + 2 * (host.swap?.version ?? 0),
  overcommit: cluster.overcommit,
  vcpuRatioPercent: cluster.vcpuRatioPercent,
  swapMiB: host.swap?.sizeMiB ?? 0,
  isolationResponse: cluster.ha.isolationResponse,
});
