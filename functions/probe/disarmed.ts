import { iso } from '../../shared/kernel/clock.ts';
import { armed } from '../../shared/model/ha.ts';
import type { Cluster } from '../../shared/model/inventory.ts';

export const DISARMED_ALARM = 'ha-disarmed';

export interface DisarmedFinding {
  clusterId: string;
  raised: boolean;
  text: string;
}

/** Whether HA of each cluster is out of force now. Pure. */
export const disarmedFindings = (clusters: readonly Cluster[], now: number): DisarmedFinding[] =>
  clusters.map((cluster) => ({
    clusterId: cluster.id,
    raised: !armed(cluster, now),
    text: `HA of cluster ${cluster.name} is disarmed ${
      cluster.disarmed?.until === undefined ? 'until it is armed by hand' : `until ${iso(cluster.disarmed.until)}`
    }: ${cluster.disarmed?.reason ?? ''}. Its hosts are watched; nothing is fenced or restarted`,
  }));
