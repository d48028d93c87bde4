import { demandOf } from '../../hypervisor/demand.ts';
import { hostCapacity, promisedExtra } from '../../hypervisor/host-capacity.ts';
import { type Amounts, changed, minus, nothing, plus, sumOf } from '../../model/amounts.ts';
import { endOf } from '../process.ts';
import type { WorldHost, WorldIncoming } from '../records.ts';
import type { HostTimeline } from '../timeline.ts';
import type { World } from '../world.ts';

/**
 * What stands free on a host in truth: what it has, less what its processes and incoming migrations hold; without the
 * copy of the VM `except`, which is about to be started there anew.
 */
export async function freeOn(
  world: World,
  host: WorldHost,
  line: HostTimeline,
  now: number,
  except?: string,
): Promise<Amounts> {
  const [processes, incoming] = await Promise.all([world.processesOn(host.id), awaited(world, host.id, now)]);
  const held = [
    ...processes.flatMap((p) => (p.machine && endOf(p, line, now) === undefined ? [demandOf(p.machine)] : [])),
    // What was copied to a host that has failed since is lost, and held no longer.
    ...incoming
      .filter((i) => i.vmId !== except && !line.kills.some((kill) => kill >= i.at && kill <= now))
      .map((i) => demandOf(i.machine)),
  ];
  const capacity = hostCapacity(host, true);
  const extra = host.settings && promisedExtra(capacity, host.settings);
  const promised = { ...nothing(), memoryMiB: extra?.overcommitMiB ?? 0, vcpus: extra?.overcommitVcpus ?? 0 };
  return minus(plus(capacity, promised), sumOf(held));
}

/** Copies that may still arrive: those whose source lives, and is on its way to here. */
async function awaited(world: World, hostId: string, now: number): Promise<WorldIncoming[]> {
  const all = await world.incomingAt(hostId);
  if (all.length === 0) return [];
  const lines = await world.timelines(
    all.map((i) => i.from),
    await world.faults(),
  );
  const waiting: WorldIncoming[] = [];
  for (const copy of all) {
    const [source, line] = [await world.process(copy.from, copy.vmId), lines.get(copy.from)];
    if (source && line && source.migration?.epoch === copy.epoch && endOf(source, line, now) === undefined)
      waiting.push(copy);
  }
  return waiting;
}

/** What is missing for a demand, in words, or undefined when it fits. */
export function lacking(hostId: string, free: Amounts, demand: Amounts): string | undefined {
  const short = changed(demand).filter(([d, n]) => n > (free[d] ?? 0));
  if (short.length === 0) return undefined;
  return `host ${hostId} has no room: ${short.map(([d, n]) => `${n} ${d} needed, ${free[d] ?? 0} free`).join(', ')}`;
}
