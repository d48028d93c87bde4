import { demandOf } from '../../hypervisor/demand.ts';
import { type FunctionHold, takeFunctions } from '../../hypervisor/io/devices.ts';
import type { Machine } from '../../hypervisor/machine.ts';
import type { StartOrder, StartResult } from '../../hypervisor/port.ts';
import { type Amounts, minus, plus } from '../../model/amounts.ts';
import { Transaction } from '../../store/transaction.ts';
import { clearExtent, sessionOf } from '../extents.ts';
import { endOf, readyTime } from '../process.ts';
import { type WorldHost, type WorldProcess, worldKeys } from '../records.ts';
import { replicationKeys, type WorldCopy } from '../replication/records.ts';
import { agentReachable, type HostTimeline, within } from '../timeline.ts';
import type { World } from '../world.ts';
import { Refusal, type Site } from './common.ts';
import { freeOn, lacking } from './room.ts';

/** A host as one call finds it; what the call's starts take is taken out of `free`. */
interface Ground {
  host: WorldHost;
  line: HostTimeline;
  free: Amounts;
}

export async function startVms(site: Site, orders: StartOrder[]): Promise<StartResult[]> {
  const { world, clock } = site;
  const lines = await world.timelines(
    orders.map((o) => o.hostId),
    await world.faults(),
  );
  const grounds = new Map<string, Ground>();
  const results: StartResult[] = [];
  for (const order of orders) {
    const { vmId, hostId } = order;
    const line = lines.get(hostId);
    const now = clock.now();
    if (!line || !agentReachable(line, now)) {
      results.push({ vmId, hostId, outcome: 'unreachable' });
      continue;
    }
    const host = grounds.get(hostId)?.host ?? ((await world.host(hostId)) as WorldHost);
    const ground = grounds.get(hostId) ?? { host, line, free: await freeOn(world, host, line, now, vmId) };
    grounds.set(hostId, ground);
    results.push({ vmId, hostId, ...(await startOne(site, order, ground, now)) });
  }
  return results;
}

async function startOne(
  { world }: Site,
  order: StartOrder,
  ground: Ground,
  now: number,
): Promise<Omit<StartResult, 'vmId' | 'hostId'>> {
  const { host, line } = ground;
  const before = await world.process(order.hostId, order.vmId);
  if (before && before.epoch === order.epoch) return { outcome: 'already', readyAt: before.readyAt };
  if (before && before.epoch > order.epoch)
    return { outcome: 'refused', reason: `a newer order (epoch ${before.epoch}) came first` };
  const replaced = before?.machine && endOf(before, line, now) === undefined ? demandOf(before.machine) : undefined;
  const free = replaced ? plus(ground.free, replaced) : ground.free;
  const demand = demandOf(order.machine);
  const short = lacking(order.hostId, free, demand);
  if (short) return { outcome: 'refused', reason: short };
  if (within(line.storageLost, now))
    return { outcome: 'refused', reason: `host ${order.hostId} does not reach its storage` };
  const functions = await functionsFor(world, order, ground, now);
  if (typeof functions === 'string') return { outcome: 'refused', reason: functions };
  const readyAt = readyTime(order.vmId, order.epoch, Math.max(now, order.after ?? 0));
  const process: WorldProcess = {
    kind: 'process',
    vmId: order.vmId,
    hostId: order.hostId,
    siteId: host.siteId,
    epoch: order.epoch,
    startedAt: now,
    readyAt,
    machine: order.machine,
    version: order.version,
    ...(functions.length > 0 ? { functions } : {}),
  };
  const tx = new Transaction().put(worldKeys.process(order.hostId, order.vmId), process, {
    table: 'world',
    condition: 'attribute_not_exists(pk) OR epoch < :epoch',
    values: { ':epoch': order.epoch },
    onFail: () => new Refusal('a newer order came first'),
  });
  tx.delete(worldKeys.incoming(order.hostId, order.vmId), { table: 'world' });
  try {
    await mustBePrimary(tx, world, order.vmId, host.siteId);
    const to = { epoch: order.epoch, hostId: order.hostId, siteId: host.siteId };
    const former = await sessionsOf(world, order, host.siteId);
    grantVolumes(tx, order.vmId, order.machine, to, former);
    await world.store.commit(tx);
    for (const { id, session, left = session } of former)
      for (const over of new Set([session, left])) await clearExtent(world.store, sessionOf(id, over));
  } catch (error) {
    if (error instanceof Refusal) return { outcome: 'refused', reason: error.message };
    throw error;
  }
  ground.free = minus(free, demand);
  return { outcome: 'started', readyAt };
}

