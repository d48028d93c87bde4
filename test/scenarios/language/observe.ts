import type { Belief } from '../../../shared/invariants/facts.ts';
import type { Incident } from '../../../shared/model/incident.ts';
import { isFinal } from '../../../shared/model/operation.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import { recoveryPicture } from './dr/observe.ts';
import type { Names } from './names.ts';
import { natural } from './words.ts';

/** What kind of thing happened: the first word of a golden's line. */
export type Word = 'does' | 'world' | 'believed' | 'incident' | 'alarm' | 'ended';

/** Something that happened to somebody. Equal words about several at one time are folded into one line. */
export interface Happening {
  word: Word;
  subject: string;
  /** What it is about, before the subject: `stop-vm of` web-1. */
  lead?: string;
  text: string;
}

/** A VM as it is believed, in few words. */
export function vmWords(vm: Vm, names: Names): string {
  const host = vm.hostId === null ? '' : ` on ${names.of(vm.hostId)} #${vm.epoch}`;
  const to = vm.migration ? `, to ${names.of(vm.migration.seat.hostId)}` : '';
  const waits = vm.hostId === null && vm.state !== 'stopped' ? ' without a host' : '';
  return `${vm.state}${host}${waits}${to}`;
}

/** Whose incident it is: of hosts that failed together, or of one guest. */
const incidentSubject = ({ guest, hostIds }: Incident, names: Names): string =>
  guest ? `guest of ${names.of(guest.id)}` : hostIds.map((id) => names.of(id)).join(' + ');

/** What is believed, as sentences by thing: the difference of two of these is what happened between. */
export interface Picture {
  hosts: Map<string, string>;
  vms: Map<string, string>;
  /** Protected groups and recovery plans. */
  recovery: Map<string, string>;
  alarms: Map<string, { subject: string; code: string; severity: string }>;
  incidents: Map<string, { subject: string; state: Incident['state'] }>;
  ended: Map<string, Happening>;
}

/** Settings are told to hosts all the time; that it went well is not worth a line. */
const QUIET_KINDS = new Set(['configure']);

export function pictureOf(belief: Belief, names: Names): Picture {
  const byName = <T extends { id: string }>(things: readonly T[]) =>
    [...things].sort((a, b) => natural(names.of(a.id), names.of(b.id)));
  for (const incident of belief.incidents) names.call(incident.id, incidentSubject(incident, names));
  const recovery = recoveryPicture(belief, names);
  return {
    recovery,
    hosts: new Map(byName(belief.hosts).map((h) => [names.of(h.id), h.state])),
    vms: new Map(byName(belief.vms).map((vm) => [names.of(vm.id), vmWords(vm, names)])),
    alarms: new Map(
      belief.alarms
        .filter((a) => a.state === 'active')
        .map((a) => [`${a.code} ${a.object}`, { subject: names.of(a.object), code: a.code, severity: a.severity }]),
    ),
    incidents: new Map(belief.incidents.map((i) => [i.id, { subject: incidentSubject(i, names), state: i.state }])),
    ended: new Map(
      belief.operations
        .filter((o) => isFinal(o.state) && !(QUIET_KINDS.has(o.kind) && o.state === 'success'))
        .map((o) => [
          o.id,
          {
            word: 'ended',
            lead: `${o.kind} of `,
            subject: names.in(o.target),
            text: o.state === 'success' ? 'well' : `${o.state}${o.error ? `: ${o.error.code}` : ''}`,
          },
        ]),
    ),
  };
}

function* changes(before: Map<string, string>, after: Map<string, string>): Iterable<[string, string]> {
  for (const [name, words] of after) {
    const was = before.get(name);
    if (was !== words) yield [name, was === undefined ? words : `${was} -> ${words}`];
  }
  for (const [name, words] of before) if (!after.has(name)) yield [name, `${words} -> gone`];
}

const ENDS: Record<Incident['state'], string> = { open: 'opened', closed: 'closed', falseAlarm: 'was a false alarm' };

/** What happened between two pictures. Pure. */
export function difference(before: Picture, after: Picture): Happening[] {
  const out: Happening[] = [];
  for (const [subject, text] of changes(before.hosts, after.hosts)) out.push({ word: 'believed', subject, text });
  for (const [id, { subject, state }] of after.incidents) {
    const was = before.incidents.get(id);
    if (!was) out.push({ word: 'incident', subject, text: state === 'open' ? 'opened' : `opened, and ${ENDS[state]}` });
    else if (was.subject !== subject)
      out.push({ word: 'incident', subject: was.subject, text: `is now of ${subject}` });
    if (state !== 'open' && was && was.state !== state) out.push({ word: 'incident', subject, text: ENDS[state] });
  }
  for (const [subject, text] of changes(before.vms, after.vms)) out.push({ word: 'believed', subject, text });
  for (const [subject, text] of changes(before.recovery, after.recovery)) out.push({ word: 'believed', subject, text });
  for (const [key, { subject, code, severity }] of after.alarms)
    if (!before.alarms.has(key)) out.push({ word: 'alarm', lead: `${code} of `, subject, text: `raised, ${severity}` });
  for (const [key, { subject, code }] of before.alarms)
    if (!after.alarms.has(key)) out.push({ word: 'alarm', lead: `${code} of `, subject, text: 'cleared' });
  for (const [id, happening] of after.ended) if (!before.ended.has(id)) out.push(happening);
  // Things of one word in the order of their names; what happened to hosts comes first.
  return out
    .map((h, i) => ({ h, rank: RANKS.findIndex((r) => r(h, before, after)), i }))
    .sort((a, b) => a.rank - b.rank || natural(a.h.subject, b.h.subject) || a.i - b.i)
    .map(({ h }) => h);
}

const RANKS: readonly ((h: Happening, before: Picture, after: Picture) => boolean)[] = [
  ({ word, subject }, _, after) => word === 'believed' && after.hosts.has(subject),
  ({ word }) => word === 'incident',
  ({ word }) => word === 'believed',
  ({ word }) => word === 'alarm',
  () => true,
];
