import type { DomainEvent } from '../../shared/events/event.ts';
import { hostView as hostDomains } from '../../shared/hypervisor/cpu/capacity.ts';
import { pageMiB } from '../../shared/hypervisor/memory/pages.ts';
import { iso } from '../../shared/kernel/clock.ts';
import { gatewayOf } from '../../shared/model/addresses.ts';
import type { Amounts, BaseAmounts } from '../../shared/model/amounts.ts';
import type { AuditEntry } from '../../shared/model/audit.ts';
import type { Alarm, Incident, IncidentVm } from '../../shared/model/incident.ts';
import {
  allocatedOf,
  type Cluster,
  type Datastore,
  type Host,
  hypervisorVersionOf,
  type Link,
  type Site,
} from '../../shared/model/inventory.ts';
import type { ExternalNetwork, Network, Vpc } from '../../shared/model/network.ts';
import type { Operation } from '../../shared/model/operation.ts';
import type { Tenant } from '../../shared/model/tenant.ts';
import { usageOf, type Vdc } from '../../shared/model/vdc.ts';
import type { Vm } from '../../shared/model/vm.ts';

/** What the API shows of each entity. Anything not named here stays inside. */
const optional = <T>(fields: Record<string, T | undefined>) =>
  Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined && v !== null));
const time = (at: number | undefined) => (at === undefined ? undefined : iso(at));

export const tenantView = (t: Tenant) => ({
  id: t.id,
  name: t.name,
  state: t.state,
  version: t.version,
  createdAt: iso(t.createdAt),
});

export const vdcView = (v: Vdc) => ({
  id: v.id,
  tenantId: v.tenantId,
  name: v.name,
  sites: v.sites,
  quota: v.quota,
  usage: usageOf(v),
  ...optional({ management: v.management }),
  version: v.version,
  createdAt: iso(v.createdAt),
});
export const vpcView = (v: Vpc) => ({
  id: v.id,
  vdcId: v.vdcId,
  name: v.name,
  sharing: v.sharing,
  networks: v.networks,
  version: v.version,
  createdAt: iso(v.createdAt),
});
export const networkView = (n: Network) => ({
  id: n.id,
  vdcId: n.vdcId,
  vpcId: n.vpcId,
  name: n.name,
  type: n.type,
  cidr: n.cidr,
  // An internal network has no way out (VDC-5).
  ...optional({
    gateway: n.type === 'internal' ? undefined : gatewayOf(n.cidr),
    externalNetworkId: n.externalNetworkId,
  }),
  ...optional({ qos: n.qos }),
  version: n.version,
  createdAt: iso(n.createdAt),
});
export const vmView = (v: Vm) => ({
  id: v.id,
  name: v.name,
  vdcId: v.vdcId,
  vpcId: v.vpcId,
  state: v.state,
  ...optional({ reason: v.reason }),
  cpu: v.cpu,
  memory: v.memory,
  guest: v.guest,
  disks: v.disks.map((d) => ({
    id: d.id,
    name: d.name,
    sizeGiB: d.sizeGiB,
    boot: d.boot,
    io: d.io,
    ...optional({ persistent: d.persistent, qos: d.qos, resizing: d.resizing }),
  })),
  nics: v.nics.map((n) => ({
    id: n.id,
    networkId: n.networkId,
    mac: n.mac,
    ip: n.ip,
    io: n.io,
    ...optional({ qos: n.qos, home: n.home && { networkId: n.home.networkId, mac: n.home.mac, ip: n.home.ip } }),
  })),
  ha: v.ha,
  ...optional({ numa: v.numa, testOf: v.testOf }),
  version: v.version,
  createdAt: iso(v.createdAt),
  operationId: v.operationId,
});
export const systemVmView = (v: Vm) => ({
  ...vmView(v),
  tenantId: v.tenantId,
  siteId: v.siteId,
  clusterId: v.clusterId,
  hostId: v.hostId,
  epoch: v.epoch,
});

export const operationView = (o: Operation) => ({
  id: o.id,
  kind: o.kind,
  target: o.target,
  state: o.state,
  percent: o.percent,
  steps: o.steps.map((s) => ({
    name: s.name,
    state: s.state,
    startedAt: iso(s.startedAt),
    ...optional({ finishedAt: time(s.finishedAt), detail: s.detail }),
  })),
  ...optional<unknown>({ note: o.note, error: o.error, result: o.result }),
  createdAt: iso(o.createdAt),
  ...optional({ finishedAt: time(o.finishedAt) }),
});
export const eventView = (e: DomainEvent) => ({
  id: e.id,
  type: e.type,
  at: iso(e.at),
  subject: e.subject,
  data: e.data,
  ...optional({ tenantId: e.tenantId }),
});

