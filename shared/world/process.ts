import { hash32 } from '../kernel/random.ts';
import { GUEST_BOOT_MS, GUEST_BOOT_SPREAD_MS } from './constants.ts';
import type { Fault, WorldProcess, WorldVolume } from './records.ts';
import { type HostTimeline, serves, within } from './timeline.ts';

export type ProcessState = 'starting' | 'running' | 'crashed' | 'dead';

/** When the process came to its end, or undefined while it lives. */
export function endOf(process: WorldProcess, host: HostTimeline, at: number): number | undefined {
  const killed = host.kills.find((kill) => kill >= process.startedAt && kill <= at);
  const stopped = process.stoppedAt !== undefined && process.stoppedAt <= at ? process.stoppedAt : undefined;
  if (killed === undefined) return stopped;
  return stopped === undefined ? killed : Math.min(killed, stopped);
}

export function processState(
  process: WorldProcess,
  host: HostTimeline,
  faults: readonly Fault[],
  at: number,
): ProcessState {
  if (endOf(process, host, at) !== undefined) return 'dead';
  if (at < process.readyAt) return 'starting';
  const crashed = faults.some(
    (f) => f.fault === 'guest-crash' && f.target === process.vmId && f.at >= process.startedAt && f.at <= at,
  );
  return crashed ? 'crashed' : 'running';
}

/** Whether the guest can issue I/O at all; whether the volume takes it depends on the epoch. */
export const guestServes = (process: WorldProcess, host: HostTimeline, faults: readonly Fault[], at: number): boolean =>
  processState(process, host, faults, at) === 'running' && serves(host, at);

export const reachesStorage = (host: HostTimeline, at: number): boolean => !within(host.storageLost, at);

/** Neither a guest nor a manager reaches what lies on it. */
export const volumeLost = (
  faults: readonly Fault[],
  volume: Pick<WorldVolume, 'id' | 'datastoreId'>,
  at: number,
): boolean =>
  within(
    faults
      .filter(
        (f) =>
          (f.fault === 'datastore-loss' && f.target === volume.datastoreId) ||
          (f.fault === 'disk-error' && f.target === volume.id),
      )
      .map((f) => ({ from: f.at, to: f.until ?? Number.POSITIVE_INFINITY })),
    at,
  );

/** A start ordered now serves from then on. The spread depends on VM and epoch alone, not on the order of calls. */
export const readyTime = (vmId: string, epoch: number, now: number): number =>
  now + GUEST_BOOT_MS + (hash32(`${vmId}/${epoch}`) % GUEST_BOOT_SPREAD_MS);
