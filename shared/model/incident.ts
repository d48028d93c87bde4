/** A fault and what was done about it; the causal timeline of a recovery (MON-8, HA-22). */
export interface Incident {
  id: string;
  /** `guest`: of one VM alone, whose host serves. Else of a host, with all its VMs. */
  kind?: 'guest';
  /** The VM of a guest's incident. */
  vmId?: string;
  hostId: string;
  siteId: string;
  state: 'open' | 'closed' | 'falseAlarm';
  openedAt: number;
  closedAt?: number;
  timeline: IncidentLine[];
  vms: IncidentVm[];
  version: number;
}
/** What tries that end alike have in common stands there once, with how often it was so and when last. */
export interface IncidentLine {
  at: number;
  what: string;
  detail?: string;
  times?: number;
  lastAt?: number;
}
export interface IncidentVm {
  id: string;
  tenantId: string;
  outcome: 'recovering' | 'recovered' | 'stopped' | 'waiting' | 'failed';
  fromHost: string;
  toHost?: string;
  readyAt?: number;
  /** From the last sign of life of the old host to ready on the new one, seconds. */
  rtoSeconds?: number;
  reason?: string;
}

/** S9, in brief: one active alarm per code and object (MON-4). */
export interface Alarm {
  id: string;
  code: string;
  object: string;
  severity: 'critical' | 'major' | 'minor' | 'warning';
  state: 'active' | 'cleared';
  text: string;
  raisedAt: number;
  clearedAt?: number;
}
