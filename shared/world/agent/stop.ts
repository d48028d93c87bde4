import type { StopOrder, StopResult } from '../../hypervisor/port.ts';
import { Transaction } from '../../store/transaction.ts';
import { endOf } from '../process.ts';
import { type WorldProcess, worldKeys } from '../records.ts';
import { agentReachable, type HostTimeline } from '../timeline.ts';
import { Refusal, type Site } from './common.ts';

export async function stopVms(site: Site, orders: StopOrder[]): Promise<StopResult[]> {
  const { world, clock } = site;
  const now = clock.now();
  const lines = await world.timelines(
    orders.map((o) => o.hostId),
    await world.faults(),
  );
  const results: StopResult[] = [];
  for (const { vmId, hostId, epoch } of orders) {
    const line = lines.get(hostId);
    if (!line || !agentReachable(line, now)) results.push({ vmId, hostId, outcome: 'unreachable' });
    else results.push({ vmId, hostId, outcome: await stopOne(site, vmId, hostId, epoch, line, now) });
  }
  return results;
}

async function stopOne(
  { world }: Site,
  vmId: string,
  hostId: string,
  epoch: number,
  line: HostTimeline,
  now: number,
): Promise<StopResult['outcome']> {
  const there = await world.process(hostId, vmId);
  if (there && there.epoch > epoch) return 'newer';
  const ended = there && endOf(there, line, now);
  if (there?.epoch === epoch && ended !== undefined) return 'stopped';
  try {
    // The record is written even when no process of this epoch stands there, so that a late start of it is refused.
    const tomb: WorldProcess = there
      ? { ...there, epoch, stoppedAt: ended ?? now }
      : {
          kind: 'process',
          vmId,
          hostId,
          siteId: '',
          epoch,
          startedAt: now,
          readyAt: now,
          stoppedAt: now,
        };
    await world.store.commit(
      new Transaction().put(worldKeys.process(hostId, vmId), tomb, {
        table: 'world',
        condition: 'attribute_not_exists(pk) OR epoch <= :epoch',
        values: { ':epoch': epoch },
        onFail: () => new Refusal('a newer process stands there'),
      }),
    );
    return there ? 'stopped' : 'absent';
  } catch (error) {
    if (error instanceof Refusal) return 'newer';
    throw error;
  }
}
