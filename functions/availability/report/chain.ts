import { SECOND } from '../../../shared/kernel/clock.ts';
import { faultOf, type Incident, type IncidentLine } from '../../../shared/model/incident.ts';
import type { Recovered } from './rto.ts';
import { counted, hostWords, named, tenths } from './words.ts';

/** What a link of the chain is; `note`: what happened beside it. */
const LINKS = ['fault', 'detection', 'decision', 'fence', 'plan', 'start', 'ready', 'return', 'note'] as const;
export type LinkKind = (typeof LINKS)[number];

/** One link: what happened, and what followed from it. */
export interface Link {
  /** ms */
  at: number;
  link: LinkKind;
  what: string;
  effect?: string;
  times?: number;
  lastAt?: number;
}

interface Reading {
  link: LinkKind;
  says(line: IncidentLine, incident: Incident): Pick<Link, 'what' | 'effect'>;
}

const own = ({ what, detail }: IncidentLine): string => (detail ? `${what}: ${detail}` : what);
const since = ({ at }: IncidentLine, before: number): string => tenths((at - before) / SECOND);

/** How the lines of a timeline are read; a line that is not among them is a note. */
const READINGS: Record<string, Reading> = {
  'heartbeats missed': {
    link: 'detection',
    says: (line, { hosts, timeline }) => ({
      what: `the probe missed the heartbeats of ${hosts.length > 0 ? hostWords(hosts) : 'the hosts'}, ${since(line, timeline[0]?.at ?? line.at)} s after the last one`,
      effect: 'the other signs are asked before anything is done',
    }),
  },
  'second channel asked': {
    link: 'decision',
    says: (line, { hosts }) => ({
      what: line.detail ?? 'the other signs were asked',
      ...(hosts.some((h) => h.assessedAt === line.at)
        ? { effect: 'its VMs are to start elsewhere, once it surely runs nothing' }
        : {}),
    }),
  },
  'fence waits for the lease': {
    link: 'fence',
    says: (line) => ({ what: line.detail ?? line.what, effect: 'nothing starts elsewhere before: it might run twice' }),
  },
  'fence confirmed': {
    link: 'fence',
    says: (line) => ({
      what: line.detail ?? line.what,
      effect: 'nothing of it runs any more: its VMs may start elsewhere',
    }),
  },
  planned: { link: 'plan', says: (line) => ({ what: line.detail ?? line.what }) },
  placed: {
    link: 'plan',
    says: (line) => ({
      what: `placed ${line.detail ?? ''}`.trim(),
      effect: 'what remains of the old process cannot write',
    }),
  },
  started: {
    link: 'start',
    says: (line) => ({ what: line.detail ? `${line.detail} by the hosts` : 'the start order was taken' }),
  },
  'start refused': { link: 'start', says: (line) => ({ what: own(line), effect: 'it is tried again' }) },
  'start failed': { link: 'start', says: (line) => ({ what: own(line), effect: 'it is tried again' }) },
  stopped: {
    link: 'fence',
    says: (line) => ({ what: `its process was stopped, ${line.detail ?? ''}`, effect: 'it may start again' }),
  },
  detected: { link: 'detection', says: (line) => ({ what: line.detail ?? 'it was noticed' }) },
  'guest crashed': { link: 'fault', says: () => ({ what: 'its guest crashed; its host is well' }) },
  'guest hung': { link: 'fault', says: () => ({ what: 'its guest hung: its driver fell silent; its host is well' }) },
};

/**
 * The causal timeline of an incident (HA-22): fault, detection, decision, fence, plan, start, ready, and what happened beside
 * it, in order of time. That a VM was ready is told of the first and of the last one.
 */
export function chainOf(incident: Incident, recovered: readonly Recovered[]): Link[] {
  const links = incident.timeline
    .filter((line) => line.what !== 'last heartbeat' && line.what !== 'ready')
    .map((line) => linkOf(line, incident));
  return [...faultsOf(incident), ...links, ...readyOf(recovered, incident)]
    .map((link, i) => ({ link, i }))
    .sort((a, b) => a.link.at - b.link.at || order(a.link) - order(b.link) || a.i - b.i)
    .map(({ link }) => link);
}

/** At one instant the cause stands before its effect; a note stays where it was written. */
const order = ({ link }: Link): number => (link === 'ready' ? 1 : 0);

function linkOf(line: IncidentLine, incident: Incident): Link {
  const more = { ...(line.times ? { times: line.times } : {}), ...(line.lastAt ? { lastAt: line.lastAt } : {}) };
  if (line.what.endsWith(' serves again')) return { at: line.at, link: 'return', what: own(line) };
  const reading = READINGS[line.what];
  if (!reading) return { at: line.at, link: 'note', what: own(line), ...more };
  return { at: line.at, link: reading.link, ...reading.says(line, incident), ...more };
}

/** Hosts whose fault began at one instant are told together. */
function faultsOf({ kind, hosts }: Incident): Link[] {
  if (kind === 'guest') return [];
  return [...Map.groupBy(hosts, faultOf)].map(([at, some]): Link => {
    const names = named(some.map((h) => h.name));
    const silent = some.some((h) => h.faultAt === undefined || h.faultAt >= h.lastSignAt);
    const what = silent ? `last sign of life of ${names}` : `what ran on ${names} served nobody any more`;
    return { at, link: 'fault', what };
  });
}

function readyOf(recovered: readonly Recovered[], { guest }: Incident): Link[] {
  const byTime = [...recovered].sort((a, b) => (a.vm.readyAt as number) - (b.vm.readyAt as number));
  const [first, last] = [byTime[0], byTime.at(-1)];
  if (!first || !last) return [];
  const link = ({ vm, total }: Recovered, words: string): Link => ({
    at: vm.readyAt as number,
    link: 'ready',
    what: `${words} serves again, ${tenths(total)} s after its fault`,
  });
  if (guest || byTime.length === 1) return [link(first, `VM ${first.vm.name ?? first.vm.id}`)];
  return [
    link(first, `the first VM, ${first.vm.name ?? first.vm.id},`),
    link(last, `the last of ${counted(byTime.length, 'VM')}, ${last.vm.name ?? last.vm.id},`),
  ];
}
