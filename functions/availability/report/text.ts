import type { IncidentHost } from '../../../shared/model/incident.ts';
import type { Link } from './chain.ts';
import type { Left } from './left.ts';
import { secondsOf } from './phases.ts';
import type { Report } from './report.ts';
import type { Recovered, Spread } from './rto.ts';
import { clockTime, counted, named, tenths } from './words.ts';

/** VMs that are told one by one, the slowest; the answer as JSON has them all. */
const TOLD = 20;

/** The report as a text to be read by whoever is called at night. Times are UTC. Pure. */
export function textOf(report: Report): string {
  const { incident, chain } = report;
  const since = chain[0]?.at ?? incident.openedAt;
  const blocks = [
    [
      `${report.summary}.`,
      `Incident ${incident.id} (${incident.state}) in cluster ${incident.clusterId}, site ${incident.siteId}, ${clockTime(since, 0)} UTC.`,
    ],
    block(
      'What happened',
      chain.map((link) => linkLine(link, since)),
    ),
    block(
      'Hosts that came back',
      incident.hosts.flatMap((host) => backLine(host, since)),
    ),
    block('How long it took, in seconds from the fault to ready', spreadLines(report)),
    block('VMs that do not run again by this incident', report.left.map(leftLine)),
    block(
      vmsTitle(report),
      report.recovered.slice(0, TOLD).map((r) => vmLine(r)),
    ),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const block = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];

function linkLine({ at, link, what, effect, times, lastAt }: Link, since: number): string {
  const again = times ? ` (${counted(times, 'time')}, the last at ${clockTime(lastAt ?? at, since)})` : '';
  const head = link === 'note' ? '' : link;
  return `${clockTime(at, since)}  ${head.padEnd(9)}  ${what}${again}${effect ? ` -> ${effect}` : ''}`;
}

function backLine({ name, backAt, killed = 0, refusedWrites = 0 }: IncidentHost, since: number): string[] {
  if (backAt === undefined) return [];
  const stale = `${counted(killed, 'stale process', 'stale processes')} killed, ${counted(refusedWrites, 'write')} of them refused`;
  return [`${name} at ${clockTime(backAt, since)}: ${stale}`];
}

function spreadLines({ rto, phases, priorities, movedInTime }: Report): string[] {
  const moved = movedInTime > 0 ? [`${counted(movedInTime, 'VM')} had moved away in time`] : [];
  if (!rto) return moved;
  const row = (name: string, s: Spread) =>
    [
      name.padEnd(16),
      ...[s.vms, s.fastestSeconds, s.medianSeconds, s.slowestSeconds].map((n) => tenths(n).padStart(9)),
    ].join('');
  return [
    ['of'.padEnd(16), ...['VMs', 'fastest', 'median', 'slowest'].map((word) => word.padStart(9))].join(''),
    ...phases.map((p) => row(`- ${p.phase}`, p)),
    row('all', rto),
    ...(priorities.length > 1 ? priorities.map((p) => row(`priority ${p.priority}`, p)) : []),
    ...moved,
  ];
}

const OUTCOME_WORDS: Record<Left['outcome'], string> = {
  error: 'given up',
  waiting: 'waiting',
  recovering: 'being started',
  stopped: 'not restarted',
  handedOver: 'taken over',
  recovered: 'recovered',
};

const leftLine = ({ outcome, reason, vms }: Left): string =>
  `${vms.length} ${OUTCOME_WORDS[outcome]}: ${reason} (${named(vms.map((vm) => vm.name ?? vm.id))})`;

const vmsTitle = ({ recovered }: Report): string =>
  recovered.length > TOLD ? `The ${TOLD} slowest of ${recovered.length} VMs` : 'VM by VM';

function vmLine({ vm, phases, total }: Recovered): string {
  const parts = phases.map((p) => `${p.phase} ${tenths(secondsOf(p))}`).join(' + ');
  const ways = [vm.fromHost, vm.toHost ?? ''].filter((id) => id !== '');
  const way = [...new Set(ways)].join(' -> ');
  const tried = vm.tried?.length ? `; starts failed on ${named(vm.tried)}` : '';
  return `${vm.name ?? vm.id}  ${way}  ${tenths(total)} = ${parts}${tried}`;
}