export const siteView = (s: Site) => ({
  id: s.id,
  name: s.name,
  hypervisor: s.hypervisor,
  hypervisorVersion: hypervisorVersionOf(s),
  ...optional({ city: s.city }),
});
export const clusterView = (c: Cluster) => ({
  id: c.id,
  siteId: c.siteId,
  name: c.name,
  arch: c.arch,
  ha: c.ha,
  ...(c.disarmed
    ? {
        disarmed: {
          since: iso(c.disarmed.since),
          ...optional({ until: time(c.disarmed.until) }),
          reason: c.disarmed.reason,
          by: c.disarmed.by,
        },
      }
    : {}),
  overcommit: c.overcommit,
  vcpuRatioPercent: c.vcpuRatioPercent,
  numa: c.numa,
  ...optional({ cpuBaseline: c.cpuBaseline }),
  version: c.version,
});
/** Memory in huge pages is memory too. */
const base = ({ vcpus, mhz, memoryMiB, pages2m = 0, pages1g = 0 }: Amounts): BaseAmounts => ({
  vcpus,
  mhz,
  memoryMiB: memoryMiB + pages2m * pageMiB('2m') + pages1g * pageMiB('1g'),
});

export const hostView = (h: Host) => ({
  id: h.id,
  name: h.name,
  siteId: h.siteId,
  clusterId: h.clusterId,
  state: h.state,
  ...optional({ condition: h.condition, reason: h.reason, draining: h.draining }),
  power: h.power,
  vendor: h.vendor,
  arch: h.arch,
  ...optional({ rack: h.rack }),
  sockets: h.sockets,
  coresPerSocket: h.coresPerSocket,
  threadsPerCore: h.threadsPerCore,
  mhz: h.mhz,
  hardwareVirtualisation: h.hardwareVirtualisation,
  nestedPaging: h.nestedPaging,
  ...optional({ cpuGeneration: h.cpuGeneration }),
  numaNodes: h.numaNodes,
  capacity: h.capacity,
  allocated: allocatedOf(h),
  domains: hostDomains(h, base(allocatedOf(h))),
  overcommitMiB: h.overcommitMiB ?? 0,
  overcommitVcpus: h.overcommitVcpus ?? 0,
  ...optional({ swap: h.swap?.sizeMiB ? { datastoreId: h.swap.datastoreId, sizeMiB: h.swap.sizeMiB } : undefined }),
  seenAt: iso(h.seenAt),
  ...optional<unknown>({ fenceConfirmed: h.fenceConfirmed && { ...h.fenceConfirmed, at: iso(h.fenceConfirmed.at) } }),
  version: h.version,
});
export const datastoreView = (d: Datastore) => ({
  id: d.id,
  siteId: d.siteId,
  name: d.name,
  kind: d.kind,
  capacityGiB: d.capacityGiB,
  freeGiB: d.freeGiB,
});
export const linkView = (l: Link) => ({
  id: l.id,
  from: l.from,
  to: l.to,
  latencyMs: l.latencyMs,
  mbps: l.mbps,
  freeMbps: l.freeMbps,
  mode: l.mode,
});
export const externalNetworkView = (n: ExternalNetwork) => ({ id: n.id, name: n.name, cidr: n.cidr, sites: n.sites });
export const alarmView = (a: Alarm) => ({
  id: a.id,
  code: a.code,
  object: a.object,
  severity: a.severity,
  state: a.state,
  text: a.text,
  raisedAt: iso(a.raisedAt),
  ...optional({ clearedAt: time(a.clearedAt) }),
});
/** What becomes of its VMs stands in parts, which only a look at one incident reads. */
export const incidentView = (i: Incident, vms?: readonly IncidentVm[]) => ({
  id: i.id,
  siteId: i.siteId,
  clusterId: i.clusterId,
  hosts: i.hosts.map((h) => ({
    id: h.id,
    name: h.name,
    lastSignAt: iso(h.lastSignAt),
    ...optional<unknown>({
      rack: h.rack,
      found: h.found,
      fencedAt: time(h.fencedAt),
      fencedBy: h.fencedBy,
      backAt: time(h.backAt),
      killed: h.killed,
      refusedWrites: h.refusedWrites,
    }),
  })),
  state: i.state,
  openedAt: iso(i.openedAt),
  waiting: i.waiting,
  ...optional<unknown>({
    kind: i.kind,
    vmId: i.guest?.id,
    closedAt: time(i.closedAt),
    operationId: i.claim,
    splitFrom: i.splitFrom,
  }),
  timeline: i.timeline.map((t) => ({
    at: iso(t.at),
    what: t.what,
    ...optional<unknown>({ detail: t.detail, times: t.times, lastAt: time(t.lastAt) }),
  })),
  ...(vms
    ? {
        vms: vms.map((v) => ({
          id: v.id,
          outcome: v.outcome,
          fromHost: v.fromHost,
          ...optional<unknown>({
            toHost: v.toHost,
            tried: v.tried,
            plannedAt: time(v.plannedAt),
            startedAt: time(v.startedAt),
            readyAt: time(v.readyAt),
            rtoSeconds: v.rtoSeconds,
            reason: v.reason,
          }),
        })),
      }
    : {}),
});
export const auditView = (a: AuditEntry) => ({
  id: a.id,
  at: iso(a.at),
  actor: a.actor,
  roles: a.roles,
  operationId: a.operationId,
  requestId: a.requestId,
  status: a.status,
  result: a.result,
  ...optional({ target: a.target, source: a.source, tenantId: a.tenantId, code: a.code }),
});
