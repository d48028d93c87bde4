import type { AuditEntry } from '../model/audit.ts';

/** A fact that others may want to know. Stored in the outbox within the transaction that made it true. */
export interface DomainEvent<D = Record<string, unknown>> {
  id: string;
  type: EventType;
  at: number;
  tenantId?: string;
  subject: string;
  data: D;
  /** What the audit trail says of the call that caused it; absent when a workflow did. */
  audit?: AuditEntry;
}

/** Every type of event, and what it says. Consumers dedupe on `id`: delivery is at least once and unordered. */
export const EVENT_TYPES = {
  'tenant.created': 'a tenant was created',
  'vdc.created': 'a VDC was created for a tenant',
  'vdc.changed': 'a quota or the sites of a VDC changed',
  'vpc.created': 'a VPC was created',
  'vpc.changed': 'a VPC was renamed',
  'vpc.deleted': 'a VPC was deleted',
  'network.created': 'a network was created',
  'network.changed': 'the shaping of a network changed',
  'network.deleted': 'a network was deleted',
  'vm.changed': 'the settings of a VM changed',
  'vm.running': 'a VM was seen running',
  'vm.stopped': 'a VM was seen stopped',
  'vm.deleted': 'a VM and its volumes are gone',
  'vm.failed': 'a VM could not be made or started',
  'vm.migrated': 'a VM runs on another host; it was not stopped for it',
  'vm.converted': 'a VM of another platform became one of FusionCompute',
  'vm.disk-grown': 'a disk of a VM is larger',
  'vm.volumes-moved': 'volumes of a VM stand on other datastores',
  'vm.guest-failed': 'the guest of a VM crashed or hung, and is restarted',
  'vm.recovered': 'a VM was seen running after its host or its guest failed',
  'vm.recovery-asked': 'the recovery of a VM that was given up was asked for once more',
  'host.suspect': 'a host misses its heartbeats',
  'host.fenced': 'a host surely runs nothing any more',
  'host.online': 'a host serves',
  'host.maintenance': 'a host is empty and takes no VMs',
  'host.fence-confirmed': 'a person confirmed that a host which is being fenced runs nothing',
  'cluster.disarmed': 'high availability of a cluster was put out of force for planned work',
  'cluster.armed': 'high availability of a cluster was put in force again',
  'alarm.raised': 'a condition needs attention',
  'alarm.cleared': 'a condition is over',
  'incident.closed': 'every VM of an incident is accounted for',
  'group.changed': 'a protected group was renamed',
  'group.protected': 'the copies of a protected group are complete',
  'group.error': 'a protected group is not kept up to date',
  'group.unprotected': 'a protected group was dissolved; its copies are gone',
  'group.went-alone': 'the guests of a synchronous group go on although its copy cannot be reached',
  'group.former-demoted': 'a former primary has come back, and writes no more',
  'group.former-abandoned': 'a former primary that nobody hears is waited for no longer',
  'group.divergence-discarded': 'the writes that only a former primary has were given up',
  'plan.waits': 'an execution of a recovery plan waits for a person, or for a program that was called',
  'plan.executed': 'an execution of a recovery plan has ended',
  'estate.loaded': 'sites, clusters and hosts were added',
  'plan.created': 'a recovery plan was made',
  'plan.changed': 'a recovery plan was changed',
  'plan.deleted': 'a recovery plan was deleted, with the records of its executions',
  'plan.overridden': 'a switch was begun without a successful test of its plan, for a reason',
  'site.switched': 'all recovery plans of a site were executed, or as many as could be',
  'execution.resumed': 'a person let an execution go on that had paused, or answered its call',
  'operation.cancelled': 'an operation is being cancelled: it is undone, unless that comes too late',
  'simulation.changed': 'a fault, a workload or the clock of the simulated world was changed',
} as const;
export type EventType = keyof typeof EVENT_TYPES;
