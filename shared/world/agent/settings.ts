import type { ConfigureResult, HostSettings, NetworkShape, ReconfigureOrder } from '../../hypervisor/port.ts';
import { Transaction } from '../../store/transaction.ts';
import { endOf } from '../process.ts';
import { worldKeys } from '../records.ts';
import { agentReachable } from '../timeline.ts';
import { Refusal, type Site } from './common.ts';

/** Settings carry the version that they were made from: what comes late or twice changes nothing. */
async function newest(work: () => Promise<unknown>): Promise<'done' | 'newer'> {
  try {
    await work();
    return 'done';
  } catch (error) {
    if (error instanceof Refusal) return 'newer';
    throw error;
  }
}

export async function configureHosts({ world, clock }: Site, orders: HostSettings[]): Promise<ConfigureResult[]> {
  const lines = await world.timelines(
    orders.map((o) => o.hostId),
    await world.faults(),
  );
  const results: ConfigureResult[] = [];
  for (const { hostId, ...settings } of orders) {
    const line = lines.get(hostId);
    if (!line || !agentReachable(line, clock.now())) {
      results.push({ id: hostId, outcome: 'unreachable' });
      continue;
    }
    const outcome = await newest(() =>
      world.store.update(
        worldKeys.host(hostId),
        {
          set: { settings },
          condition: 'attribute_not_exists(#settings) OR #settings.#version <= :version',
          names: { '#settings': 'settings', '#version': 'version' },
          values: { ':version': settings.version },
          onFail: () => new Refusal('newer settings stand there'),
        },
        'world',
      ),
    );
    results.push({ id: hostId, outcome });
  }
  return results;
}

export async function reconfigureVms({ world, clock }: Site, orders: ReconfigureOrder[]): Promise<ConfigureResult[]> {
  const lines = await world.timelines(
    orders.map((o) => o.hostId),
    await world.faults(),
  );
  const results: ConfigureResult[] = [];
  for (const { vmId, hostId, epoch, version, machine } of orders) {
    const [line, now] = [lines.get(hostId), clock.now()];
    if (!line || !agentReachable(line, now)) {
      results.push({ id: vmId, outcome: 'unreachable' });
      continue;
    }
    const there = await world.process(hostId, vmId);
    if (there?.epoch !== epoch || endOf(there, line, now) !== undefined) {
      results.push({ id: vmId, outcome: 'absent' });
      continue;
    }
    const outcome = await newest(() =>
      world.store.update(
        worldKeys.process(hostId, vmId),
        {
          set: { machine, version },
          condition: '#epoch = :epoch AND #version <= :version',
          names: { '#epoch': 'epoch', '#version': 'version' },
          values: { ':epoch': epoch, ':version': version },
          onFail: () => new Refusal('a newer change came first'),
        },
        'world',
      ),
    );
    results.push({ id: vmId, outcome });
  }
  return results;
}

export async function shapeNetworks(
  { world }: Site,
  siteId: string,
  networks: NetworkShape[],
): Promise<ConfigureResult[]> {
  const results: ConfigureResult[] = [];
  for (const { id, version, shaping } of networks) {
    const tx = new Transaction().put(
      worldKeys.network(siteId, id),
      { kind: 'network', id, siteId, version, shaping },
      {
        table: 'world',
        condition: 'attribute_not_exists(pk) OR version <= :version',
        values: { ':version': version },
        onFail: () => new Refusal('a newer shaping came first'),
      },
    );
    results.push({ id, outcome: await newest(() => world.store.commit(tx)) });
  }
  return results;
}
