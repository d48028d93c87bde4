import { PortTimeout } from '../../../shared/hypervisor/port.ts';
import { iso } from '../../../shared/kernel/clock.ts';
import type { Cluster, Host } from '../../../shared/model/inventory.ts';
import { lastSign, leaseInForce } from '../../../shared/model/liveness.ts';
import { SYSTEM } from '../../../shared/store/context.ts';
import { Inventory } from '../../../shared/store/inventory.ts';
import { keys } from '../../../shared/store/keys.ts';
import type { StepDeps } from '../../engine/step-table.ts';
import type { Fencer } from './fencer.ts';

/** Beyond the end of a lease, ms: clocks of hosts and cloud may differ by so much. Declared. */
const LEASE_MARGIN_MS = 1_000;

/** When the host has surely stopped itself, ms: its watchdog is quicker than its lease (HA-7, worked example E1). */
const leaseEnd = (cluster: Cluster, { seenAt }: Pick<Host, 'seenAt'>): number =>
  seenAt + leaseInForce(cluster, seenAt) + LEASE_MARGIN_MS;

/** When the first lease of these hosts, of one cluster, surely runs out, ms, by the signs of life that are known. */
export async function firstLeaseEnd(siteId: string, hosts: readonly Host[], deps: StepDeps): Promise<number> {
  const cluster = await new Inventory(deps.store, SYSTEM).cluster((hosts[0] as Host).clusterId);
  return Math.min(...((await lastLives(siteId, hosts, deps)) ?? hosts).map((host) => leaseEnd(cluster, host)));
}

/**
 * Waits until the lease has surely run out, from the newest sign of life on either channel, which the host keeps. While the
 * heartbeats of its site cannot be read nothing is sure: the host may have been heard there since.
 */
export const lease: Fencer = {
  async fence(siteId, hosts, deps) {
    const cluster = await new Inventory(deps.store, SYSTEM).cluster((hosts[0] as Host).clusterId);
    const seen = await lastLives(siteId, hosts, deps);
    const now = deps.clock.now();
    return new Map(
      (seen ?? [])
        .filter((host) => now >= leaseEnd(cluster, host))
        .map((host) => [host.id, `the lease ran out: no sign of life since ${iso(host.seenAt)}`]),
    );
  },
};

/** The hosts with the newest sign of life that there is, which is remembered on them; undefined while it cannot be read. */
export async function lastLives(
  siteId: string,
  hosts: readonly Host[],
  { port, store }: StepDeps,
): Promise<Host[] | undefined> {
  let beats: Awaited<ReturnType<typeof port.heartbeats>>;
  try {
    beats = await port.heartbeats(siteId);
  } catch (error) {
    if (error instanceof PortTimeout) return undefined;
    throw error;
  }
  const byHost = new Map(beats.map((b) => [b.hostId, b]));
  return Promise.all(
    hosts.map(async (host) => {
      const seenAt = lastSign(byHost.get(host.id), host.seenAt);
      if (seenAt > host.seenAt) await store.update(keys.host(host.clusterId, host.id), { set: { seenAt } });
      return { ...host, seenAt };
    }),
  );
}
