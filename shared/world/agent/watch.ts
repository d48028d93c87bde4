import type { Heartbeat, Observation, ProcessRef, SeenHost } from '../../hypervisor/port.ts';
import { seenState } from '../process.ts';
import { type WorldProcess, worldKeys } from '../records.ts';
import {
  agentReachable,
  type HostTimeline,
  hostTimeline,
  lastHeartbeat,
  powerAt,
  type Span,
  serves,
  within,
} from '../timeline.ts';
import type { Site } from './common.ts';
import { guestsInTrouble } from './guests.ts';

export async function heartbeats({ world, clock }: Site, siteId: string): Promise<Heartbeat[]> {
  const now = clock.now();
  const [all, faults] = await Promise.all([world.hosts(), world.faults()]);
  const hosts = all.filter((h) => h.siteId === siteId);
  const lines = new Map(hosts.map((host) => [host.id, hostTimeline(host, faults)]));
  const troubles = await guestsInTrouble(world, siteId, lines, faults, now);
  return hosts.map((host) => {
    const t = lines.get(host.id) as HostTimeline;
    const guests = troubles.get(host.id);
    const managementAt = lastHeartbeat(t, 'management', host, now);
    const storageAt = lastHeartbeat(t, 'storage', host, now);
    // It is the heartbeat that tells since when the host is up: of a host that is silent nothing newer is known.
    const heardAt = Math.max(managementAt ?? 0, storageAt ?? 0);
    return {
      hostId: host.id,
      managementAt,
      storageAt,
      restartedAt: t.kills.findLast((kill) => kill <= heardAt) ?? null,
      power: within(t.bmcLost, now) ? 'unknown' : powerAt(t, now),
      answersPing: serves(t, now) && !within(t.networkLost, now),
      aloneSince: since(t.alone, storageAt),
      storageLostSince: since(t.storageLost, managementAt),
      ...(guests ? { guests } : {}),
    };
  });
}

/** Since when it was so, as the heartbeat of that instant said. */
const since = (spans: readonly Span[], saidAt: number | null): number | null =>
  saidAt === null ? null : (spans.find((s) => s.from <= saidAt && saidAt < s.to)?.from ?? null);

export async function inspectVms({ world, clock }: Site, queries: ProcessRef[]): Promise<Observation[]> {
  const now = clock.now();
  const faults = await world.faults();
  const lines = await world.timelines(
    queries.map((q) => q.hostId),
    faults,
  );
  const found = await world.store.getMany<WorldProcess>(
    queries.map((q) => worldKeys.process(q.hostId, q.vmId)),
    'world',
  );
  const byRef = new Map(found.map((p) => [`${p.hostId}/${p.vmId}`, p]));
  return queries.map(({ vmId, hostId }) => {
    const line = lines.get(hostId);
    if (!line || !agentReachable(line, now)) return { vmId, hostId, state: 'unreachable' };
    const process = byRef.get(`${hostId}/${vmId}`);
    return process
      ? { vmId, hostId, state: seenState(process, line, faults, now), epoch: process.epoch }
      : { vmId, hostId, state: 'absent' };
  });
}

export async function listProcesses({ world, clock }: Site, hostIds: string[]): Promise<SeenHost[]> {
  const now = clock.now();
  const faults = await world.faults();
  const lines = await world.timelines(hostIds, faults);
  const answering = [...lines].filter(([, line]) => agentReachable(line, now));
  return Promise.all(
    answering.map(async ([hostId, line]): Promise<SeenHost> => {
      const there = await world.occupantsOf(hostId);
      const processes = there.processes.map((p) => ({
        vmId: p.vmId,
        epoch: p.epoch,
        state: seenState(p, line, faults, now),
      }));
      const incoming = there.incoming.map(({ vmId, epoch }) => ({ vmId, epoch }));
      const refusedWrites = there.processes.reduce((n, p) => n + (p.refused ?? 0), 0);
      return { hostId, processes: processes.filter((p) => p.state !== 'dead'), incoming, refusedWrites };
    }),
  );
}
