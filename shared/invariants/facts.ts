import type { Execution } from '../model/execution.ts';
import type { Alarm, Incident, RecoveryPart } from '../model/incident.ts';
import type { Cluster, Datastore, Host, Link, Site } from '../model/inventory.ts';
import type { Network, Vpc } from '../model/network.ts';
import type { Operation } from '../model/operation.ts';
import type { Placeholders } from '../model/placeholder.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import type { RecoveryPlan } from '../model/recovery-plan.ts';
import type { Vdc } from '../model/vdc.ts';
import type { Vm } from '../model/vm.ts';

/** All that the control plane believes. */
export interface Belief {
  sites: Site[];
  clusters: Cluster[];
  hosts: Host[];
  datastores: Datastore[];
  links: Link[];
  vdcs: Vdc[];
  vpcs: Vpc[];
  networks: Network[];
  vms: Vm[];
  claims: { space: string; ip: string; vmId: string }[];
  alarms: Alarm[];
  incidents: Incident[];
  recoveries: RecoveryPart[];
  groups: ProtectedGroup[];
  plans: RecoveryPlan[];
  executions: Execution[];
  /** What recovery plans keep for their VMs. */
  placeholders: Placeholders[];
  operations: Operation[];
}

/** What stands in the sites: the truth in tests, what the agents report on a live system. */
export interface Seen {
  processes: { vmId: string; hostId: string; epoch: number; state: 'starting' | 'running' | 'crashed' | 'dead' }[];
  /** Hosts that could be asked: on the others nothing is known to run or not to run. */
  answered: string[];
  /** Leases of the volumes, where they can be seen. */
  volumes?: { id: string; vmId: string; leaseEpoch: number; siteId?: string }[];
  /** Copies of protected groups, and which of them a guest can write to. */
  copies?: { groupId: string; siteId: string; epoch: number; writes: boolean }[];
}

export interface Facts {
  belief: Belief;
  seen: Seen;
  /** Cloud time, ms. */
  now: number;
}

/** A checker: how many things it looked at, and a sentence for each that breaks the invariant. */
export interface Invariant {
  id: string;
  check(facts: Facts): { checked: number; violations: string[] };
}
