import { SYSTEM_TAG, tagOfId, tagOfTenant } from '../kernel/ids.ts';
import type { Key } from './tables.ts';

/**
 * The key design. What belongs to a tenant starts with `T#<tag>#`, so that an IAM condition on the leading key can
 * guard it; everything else starts with `SYS#`.
 */
export const tenantPart = (tenantId: string, kind: string): string => `T#${tagOfTenant(tenantId)}#${kind}`;

/** The partition of a tenant-owned thing, found from its own id; undefined when the id is not one of ours. */
export function partOfId(id: string, kind: string): string | undefined {
  const tag = tagOfId(id);
  if (tag === undefined) return undefined;
  return tag === SYSTEM_TAG ? `SYS#${kind}` : `T#${tag}#${kind}`;
}

export const keys = {
  tenant: (id: string): Key => ({ pk: 'SYS#TENANT', sk: id }),
  vdc: (tenantId: string, id: string): Key => ({ pk: tenantPart(tenantId, 'VDC'), sk: id }),
  vpc: (tenantId: string, id: string): Key => ({ pk: tenantPart(tenantId, 'VPC'), sk: id }),
  network: (tenantId: string, id: string): Key => ({ pk: tenantPart(tenantId, 'NET'), sk: id }),
  vm: (tenantId: string, id: string): Key => ({ pk: tenantPart(tenantId, 'VM'), sk: id }),
  /** One claim per address of a space: a network, or an external network that several tenants join. */
  address: (tenantId: string | null, spaceId: string, ip: number): Key => ({
    pk: tenantId === null ? `SYS#IP#${spaceId}` : tenantPart(tenantId, `IP#${spaceId}`),
    sk: String(ip).padStart(10, '0'),
  }),
  /** A guard: the item exists while the name is taken. */
  name: (tenantId: string | null, scope: string, name: string): Key => ({
    pk: tenantId === null ? `SYS#NAME#${scope}` : tenantPart(tenantId, `NAME#${scope}`),
    sk: name,
  }),
  idempotency: (tenantId: string | null, hash: string): Key => ({
    pk: tenantId === null ? 'SYS#IDEM' : tenantPart(tenantId, 'IDEM'),
    sk: hash,
  }),
  site: (id: string): Key => ({ pk: 'SYS#SITE', sk: id }),
  cluster: (id: string): Key => ({ pk: 'SYS#CLUSTER', sk: id }),
  /** Hosts of one cluster lie together, so that a placement reads one partition. */
  host: (clusterId: string, id: string): Key => ({ pk: `SYS#HOST#${clusterId}`, sk: id }),
  /** Says in which cluster a host is. */
  hostRef: (id: string): Key => ({ pk: 'SYS#HOSTREF', sk: id }),
  datastore: (siteId: string, id: string): Key => ({ pk: `SYS#DATASTORE#${siteId}`, sk: id }),
  link: (id: string): Key => ({ pk: 'SYS#LINK', sk: id }),
  externalNetwork: (id: string): Key => ({ pk: 'SYS#EXTNET', sk: id }),
  group: (tenantId: string, id: string): Key => ({ pk: tenantPart(tenantId, 'GROUP'), sk: id }),
  plan: (tenantId: string, id: string): Key => ({ pk: tenantPart(tenantId, 'PLAN'), sk: id }),
  /** Executions of a plan lie together, in the order of their ids. */
  execution: (tenantId: string, planId: string, id: string): Key => ({
    pk: tenantPart(tenantId, `EXEC#${planId}`),
    sk: id,
  }),
  executionPart: (tenantId: string, executionId: string, n: number): Key => ({
    pk: tenantPart(tenantId, `EXECPART#${executionId}`),
    sk: String(n).padStart(5, '0'),
  }),
  /** There is one for each protected group, so that a probe finds them without looking through all tenants. */
  protectedGroup: (id: string): Key => ({ pk: 'SYS#PROTECTED', sk: id }),
  /** There is one for each plan that takes over by itself. */
  automaticPlan: (id: string): Key => ({ pk: 'SYS#AUTOMATIC', sk: id }),
  /** There is one for each recovery plan, for what is done with all plans of a site. */
  plannedPlan: (id: string): Key => ({ pk: 'SYS#PLANNED', sk: id }),
  siteSwitch: (id: string): Key => ({ pk: 'SYS#SWITCH', sk: id }),
  siteSwitchPart: (id: string, n: number): Key => ({ pk: `SYS#SWITCHPART#${id}`, sk: String(n).padStart(5, '0') }),
  /** There is one while a site is being switched. */
  siteClaim: (siteId: string): Key => ({ pk: 'SYS#SWITCHING', sk: siteId }),
  /** What is kept for the VMs of a group at its recovery site (DR-21). */
  placeholders: (tenantId: string, groupId: string): Key => ({ pk: tenantPart(tenantId, 'SEATS'), sk: groupId }),
  /** There is one for each of them, so that a probe finds them without looking through all tenants. */
  reserved: (groupId: string): Key => ({ pk: 'SYS#RESERVED', sk: groupId }),
  /** Until when the primaries of a site may write without seeing anybody (DR-7). */
  siteLease: (siteId: string): Key => ({ pk: 'SYS#DRLEASE', sk: siteId }),
  incident: (id: string): Key => ({ pk: 'SYS#INCIDENT', sk: id }),
  /** There is one for each incident that is open, so that they are found without reading the others. */
  openIncident: (id: string): Key => ({ pk: 'SYS#OPEN', sk: id }),
  recoveryPart: (tenantId: string, incidentId: string, n: number): Key => ({
    pk: tenantPart(tenantId, 'RECOVERY'),
    sk: `${incidentId}#${String(n).padStart(5, '0')}`,
  }),
  alarm: (code: string, object: string): Key => ({ pk: 'SYS#ALARM', sk: `${code}#${object}` }),
  audit: (day: string, id: string): Key => ({ pk: `SYS#AUDIT#${day}`, sk: id }),
  operation: (id: string): Key => ({ pk: partOfId(id, 'OP') ?? 'SYS#OP', sk: id }),
  event: (tenantId: string | undefined, id: string): Key => ({
    pk: tenantId === undefined ? 'SYS#EV' : tenantPart(tenantId, 'EV'),
    sk: id,
  }),
};
