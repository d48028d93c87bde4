import type { Cluster, Host } from '../model/inventory.ts';
import type { HostSettings } from './port.ts';

/** What the agent of a host is to be told. The version grows with each change of either. */
export const settingsOf = (
  host: Pick<Host, 'id' | 'swap'>,
  cluster: Pick<Cluster, 'overcommit' | 'vcpuRatioPercent' | 'version'>,
): HostSettings => ({
  hostId: host.id,
  version: cluster.version + (host.swap?.version ?? 0),
  overcommit: cluster.overcommit,
  vcpuRatioPercent: cluster.vcpuRatioPercent,
  swapMiB: host.swap?.sizeMiB ?? 0,
});
