import type { Incident, IncidentVm } from '../../../shared/model/incident.ts';
import { chainOf, type Link } from './chain.ts';
import { type Left, leftOf } from './left.ts';
import { byPhase, byPriority, type Recovered, recoveredOf, type Spread, spreadOf } from './rto.ts';
import { summaryOf } from './summary.ts';

/** All that the report of an incident says, before it is put into a form. */
export interface Report {
  incident: Incident;
  summary: string;
  /** VMs of the incident: those that run again, those that had moved away in time, and those that are left. */
  vms: number;
  movedInTime: number;
  chain: Link[];
  /** The slowest first. */
  recovered: Recovered[];
  left: Left[];
  rto: Spread | undefined;
  priorities: ReturnType<typeof byPriority>;
  phases: ReturnType<typeof byPhase>;
}

/** The report of an incident from what is written down about it (HA-22). Pure. */
export function reportOf(incident: Incident, entries: readonly IncidentVm[]): Report {
  const recovered = recoveredOf(incident, entries);
  return {
    incident,
    summary: summaryOf(incident),
    vms: entries.length,
    movedInTime: entries.filter((vm) => vm.outcome === 'recovered').length - recovered.length,
    chain: chainOf(incident, recovered),
    recovered,
    left: leftOf(entries),
    rto: spreadOf(recovered.map((r) => r.total)),
    priorities: byPriority(recovered),
    phases: byPhase(recovered),
  };
}
