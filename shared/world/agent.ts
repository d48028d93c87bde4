import { virtualisationDomain } from '../hypervisor/cpu/capacity.ts';
import type {
  FenceResult,
  Heartbeat,
  HypervisorPort,
  Observation,
  ProcessRef,
  SeenProcess,
  StartOrder,
  StartResult,
  StopOrder,
  StopResult,
  VolumeOrder,
  VolumeResult,
} from '../hypervisor/port.ts';
import type { Clock } from '../kernel/clock.ts';
import type { HostHardware } from '../model/inventory.ts';
import { Transaction } from '../store/transaction.ts';
import { endOf, processState, readyTime } from './process.ts';
import { type WorldHost, type WorldProcess, type WorldVolume, worldKeys } from './records.ts';
import { agentReachable, type HostTimeline, hostTimeline, lastHeartbeat, powerAt, within } from './timeline.ts';
import type { World } from './world.ts';

/** A write lost a race or came too late. The order has no effect. */
class Refusal extends Error {}

/** The site's manager and its agents (VRM and CNA), played over the World table. */
export class SimulatedSite implements HypervisorPort {
  private readonly world: World;
  private readonly clock: Clock;

  constructor(world: World, clock: Clock) {
    this.world = world;
    this.clock = clock;
  }

  async commission(_siteId: string, hosts: HostHardware[]): Promise<void> {
    const now = this.clock.now();
    const known = new Set((await this.world.hostsById(hosts.map((h) => h.id))).map((h) => h.id));
    for (const hardware of hosts) {
      if (known.has(hardware.id)) continue;
      const host: WorldHost = { ...hardware, kind: 'host', commissionedAt: now, bmc: [] };
      await this.world.store.put(worldKeys.host(host.id), host, 'world');
    }
  }

  async heartbeats(siteId: string): Promise<Heartbeat[]> {
    const now = this.clock.now();
    const [hosts, faults] = await Promise.all([this.world.hosts(), this.world.faults()]);
    return hosts
      .filter((h) => h.siteId === siteId)
      .map((host) => {
        const t = hostTimeline(host, faults);
        return {
          hostId: host.id,
          managementAt: lastHeartbeat(t, 'management', host, now),
          storageAt: lastHeartbeat(t, 'storage', host, now),
          power: within(t.bmcLost, now) ? 'unknown' : powerAt(t, now),
        };
      });
  }

  async createVolumes(siteId: string, orders: VolumeOrder[]): Promise<VolumeResult[]> {
    const tx = (v: VolumeOrder) =>
      new Transaction().put(
        worldKeys.volume(v.vmId, v.name),
        { ...v, kind: 'volume', siteId, leaseEpoch: 0, sequence: 0, refused: 0 } satisfies WorldVolume,
        {
          table: 'world',
          condition: 'attribute_not_exists(pk) OR id = :id',
          values: { ':id': v.id },
          onFail: () => new Refusal('another volume stands there'),
        },
      );
    return each<VolumeOrder, VolumeResult>(
      orders,
      async (v) => {
        const there = await this.world.volume(v.vmId, v.name);
        if (there?.id !== v.id) await this.world.store.commit(tx(v));
        return { id: v.id, ok: true };
      },
      (v, reason) => ({ id: v.id, ok: false, reason }),
    );
  }

  async deleteVolumes(_siteId: string, orders: Pick<VolumeOrder, 'id' | 'vmId' | 'name'>[]): Promise<VolumeResult[]> {
    return each<Pick<VolumeOrder, 'id' | 'vmId' | 'name'>, VolumeResult>(
      orders,
      async (v) => {
        const blocks = await this.world.store.queryAll<{ pk: string; sk: string }>(`VOL#${v.id}`, 'world', {
          consistent: true,
          projection: ['sk'],
        });
        for (let i = 0; i < blocks.length; i += 100) {
          const tx = new Transaction();
          for (const b of blocks.slice(i, i + 100)) tx.delete({ pk: `VOL#${v.id}`, sk: b.sk }, { table: 'world' });
          await this.world.store.commit(tx);
        }
        await this.world.store.commit(new Transaction().delete(worldKeys.volume(v.vmId, v.name), { table: 'world' }));
        return { id: v.id, ok: true };
      },
      (v, reason) => ({ id: v.id, ok: false, reason }),
    );
  }

