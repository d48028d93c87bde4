import type { ConfigureResult, HostSettings, NetworkShape, ReconfigureOrder } from '../../hypervisor/port.ts';
import { Transaction } from '../../store/transaction.ts';
import { endOf } from '../process.ts';
import { type WorldHost, worldKeys } from '../records.ts';
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

export async function configureHosts(site: Site, orders: HostSettings[]): Promise<ConfigureResult[]> {
  const { world, clock } = site;
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
    results.push({ id: hostId, outcome: await newest(() => settle(site, hostId, settings)) });
  }
  return results;
}

/** What it does when isolated is kept with the instant of each change: what it did before stays done. */
async function settle({ world, clock }: Site, hostId: string, settings: Omit<HostSettings, 'hostId'>): Promise<void> {
  for (;;) {
    const there = await world.host(hostId);
    const told = there?.isolation ?? [];
    const response = settings.isolationResponse;
    const changed = (told.at(-1)?.response ?? 'leaveOn') !== response;
    try {
      await world.store.update(
        worldKeys.host(hostId),
        {
          set: { settings, ...(changed ? { isolation: [...told, { at: clock.now(), response }] } : {}) },
          condition: `(attribute_not_exists(#settings) OR #settings.#version <= :version) AND ${
            told.length > 0 ? 'size(#isolation) = :told' : 'attribute_not_exists(#isolation)'
          }`,
          names: { '#settings': 'settings', '#version': 'version', '#isolation': 'isolation' },
          values: { ':version': settings.version, ...(told.length > 0 ? { ':told': told.length } : {}) },
          onFail: (found) => {
            const newer = (found as WorldHost | undefined)?.settings?.version ?? 0;
            return newer > settings.version ? new Refusal('newer settings stand there') : new Overtaken();
          },
        },
        'world',
      );
      return;
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
    }
  }
}

class Overtaken extends Error {}

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
