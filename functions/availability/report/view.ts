import { iso } from '../../../shared/kernel/clock.ts';
import { secondsOf } from './phases.ts';
import type { Report } from './report.ts';
import type { Recovered } from './rto.ts';

/** VMs of a group that are named; `count` says how many there are. */
const NAMED = 100;

/** What the API shows of a report; which of its VMs, one by one, is the caller's page. */
export const reportView = ({ incident, ...report }: Report) => ({
  id: incident.id,
  summary: report.summary,
  state: incident.state,
  vms: report.vms,
  movedInTime: report.movedInTime,
  timeline: report.chain.map(({ at, lastAt, ...link }) => ({
    at: iso(at),
    ...link,
    ...(lastAt === undefined ? {} : { lastAt: iso(lastAt) }),
  })),
  ...(report.rto ? { rto: report.rto } : {}),
  priorities: report.priorities,
  phases: report.phases,
  notRecovered: report.left.map(({ outcome, reason, vms }) => ({
    outcome,
    reason,
    count: vms.length,
    vmIds: vms.slice(0, NAMED).map((vm) => vm.id),
  })),
  hostsBack: incident.hosts.flatMap(({ id, name, backAt, killed = 0, refusedWrites = 0 }) =>
    backAt === undefined ? [] : [{ id, name, backAt: iso(backAt), killed, refusedWrites }],
  ),
});

export const recoveredView = ({ vm, phases, total }: Recovered) => ({
  id: vm.id,
  ...(vm.name ? { name: vm.name } : {}),
  ...(vm.priority ? { restartPriority: vm.priority } : {}),
  fromHost: vm.fromHost,
  ...(vm.toHost ? { toHost: vm.toHost } : {}),
  ...(vm.tried ? { tried: vm.tried } : {}),
  totalSeconds: total,
  phases: phases.map((p) => ({ phase: p.phase, startedAt: iso(p.from), endedAt: iso(p.to), seconds: secondsOf(p) })),
});