  async startVms(_siteId: string, orders: StartOrder[]): Promise<StartResult[]> {
    const faults = await this.world.faults();
    const lines = await this.world.timelines(
      orders.map((o) => o.hostId),
      faults,
    );
    const used = new Map<string, { vcpus: number; memoryMiB: number }>();
    const results: StartResult[] = [];
    for (const order of orders) {
      const ref = { vmId: order.vmId, hostId: order.hostId };
      const line = lines.get(order.hostId);
      const now = this.clock.now();
      if (!line || !agentReachable(line, now)) {
        results.push({ ...ref, outcome: 'unreachable' });
        continue;
      }
      if (!used.has(order.hostId)) used.set(order.hostId, await this.inUse(order.hostId, line, now));
      results.push(
        await this.startOne(order, line, now, used.get(order.hostId) as { vcpus: number; memoryMiB: number }),
      );
    }
    return results;
  }

  private async startOne(
    order: StartOrder,
    line: HostTimeline,
    now: number,
    used: { vcpus: number; memoryMiB: number },
  ): Promise<StartResult> {
    const ref = { vmId: order.vmId, hostId: order.hostId };
    const [host, before] = await Promise.all([
      this.world.host(order.hostId),
      this.world.process(order.hostId, order.vmId),
    ]);
    if (before && before.epoch === order.epoch) return { ...ref, outcome: 'already', readyAt: before.readyAt };
    if (before && before.epoch > order.epoch)
      return { ...ref, outcome: 'refused', reason: `a newer order (epoch ${before.epoch}) came first` };
    const room = virtualisationDomain(host as WorldHost);
    const replaced = before && endOf(before, line, now) === undefined ? before : { vcpus: 0, memoryMiB: 0 };
    const vcpus = used.vcpus - replaced.vcpus + order.vcpus;
    const memoryMiB = used.memoryMiB - replaced.memoryMiB + order.memoryMiB;
    if (vcpus > room.vcpus || memoryMiB > room.memoryMiB) {
      return {
        ...ref,
        outcome: 'refused',
        reason: `host ${order.hostId} has no room: ${vcpus} of ${room.vcpus} vCPUs, ${memoryMiB} of ${room.memoryMiB} MiB`,
      };
    }
    if (within(line.storageLost, now))
      return { ...ref, outcome: 'refused', reason: `host ${order.hostId} does not reach its storage` };
    const readyAt = readyTime(order.vmId, order.epoch, now);
    const process: WorldProcess = {
      kind: 'process',
      vmId: order.vmId,
      hostId: order.hostId,
      siteId: (host as WorldHost).siteId,
      epoch: order.epoch,
      startedAt: now,
      readyAt,
      vcpus: order.vcpus,
      memoryMiB: order.memoryMiB,
    };
    const tx = new Transaction().put(worldKeys.process(order.hostId, order.vmId), process, {
      table: 'world',
      condition: 'attribute_not_exists(pk) OR epoch < :epoch',
      values: { ':epoch': order.epoch },
      onFail: () => new Refusal('a newer order came first'),
    });
    for (const name of order.volumes) {
      tx.update(
        worldKeys.volume(order.vmId, name),
        {
          set: { leaseEpoch: order.epoch, leaseHost: order.hostId },
          condition: 'attribute_exists(pk) AND #leaseEpoch < :mine',
          values: { ':mine': order.epoch },
          onFail: (found) =>
            new Refusal(found ? `volume ${name} is leased to epoch ${found.leaseEpoch}` : `there is no volume ${name}`),
        },
        'world',
      );
    }
    try {
      await this.world.store.commit(tx);
    } catch (error) {
      if (error instanceof Refusal) return { ...ref, outcome: 'refused', reason: error.message };
      throw error;
    }
    used.vcpus = vcpus;
    used.memoryMiB = memoryMiB;
    return { ...ref, outcome: 'started', readyAt };
  }

  private async inUse(hostId: string, line: HostTimeline, now: number) {
    const alive = (await this.world.processesOn(hostId)).filter((p) => endOf(p, line, now) === undefined);
    return { vcpus: alive.reduce((n, p) => n + p.vcpus, 0), memoryMiB: alive.reduce((n, p) => n + p.memoryMiB, 0) };
  }

