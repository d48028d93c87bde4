import type { Belief } from '../invariants/facts.ts';
import { numberToIp } from '../model/addresses.ts';
import type { Operation } from '../model/operation.ts';
import { resolved } from './recoveries.ts';
import type { Store } from './store.ts';
import type { Item, Key } from './tables.ts';

type Row = Item & Key;

/** Everything that the control plane believes, in one sweep of its tables. For audits and tests, not for requests. */
export async function readBelief(store: Store): Promise<Belief> {
  const belief: Belief = {
    sites: [],
    clusters: [],
    hosts: [],
    datastores: [],
    links: [],
    vdcs: [],
    vpcs: [],
    networks: [],
    vms: [],
    claims: [],
    alarms: [],
    incidents: [],
    recoveries: [],
    groups: [],
    plans: [],
    executions: [],
    placeholders: [],
    operations: [],
  };
  const shelves: [RegExp, (row: Row) => void][] = [
    [/^SYS#SITE$/, (r) => belief.sites.push(r as never)],
    [/^SYS#CLUSTER$/, (r) => belief.clusters.push(r as never)],
    [/^SYS#HOST#/, (r) => belief.hosts.push(r as never)],
    [/^SYS#DATASTORE#/, (r) => belief.datastores.push(r as never)],
    [/^SYS#LINK$/, (r) => belief.links.push(r as never)],
    [/^SYS#ALARM$/, (r) => belief.alarms.push(r as never)],
    [/^SYS#INCIDENT$/, (r) => belief.incidents.push(r as never)],
    [/^T#\w+#RECOVERY$/, (r) => belief.recoveries.push(r as never)],
    [/^T#\w+#GROUP$/, (r) => belief.groups.push(r as never)],
    [/^T#\w+#PLAN$/, (r) => belief.plans.push(r as never)],
    [/^T#\w+#EXEC#/, (r) => belief.executions.push(r as never)],
    [/^T#\w+#SEATS$/, (r) => belief.placeholders.push(r as never)],
    [/^T#\w+#VDC$/, (r) => belief.vdcs.push(r as never)],
    [/^T#\w+#VPC$/, (r) => belief.vpcs.push(r as never)],
    [/^T#\w+#NET$/, (r) => belief.networks.push(r as never)],
    [/^T#\w+#VM$/, (r) => belief.vms.push(r as never)],
    [
      /^(?:SYS|T#\w+)#IP#/,
      (r) =>
        belief.claims.push({
          space: r.pk.slice(r.pk.indexOf('#IP#') + 4),
          ip: numberToIp(Number(r.sk)),
          vmId: String(r.vmId),
        }),
    ],
  ];
  for await (const row of store.scan<Row>('control')) shelves.find(([of]) => of.test(row.pk))?.[1](row);
  for await (const row of store.scan<Row>('events'))
    if (row.record === 'operation') belief.operations.push(row as unknown as Operation);
  const parts = new Map(belief.recoveries.map((p) => [`${p.tenantId}/${p.incidentId}/${p.n}`, p]));
  belief.vms = belief.vms.map((vm) =>
    resolved(vm, parts.get(`${vm.tenantId}/${vm.recovery?.incidentId}/${vm.recovery?.part}`)),
  );
  return belief;
}
