import type { Incident, Tally } from '../../../shared/model/incident.ts';
import { about, counted, subjectOf } from './words.ts';

/** An incident in one line, from itself alone: `2 hosts of rack r1: 14 VMs recovered in 35 to 41 s, 1 waits`. */
export const summaryOf = (incident: Incident): string => `${subjectOf(incident)}: ${outcomeOf(incident)}`;

function outcomeOf(incident: Incident): string {
  if (incident.guest) return guestOutcome(incident);
  if (incident.state === 'falseAlarm') return 'false alarm, nothing was done';
  const fenced = incident.hosts.length > 0 && incident.hosts.every((h) => h.fencedAt !== undefined);
  if (!incident.tally || (incident.state === 'open' && empty(incident.tally)))
    return incident.claim === undefined
      ? 'nothing is restarted'
      : fenced
        ? 'VMs are being recovered'
        : 'being judged and fenced';
  return empty(incident.tally) ? 'no VM was concerned' : tallyWords(incident.tally);
}

function guestOutcome({ guest, state }: Incident): string {
  if (state === 'falseAlarm') return 'it went on by itself, nothing was done';
  if (state === 'open') return 'it is being restarted';
  if (guest?.outcome === 'recovered') return `restarted${lasted(guest.rtoSeconds, guest.rtoSeconds)}`;
  return guest?.outcome === 'error' ? 'given up' : (guest?.reason ?? 'taken over');
}

const empty = ({ vms }: Tally): boolean => Object.values(vms).every((n) => n === 0);

function tallyWords({ vms, fastestSeconds, slowestSeconds }: Tally): string {
  const { recovered = 0, waiting = 0, recovering = 0, error = 0, stopped = 0, handedOver = 0 } = vms;
  const open = waiting + recovering;
  const said = [
    recovered > 0 ? `${counted(recovered, 'VM')} recovered${lasted(fastestSeconds, slowestSeconds)}` : '',
    open > 0 ? `${open} ${open === 1 ? 'waits' : 'wait'}` : '',
    error > 0 ? `${error} given up` : '',
    stopped > 0 ? `${stopped} not to be restarted` : '',
    handedOver > 0 ? `${handedOver} taken over by others` : '',
  ].filter((words) => words !== '');
  const [first = '', ...rest] = said;
  const withNoun = recovered > 0 ? first : first.replace(/^\d+/, (n) => counted(Number(n), 'VM'));
  return [withNoun, ...rest].join(', ');
}

/** VMs that had moved away in time took none. */
function lasted(fastest: number | undefined, slowest: number | undefined): string {
  if (fastest === undefined || slowest === undefined) return '';
  const [low, high] = [about(fastest), about(slowest)];
  return low === high ? ` in ${low} s` : ` in ${low} to ${high} s`;
}
