import type { SiteLease } from '../../hypervisor/replication-port.ts';
import type { Site } from '../agent/common.ts';
import { replicationKeys } from './records.ts';

/** Only ever later: words that were overtaken on their way change nothing. */
export async function renewLease({ world }: Site, siteId: string, { until, revoked }: SiteLease): Promise<void> {
  class Older extends Error {}
  try {
    await world.store.update(
      replicationKeys.lease(siteId),
      {
        set: { until, revoked },
        condition: 'attribute_not_exists(#until) OR #until <= :mine',
        names: { '#until': 'until' },
        values: { ':mine': until },
        onFail: () => new Older(),
      },
      'world',
    );
  } catch (error) {
    if (!(error instanceof Older)) throw error;
  }
}