  async stopVms(_siteId: string, orders: StopOrder[]): Promise<StopResult[]> {
    const now = this.clock.now();
    const lines = await this.world.timelines(
      orders.map((o) => o.hostId),
      await this.world.faults(),
    );
    const results: StopResult[] = [];
    for (const { vmId, hostId, epoch } of orders) {
      const line = lines.get(hostId);
      if (!line || !agentReachable(line, now)) results.push({ vmId, hostId, outcome: 'unreachable' });
      else results.push({ vmId, hostId, outcome: await this.stopOne(vmId, hostId, epoch, line, now) });
    }
    return results;
  }

  private async stopOne(
    vmId: string,
    hostId: string,
    epoch: number,
    line: HostTimeline,
    now: number,
  ): Promise<StopResult['outcome']> {
    const there = await this.world.process(hostId, vmId);
    if (there && there.epoch > epoch) return 'newer';
    if (there && endOf(there, line, now) !== undefined) return 'stopped';
    try {
      // The record is written even when no process stands there, so that a late start of this epoch is refused.
      const tomb: WorldProcess = there
        ? { ...there, stoppedAt: now }
        : {
            kind: 'process',
            vmId,
            hostId,
            siteId: '',
            epoch,
            startedAt: now,
            readyAt: now,
            stoppedAt: now,
            vcpus: 0,
            memoryMiB: 0,
          };
      await this.world.store.commit(
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

  async inspectVms(_siteId: string, queries: ProcessRef[]): Promise<Observation[]> {
    const now = this.clock.now();
    const faults = await this.world.faults();
    const lines = await this.world.timelines(
      queries.map((q) => q.hostId),
      faults,
    );
    const found = await this.world.store.getMany<WorldProcess>(
      queries.map((q) => worldKeys.process(q.hostId, q.vmId)),
      'world',
    );
    const byRef = new Map(found.map((p) => [`${p.hostId}/${p.vmId}`, p]));
    return queries.map(({ vmId, hostId }) => {
      const line = lines.get(hostId);
      if (!line || !agentReachable(line, now)) return { vmId, hostId, state: 'unreachable' };
      const process = byRef.get(`${hostId}/${vmId}`);
      return process
        ? { vmId, hostId, state: processState(process, line, faults, now), epoch: process.epoch }
        : { vmId, hostId, state: 'absent' };
    });
  }

  async listProcesses(_siteId: string, hostIds: string[]): Promise<{ hostId: string; processes: SeenProcess[] }[]> {
    const now = this.clock.now();
    const faults = await this.world.faults();
    const lines = await this.world.timelines(hostIds, faults);
    const out: { hostId: string; processes: SeenProcess[] }[] = [];
    for (const [hostId, line] of lines) {
      if (!agentReachable(line, now)) continue;
      const processes = (await this.world.processesOn(hostId)).map((p) => ({
        vmId: p.vmId,
        epoch: p.epoch,
        state: processState(p, line, faults, now),
      }));
      out.push({ hostId, processes: processes.filter((p) => p.state !== 'dead') });
    }
    return out;
  }

  fenceHosts(_siteId: string, hostIds: string[]): Promise<FenceResult[]> {
    return this.orderPower(hostIds, 'off');
  }

  powerOnHosts(_siteId: string, hostIds: string[]): Promise<FenceResult[]> {
    return this.orderPower(hostIds, 'on');
  }

  private async orderPower(hostIds: string[], power: 'on' | 'off'): Promise<FenceResult[]> {
    const now = this.clock.now();
    const lines = await this.world.timelines(hostIds, await this.world.faults());
    const results: FenceResult[] = [];
    for (const hostId of hostIds) {
      const line = lines.get(hostId);
      if (!line || within(line.bmcLost, now)) {
        results.push({ hostId, outcome: 'unreachable' });
        continue;
      }
      const host = (await this.world.host(hostId)) as WorldHost;
      const last = host.bmc[host.bmc.length - 1];
      // Repeating an order that already holds changes nothing.
      if ((last?.power ?? 'on') !== power) {
        const bmc = [...host.bmc, { at: now, power }];
        await this.world.store.update(
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
}

/** Each order by itself: a refusal of one does not stop the others. */
async function each<O, R>(
  orders: O[],
  act: (order: O) => Promise<R>,
  refused: (order: O, reason: string) => R,
): Promise<R[]> {
  const results: R[] = [];
  for (const order of orders) {
    try {
      results.push(await act(order));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      results.push(refused(order, error.message));
    }
  }
  return results;
}
