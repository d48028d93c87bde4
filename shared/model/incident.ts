import type { RestartPriority } from './ha.ts';

/**
 * A fault and what was done about it (MON-8, HA-22). Hosts of one cluster that fail together are one incident, and one
 * execution at a time works on it (`claim`). What became of its VMs stands in parts, a tenant's VMs in parts of its own.
 */
export interface Incident {
  id: string;
  /** `guest`: of one VM alone, whose host serves. Else of hosts, with all their VMs. */
  kind?: 'guest';
  /** Of a guest's incident: what became of its VM. */
  guest?: IncidentVm;
  siteId: string;
  clusterId: string;
  hosts: IncidentHost[];
  /** Their ids, to be searched for. */
  hostIds: string[];
  state: 'open' | 'closed' | 'falseAlarm';
  openedAt: number;
  closedAt?: number;
  /** The operation that works on it now. */
  claim?: string;
  /** Set by whoever leaves work for the next pass. */
  due?: true;
  /** VMs that wait for a place, or whose start was not seen to its end. */
  waiting: number;
  /** When the last pass ended, ms. */
  triedAt?: number;
  /** What its VMs came to, when a pass ended last. */
  tally?: Tally;
  timeline: IncidentLine[];
  parts: PartRef[];
  /** The incident that these hosts were split off from, since their fence takes longer. */
  splitFrom?: string;
  version: number;
}

export interface IncidentHost {
  id: string;
  name: string;
  rack?: string;
  /** Last sign of life on either channel, ms. */
  lastSignAt: number;
  /** Since when what it ran served nobody, as its signs said when it was judged, ms; not before its last sign of life. */
  faultAt?: number;
  /** When the fault was noticed for which it was judged dead, and when that was decided, ms. */
  detectedAt?: number;
  assessedAt?: number;
  /** What was found when it was judged, in words of the field. */
  found?: string;
  fencedAt?: number;
  fencedBy?: string;
  /** When it served again, with how many stale processes killed and how many of their writes refused. */
  backAt?: number;
  killed?: number;
  refusedWrites?: number;
}

/** What tries that end alike have in common stands there once, with how often it was so and when last. */
export interface IncidentLine {
  at: number;
  what: string;
  detail?: string;
  times?: number;
  lastAt?: number;
}

/** Where VMs of an incident stand: part `n` of that tenant. */
export interface PartRef {
  tenantId: string;
  n: number;
}

/**
 * What became of up to PART_SIZE VMs of one tenant. That a VM was seen running is written here for all of them at once,
 * and read with the VM (see `Vm.recovery`): a recovery of many VMs writes each of them once.
 */
export interface RecoveryPart extends PartRef {
  incidentId: string;
  vms: Record<string, IncidentVm>;
  version: number;
}
/** VMs in a part; an entry takes some 300 bytes, an item of DynamoDB at most 400 KB. */
export const PART_SIZE = 200;

/**
 * `recovering`: it has a place, and was not yet seen running there. `waiting`: it has none. `stopped`: it rests on purpose.
 * `error`: every try that was allowed has failed (HA-17). `handedOver`: something else took it over, which `reason` names.
 */
export const OUTCOMES = ['recovering', 'recovered', 'waiting', 'stopped', 'error', 'handedOver'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface IncidentVm {
  id: string;
  outcome: Outcome;
  /** Name and restart priority of the VM, as they were. */
  name?: string;
  priority?: RestartPriority;
  /** It wants to go back to the host that it came from. */
  failBack?: true;
  fromHost: string;
  toHost?: string;
  /** Epoch with which it runs at `toHost`. */
  epoch?: number;
  /** Start orders on `toHost` so far. */
  starts?: number;
  /** The last start on `toHost` failed, and surely runs nothing. */
  failed?: true;
  /** That host refused it: nothing is gained by asking it again. */
  refused?: true;
  /** Hosts that were given up, oldest first. */
  tried?: string[];
  /** Since when it has found no room, ms; kept when it has found some. */
  waitsSince?: number;
  plannedAt?: number;
  startedAt?: number;
  readyAt?: number;
  /** From the fault of the old host, mostly its last sign of life, to ready on the new one, seconds. */
  rtoSeconds?: number;
  reason?: string;
  /** Code of the alarm that is active for it. */
  alarm?: string;
  /** Another incident had it before, and may have raised an alarm that is this one's to clear now. */
  inherited?: true;
  /** The incident that has taken it over, with its alarm. */
  takenBy?: string;
  /**
   * What stood here before it was decided anew about a VM that is found by this alone. It holds as long as the VM is where
   * it was: then what was decided has not been done.
   */
  was?: Omit<IncidentVm, 'was'>;
}

/** How many VMs of an incident came to what, and how long those took that run again, seconds. */
export interface Tally {
  vms: Partial<Record<Outcome, number>>;
  fastestSeconds?: number;
  slowestSeconds?: number;
}

/** Counts what became of VMs. Pure. */
export function tallyOf(entries: readonly Pick<IncidentVm, 'outcome' | 'rtoSeconds'>[]): Tally {
  const tally: Tally = { vms: {} };
  for (const { outcome, rtoSeconds } of entries) {
    tally.vms[outcome] = (tally.vms[outcome] ?? 0) + 1;
    if (outcome !== 'recovered' || rtoSeconds === undefined) continue;
    tally.fastestSeconds = Math.min(tally.fastestSeconds ?? rtoSeconds, rtoSeconds);
    tally.slowestSeconds = Math.max(tally.slowestSeconds ?? rtoSeconds, rtoSeconds);
  }
  return tally;
}

/** When the fault of a host began of which its VMs are recovered, ms. */
export const faultOf = (host: IncidentHost): number => host.faultAt ?? host.lastSignAt;

/** An alarm as it is asked for. */
export type AlarmText = Pick<Alarm, 'code' | 'object' | 'severity' | 'text'>;

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
