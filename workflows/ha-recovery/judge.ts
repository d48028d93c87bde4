import { PortTimeout } from '../../shared/hypervisor/port.ts';
import { faultSince, type Judgement, judge, watchOf } from '../../shared/model/condition.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import type { StepDeps } from '../engine/step-table.ts';

/** `faultAt`: see `faultSince`, ms. */
export type Judged = Judgement & { armed: boolean; faultAt: number };

/** What the signs of hosts of one cluster say now, by host; undefined while their site does not answer. */
export async function judgedBy(
  siteId: string,
  hosts: readonly Host[],
  { port, store, clock }: StepDeps,
): Promise<Map<string, Judged> | undefined> {
  const [first] = hosts;
  if (!first) return new Map();
  const now = clock.now();
  const watch = watchOf(await new Inventory(store, SYSTEM).cluster(first.clusterId), now);
  try {
    const beats = new Map((await port.heartbeats(siteId)).map((b) => [b.hostId, b]));
    return new Map(
      hosts.map((host) => {
        const beat = beats.get(host.id);
        return [
          host.id,
          { ...judge(beat, host, now, watch), armed: watch.armed, faultAt: faultSince(beat, host) },
        ] as const;
      }),
    );
  } catch (error) {
    if (error instanceof PortTimeout) return undefined;
    throw error;
  }
}
