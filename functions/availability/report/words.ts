import { iso } from '../../../shared/kernel/clock.ts';
import type { Incident, IncidentHost } from '../../../shared/model/incident.ts';

/** Hosts, racks and VMs that are named before it says how many more there are. */
const NAMED = 5;

export const counted = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

export const named = (names: readonly string[], most = NAMED): string =>
  names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;

/** Seconds to a tenth: no probe is finer. */
export const tenths = (seconds: number): string => String(Math.round(seconds * 10) / 10);

/** Whole seconds, as one says them. */
export const about = (seconds: number): string => String(Math.round(seconds));

const racksOf = (hosts: readonly Pick<IncidentHost, 'rack'>[]): string[] =>
  [...new Set(hosts.flatMap((h) => (h.rack ? [h.rack] : [])))].sort();

/** `host h1 of rack r1`, `2 hosts of rack r1`, `2 hosts`. */
export function hostWords(hosts: readonly Pick<IncidentHost, 'name' | 'rack'>[]): string {
  const racks = racksOf(hosts);
  const where = racks.length === 0 ? '' : ` of ${racks.length === 1 ? 'rack' : 'racks'} ${named(racks)}`;
  return `${hosts.length === 1 ? `host ${hosts[0]?.name}` : `${hosts.length} hosts`}${where}`;
}

/** What the incident is about. */
export function subjectOf({ guest, hosts, timeline }: Incident): string {
  if (guest) {
    const failed = timeline[0]?.what === 'guest hung' ? 'hung' : 'crashed';
    return `guest of VM ${guest.name ?? guest.id} ${failed}`;
  }
  return hosts.length === 0 ? 'recovery that was asked for' : hostWords(hosts);
}

/** `11:55:36.1`, with the day where that is another one than of `since`, ms. */
export function clockTime(at: number, since: number): string {
  const [day, time] = [iso(at).slice(0, 10), iso(at).slice(11, 21)];
  return day === iso(since).slice(0, 10) ? time : `${day} ${time}`;
}