/** DR-7: of what is copied to this site nothing runs until the copy has the right to write, and holds the VM's disks. */
async function mustBePrimary(tx: Transaction, world: World, vmId: string, siteId: string): Promise<void> {
  const here = (await world.volumesOf(vmId)).filter((v) => v.siteId === siteId);
  for (const group of new Set(here.flatMap((v) => v.group ?? []))) {
    const copy = await world.store.get<WorldCopy>(replicationKeys.copy(group, siteId), { table: 'world' });
    const part = [...(copy?.volumes ?? []), ...(copy?.leaving ?? [])];
    if (copy?.role === 'primary' && here.some((v) => v.group === group && !part.some((p) => p.id === v.id)))
      throw new Refusal(`its disks had not been copied to ${siteId} at the point that the group was promoted at`);
    tx.check(
      replicationKeys.copy(group, siteId),
      'attribute_not_exists(pk) OR #role = :primary',
      () => new Refusal(`its disks at ${siteId} are a copy that was not given the right to write`),
      { ':primary': 'primary' },
      'world',
      { '#role': 'role' },
    );
  }
}

/** Functions of the host's cards for the VM's passthrough devices (IO-3), or why there are none. */
async function functionsFor(
  world: World,
  { vmId, machine }: StartOrder,
  { host, line }: Ground,
  now: number,
): Promise<FunctionHold[] | string> {
  const { nicFunctions: nic = 0, diskFunctions: disk = 0 } = demandOf(machine);
  if (nic + disk === 0) return [];
  const alive = (await world.processesOn(host.id)).filter((p) => p.vmId !== vmId && endOf(p, line, now) === undefined);
  const taken = alive.flatMap((p) => p.functions ?? []);
  const { holds, refusals } = takeFunctions(host.devices ?? [], taken, { vmId, nic, disk });
  return refusals[0]?.reason ?? holds;
}

/** What was written to disks that are not persistent since the start before: with this start it is gone. */
async function sessionsOf(world: World, { vmId, machine }: StartOrder, siteId: string): Promise<FormerSession[]> {
  if (!machine.disks.some((d) => d.persistent === false)) return [];
  const volumes = (await world.volumesOf(vmId)).filter((v) => v.siteId === siteId);
  return volumes.flatMap(({ id, name, session, formerSession: left }) =>
    session === undefined ? [] : [{ id, name, session, ...(left === undefined ? {} : { left }) }],
  );
}
interface FormerSession {
  id: string;
  name: string;
  session: number;
  /** One before it, which may not be cleared yet. */
  left?: number;
}

/** Gives the right to write every disk of the VM to a new epoch, which must be higher than any before. */
export function grantVolumes(
  tx: Transaction,
  vmId: string,
  machine: Pick<Machine, 'disks'>,
  to: { epoch: number; hostId: string; siteId: string },
  /** Of a start, unlike an arrival: sessions of disks that are not persistent end with it. */
  former?: readonly FormerSession[],
): void {
  for (const { name, persistent } of machine.disks) {
    const before = former?.find((f) => f.name === name)?.session;
    const anew = former && persistent === false ? { session: to.epoch } : {};
    tx.update(
      worldKeys.volume(to.siteId, vmId, name),
      {
        set: {
          leaseEpoch: to.epoch,
          leaseHost: to.hostId,
          ...anew,
          ...(before === undefined ? {} : { formerSession: before }),
        },
        condition: 'attribute_exists(pk) AND #leaseEpoch < :mine',
        values: { ':mine': to.epoch },
        onFail: (found) =>
          new Refusal(found ? `volume ${name} is leased to epoch ${found.leaseEpoch}` : `there is no volume ${name}`),
      },
      'world',
    );
  }
}
