import type { GuestTrouble } from '../../hypervisor/port.ts';
import { GUEST_SILENT_MS, HEARTBEAT_MS } from '../constants.ts';
import { crashOf, endOf, hangOf } from '../process.ts';
import type { Fault, WorldProcess } from '../records.ts';
import { agentReachable, type HostTimeline } from '../timeline.ts';
import type { World } from '../world.ts';

/**
 * Guests of a site that do not work though their processes stand, by host. Only VMs with a fault on record are read:
 * while all is well this costs nothing, however many processes there are.
 */
export async function guestsInTrouble(
  world: World,
  siteId: string,
  lines: ReadonlyMap<string, HostTimeline>,
  faults: readonly Fault[],
  now: number,
): Promise<Map<string, GuestTrouble[]>> {
  const said = Math.floor(now / HEARTBEAT_MS) * HEARTBEAT_MS;
  const suspects = new Set(faults.flatMap((f) => (mayTrouble(f, said) ? [f.target] : [])));
  const found = await Promise.all(
    [...suspects].map(async (vmId): Promise<{ hostId: string; trouble: GuestTrouble }[]> => {
      // The host that its volumes were given to last: older processes of it can do nothing any more.
      const [volume] = await world.volumesOf(vmId);
      const line = lines.get(volume?.leaseHost ?? '');
      if (!volume?.leaseHost || volume.siteId !== siteId || !line || !agentReachable(line, now)) return [];
      const process = await world.process(volume.leaseHost, vmId);
      const trouble = process && troubleOf(process, line, faults, said);
      return trouble ? [{ hostId: volume.leaseHost, trouble }] : [];
    }),
  );
  const byHost = Map.groupBy(found.flat(), (f) => f.hostId);
  return new Map([...byHost].map(([hostId, list]) => [hostId, list.map((f) => f.trouble)]));
}

const mayTrouble = ({ fault, at, until = Number.POSITIVE_INFINITY }: Fault, now: number): boolean =>
  (fault === 'guest-crash' && at <= now) || (fault === 'guest-hang' && at + GUEST_SILENT_MS <= now && now < until);

/** What the host can tell of one guest. One that boots has sent no heartbeat yet, so none is missed. Pure. */
export function troubleOf(
  process: WorldProcess,
  line: HostTimeline,
  faults: readonly Fault[],
  at: number,
): GuestTrouble | undefined {
  if (!process.machine || at < process.readyAt || endOf(process, line, at) !== undefined) return undefined;
  const { vmId, epoch, readyAt } = process;
  const crash = crashOf(process, faults, at);
  if (crash !== undefined) return { vmId, epoch, state: 'crashed', since: Math.max(crash, readyAt) };
  if (process.machine.guest.pvDriver === false) return undefined;
  const hang = hangOf(process, faults, at);
  if (hang === undefined) return undefined;
  // One that arrived here while it ran has been silent since before.
  const since = process.guestSince === undefined ? Math.max(hang, readyAt) : hang;
  return at - since >= GUEST_SILENT_MS ? { vmId, epoch, state: 'hung', since } : undefined;
}
