import type { Cluster, Host } from '../model/inventory.ts';

/** A host that takes no VM but those of failed hosts (HA-13). */
export const isReserved = (cluster: Pick<Cluster, 'ha'>, hostId: string): boolean =>
  cluster.ha.failoverHosts.includes(hostId);

/** A host on which VMs may be started now. */
export const takesVms = (host: Pick<Host, 'state' | 'draining'>): boolean => host.state === 'online' && !host.draining;
