import type { FenceResult } from '../../hypervisor/port.ts';
import { type WorldHost, worldKeys } from '../records.ts';
import { within } from '../timeline.ts';
import { Refusal, type Site } from './common.ts';

/** Orders the power controllers (BMC). */
export async function orderPower(
  { world, clock }: Site,
  hostIds: string[],
  power: 'on' | 'off',
): Promise<FenceResult[]> {
  const now = clock.now();
  const lines = await world.timelines(hostIds, await world.faults());
  const results: FenceResult[] = [];
  for (const hostId of hostIds) {
    const line = lines.get(hostId);
    if (!line || within(line.bmcLost, now)) {
      results.push({ hostId, outcome: 'unreachable' });
      continue;
    }
    const host = (await world.host(hostId)) as WorldHost;
    const last = host.bmc[host.bmc.length - 1];
    // Repeating an order that already holds changes nothing.
    if ((last?.power ?? 'on') !== power) {
      // No two orders are obeyed at one instant: also the shortest power cut ends what ran, and is followed by a boot.
      const bmc = [...host.bmc, { at: Math.max(now, (last?.at ?? 0) + 1), power }];
      await world.store.update(
        worldKeys.host(hostId),
        {
          set: { bmc },
          condition: 'size(#bmc) = :before',
          values: { ':before': host.bmc.length },
          onFail: () => new Refusal('another power order came first'),
        },
        'world',
      );
    }
    results.push({ hostId, outcome: 'confirmed' });
  }
  return results;
}
