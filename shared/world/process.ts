import { hash32 } from '../kernel/random.ts';
import { GUEST_BOOT_MS, GUEST_BOOT_SPREAD_MS } from './constants.ts';
import type { Fault, WorldProcess, WorldVolume } from './records.ts';
import { type HostTimeline, merge, type Span, serves, within } from './timeline.ts';

export type ProcessState = 'starting' | 'running' | 'hung' | 'crashed' | 'dead';

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
  if (crashOf(process, faults, at) !== undefined) return 'crashed';
  return hangOf(process, faults, at) === undefined ? 'running' : 'hung';
}

/** What the VMM sees of it: to it a guest that hangs is one that runs. */
export function seenState(
  process: WorldProcess,
  host: HostTimeline,
  faults: readonly Fault[],
  at: number,
): Exclude<ProcessState, 'hung'> {
  const state = processState(process, host, faults, at);
  return state === 'hung' ? 'running' : state;
}

/** Since when the guest lives: what befell it elsewhere came along with its memory. */
export const guestBorn = (process: Pick<WorldProcess, 'startedAt' | 'guestSince'>): number =>
  process.guestSince ?? process.startedAt;

const faultsOf = (kind: Fault['fault'], process: WorldProcess, faults: readonly Fault[]): Fault[] =>
  faults.filter((f) => f.fault === kind && f.target === process.vmId && f.at >= guestBorn(process));

/** When the guest crashed, or undefined. That does not end with the fault, only with the process. */
export function crashOf(process: WorldProcess, faults: readonly Fault[], at: number): number | undefined {
  const crashes = faultsOf('guest-crash', process, faults).filter((f) => f.at <= at);
  return crashes.length > 0 ? Math.min(...crashes.map((f) => f.at)) : undefined;
}

/** Since when the guest stands still, or undefined. It goes on by itself when the fault ends. */
export function hangOf(process: WorldProcess, faults: readonly Fault[], at: number): number | undefined {
  const spans = faultsOf('guest-hang', process, faults).map(
    (f): Span => ({ from: f.at, to: f.until ?? Number.POSITIVE_INFINITY }),
  );
  return merge(spans).find((s) => s.from <= at && at < s.to)?.from;
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
