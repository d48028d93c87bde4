import { SECOND } from '../../../shared/kernel/clock.ts';
import { faultOf, type Incident, type IncidentVm } from '../../../shared/model/incident.ts';

/**
 * The way of a VM from the fault to ready (HA-22), in order. `place`: from the fence until it was decided where it goes, with
 * starts that failed before; `room`: until a host had room, of a VM that waited for it.
 */
export const PHASES = ['detect', 'decide', 'fence', 'place', 'room', 'start', 'boot'] as const;
export type PhaseName = (typeof PHASES)[number];

export interface Phase {
  phase: PhaseName;
  /** ms */
  from: number;
  to: number;
}

/** The instants at which the phases ended, as far as they are known, ms. */
type Ends = Partial<Record<PhaseName, number>> & { fault: number };

function endsOf(incident: Incident, entry: IncidentVm): Ends {
  if (incident.guest?.id === entry.id) return guestEnds(incident);
  const host = incident.hosts.find((h) => h.id === entry.fromHost);
  const { waitsSince, plannedAt, startedAt: start } = entry;
  return defined({
    // Of a VM that a person asked for there is no host that failed: it begins with the incident.
    fault: host ? faultOf(host) : incident.openedAt,
    detect: host?.detectedAt ?? incident.openedAt,
    decide: host?.assessedAt,
    fence: host?.fencedAt,
    place: waitsSince ?? plannedAt,
    room: waitsSince === undefined ? undefined : plannedAt,
    start,
  });
}

/** Of a guest the timeline has it all: the last try is the one that came through. */
function guestEnds({ timeline, openedAt }: Incident): Ends {
  const at = (what: string) => timeline.findLast((line) => line.what === what)?.at;
  return defined({
    fault: timeline[0]?.at ?? openedAt,
    detect: at('detected'),
    decide: openedAt,
    fence: timeline.find((line) => line.what === 'stopped')?.at,
    place: at('placed'),
    start: at('started'),
  });
}

const defined = <T extends object>(ends: T): Ends =>
  Object.fromEntries(Object.entries(ends).filter(([, at]) => at !== undefined)) as unknown as Ends;

/**
 * The phases of a VM that runs again; none for any other. They follow one another without a gap from the fault to ready, so
 * that their sum is the whole: a phase of which nothing was written down took no time of its own.
 */
export function phasesOf(incident: Incident, entry: IncidentVm): Phase[] {
  const { readyAt } = entry;
  if (entry.outcome !== 'recovered' || readyAt === undefined) return [];
  const ends = endsOf(incident, entry);
  const phases: Phase[] = [];
  let from = Math.min(ends.fault, readyAt);
  for (const phase of PHASES) {
    const end = phase === 'boot' ? readyAt : ends[phase];
    if (end === undefined) continue;
    const to = Math.min(Math.max(end, from), readyAt);
    phases.push({ phase, from, to });
    from = to;
  }
  return phases;
}

export const secondsOf = ({ from, to }: Pick<Phase, 'from' | 'to'>): number => (to - from) / SECOND;

/** From the fault to ready, seconds: the sum of the phases. */
export const totalOf = (phases: readonly Phase[]): number =>
  phases.length === 0 ? 0 : secondsOf({ from: (phases[0] as Phase).from, to: (phases.at(-1) as Phase).to });
