import type { Seen } from '../../../shared/invariants/facts.ts';
import type { Store } from '../../../shared/store/store.ts';
import { crashOf, endOf, guestBorn, hangOf, seenState } from '../../../shared/world/process.ts';
import type { Fault, WorldHost, WorldProcess, WorldVolume } from '../../../shared/world/records.ts';
import type { TrueCopy } from '../../../shared/world/replication/truth.ts';
import {
  agentReachable,
  type HostTimeline,
  hostTimeline,
  powerAt,
  type Span,
  within,
} from '../../../shared/world/timeline.ts';
import { World } from '../../../shared/world/world.ts';

/** What really is there. */
export interface Truth {
  hosts: WorldHost[];
  lines: Map<string, HostTimeline>;
  processes: WorldProcess[];
  volumes: WorldVolume[];
  faults: Fault[];
  /** Of protected groups, as they are at the instant that is looked at. */
  copies?: TrueCopy[];
}

export async function readTruth(store: Store): Promise<Truth> {
  const world = new World(store);
  const [hosts, processes, volumes, faults] = await Promise.all([
    world.hosts(),
    world.ofKind<WorldProcess>('process'),
    world.ofKind<WorldVolume>('volume'),
    world.faults(),
  ]);
  const lines = new Map(hosts.map((h) => [h.id, hostTimeline(h, faults)]));
  // An order to stop that came before any start leaves a record without a process.
  return { hosts, lines, processes: processes.filter((p) => p.machine !== undefined), volumes, faults };
}

/** What cuts a whole site off from its manager. */
const WAY: ReadonlySet<string> = new Set(['call-timeout', 'answer-lost', 'site-loss']);
const spanOf = ({ at, until }: Fault) => ({ from: at, to: until ?? Number.POSITIVE_INFINITY });

/** The facts that the invariants are checked against. */
export function seenAt(truth: Truth, now: number): Seen {
  const lineOf = (p: WorldProcess) => truth.lines.get(p.hostId) as HostTimeline;
  return {
    processes: truth.processes.map((p) => ({
      vmId: p.vmId,
      hostId: p.hostId,
      epoch: p.epoch,
      state: seenState(p, lineOf(p), truth.faults, now),
    })),
    answered: truth.hosts.flatMap((h) => {
      const way = truth.faults.some((f) => WAY.has(f.fault) && f.target === h.siteId && within([spanOf(f)], now));
      return !way && agentReachable(truth.lines.get(h.id) as HostTimeline, now) ? [h.id] : [];
    }),
    volumes: truth.volumes,
    ...(truth.copies ? { copies: truth.copies } : {}),
  };
}

/** One process of a VM, from its start to its end. */
export interface Life {
  vmId: string;
  hostId: string;
  siteId: string;
  epoch: number;
  from: number;
  /** When its guest serves, if it comes to that. */
  ready: number;
  to?: number;
  cause?: string;
  /** When its guest had crashed or hung. */
  troubled: readonly Span[];
}

/** A crash lasts as long as the process, a hang as long as its fault. */
const troublesOf = (process: WorldProcess, faults: readonly Fault[]): Span[] =>
  faults
    .filter((f) => f.target === process.vmId && f.at >= guestBorn(process))
    .flatMap(({ fault, at: from, until = Number.POSITIVE_INFINITY }) => {
      if (fault === 'guest-crash') return [{ from, to: Number.POSITIVE_INFINITY }];
      return fault === 'guest-hang' ? [{ from, to: until }] : [];
    });

const at = (spans: readonly { from: number }[], instant: number) => spans.some((s) => s.from === instant);

function causeOf(process: WorldProcess, line: HostTimeline, end: number): string {
  if (process.movedTo) return 'moved';
  if (!line.kills.includes(end)) return 'stopped';
  if (at(line.off, end)) return 'power off';
  // Its watchdog resets a host; one that is alone stops its VMs and stays up.
  return at(line.booting, end) ? 'watchdog' : 'isolation';
}

/**
 * Every process that there ever was. The world keeps the last one of each host; looked at often enough, none is missed.
 */
export class Lives {
  readonly all = new Map<string, Life>();

  look({ hosts, processes, lines, faults }: Truth, now: number): void {
    const siteOf = new Map(hosts.map((h) => [h.id, h.siteId]));
    for (const p of processes) {
      const key = `${p.hostId} ${p.vmId} ${p.epoch} ${p.startedAt}`;
      const line = lines.get(p.hostId) as HostTimeline;
      const end = endOf(p, line, now);
      for (const [other, life] of this.all)
        if (other !== key && life.vmId === p.vmId && life.hostId === p.hostId && life.to === undefined)
          Object.assign(life, { to: p.startedAt, cause: 'stopped' });
      const life = this.all.get(key) ?? {
        vmId: p.vmId,
        hostId: p.hostId,
        siteId: siteOf.get(p.hostId) ?? '',
        epoch: p.epoch,
        from: p.startedAt,
        ready: p.readyAt,
        troubled: [],
      };
      life.troubled = troublesOf(p, faults);
      if (end !== undefined && life.to === undefined) Object.assign(life, { to: end, cause: causeOf(p, line, end) });
      this.all.set(key, life);
    }
  }

  of(vmId: string): Life[] {
    return [...this.all.values()].filter((l) => l.vmId === vmId).sort((a, b) => a.from - b.from);
  }

  /**
   * HA-8, over all of time and not at instants alone: two lives of one VM never overlap. A protected one may still live at a
   * site that nobody can reach, where it writes no more (DR-7): that is INV-7's business, and it ends once the site is heard.
   */
  twice(isProtected: (vmId: string) => boolean = () => false): string[] {
    const out: string[] = [];
    for (const [vmId, lives] of Map.groupBy(this.all.values(), (l) => l.vmId)) {
      const sorted = lives.sort((a, b) => a.from - b.from);
      for (const [i, next] of sorted.slice(1).entries()) {
        const before = sorted[i] as Life;
        if (before.siteId !== next.siteId && isProtected(vmId)) continue;
        if (before.to === undefined || before.to > next.from)
          out.push(
            `${vmId} ran twice: on ${before.hostId} (epoch ${before.epoch}) and from ${next.from} on ${next.hostId} (epoch ${next.epoch})`,
          );
      }
    }
    return out;
  }
}

export type HostTruth = 'off' | 'booting' | 'hung' | 'serving';
const hostTruth = (line: HostTimeline, now: number): HostTruth => {
  const power = powerAt(line, now);
  if (power !== 'on') return power;
  return within(line.hung, now) ? 'hung' : 'serving';
};

/** What became of a host in (before, now], from what it was last seen as. */
export function hostChanges(
  line: HostTimeline,
  was: HostTruth | undefined,
  before: number,
  now: number,
): { at: number; is: HostTruth }[] {
  const edges = [...line.off, ...line.booting, ...line.hung].flatMap((s) => [s.from, s.to]);
  const instants = [...new Set([...edges.filter((e) => e >= before && e <= now), now])].sort((a, b) => a - b);
  const out: { at: number; is: HostTruth }[] = [];
  for (const instant of instants) {
    const is = hostTruth(line, instant);
    if (is !== (out.at(-1)?.is ?? was)) out.push({ at: instant, is });
  }
  return out;
}

export type GuestTruth = 'crashed' | 'hung' | 'works';

/** How the guest of each living process is, and since when where it is in trouble. */
export function guestsAt(
  { processes, lines, faults }: Truth,
  now: number,
): Map<string, { is: GuestTruth; at: number }> {
  return new Map(
    processes
      .filter((p) => endOf(p, lines.get(p.hostId) as HostTimeline, now) === undefined)
      .map((p) => {
        const [crash, hang] = [crashOf(p, faults, now), hangOf(p, faults, now)];
        const is = crash !== undefined ? 'crashed' : hang !== undefined ? 'hung' : 'works';
        return [`${p.vmId} ${p.hostId} ${p.epoch}`, { is, at: crash ?? hang ?? now }];
      }),
  );
}
