import type { Reply } from '../../infra/local/client.ts';
import { type ApiOperation, ROLES, type Role, TENANT_ROLES } from '../../shared/contract/operation.ts';
import { CONTRACT } from '../../shared/contract/table.ts';
import { builtinEstate } from '../../shared/estate/builtin.ts';
import { TestCloud } from '../support/cloud.ts';
import { TestTenant, type VmView } from '../support/tenant.ts';
import { type Twin, twinGroup, twinOf } from '../support/twin.ts';
import { ownExecution } from './recovery-fixtures.ts';

/** What the operations of the walk are tried on: two tenants who both have something, and a host that has failed. */
export interface Setting {
  test: TestCloud;
  acme: TestTenant;
  globex: TestTenant;
  /** Running VMs, one of each tenant. */
  vm: VmView;
  foreignVm: VmView;
  /** An execution of a recovery plan of globex. */
  foreignExecution: { planId: string; executionId: string };
  /** Fenced, and not taken by anybody; whoever needs one takes it from here. */
  failedHosts: string[];
  incident: string;
  fault: string;
  /** The disk of `vm` as the world knows it. */
  volume: string;
  /** A VDC of acme over two sites, and a protected group of globex. */
  twin: Twin;
  foreignGroup: string;
  tokens: Record<Role, string>;
}

/** The estate that comes along, with a datastore that disks can be moved to. */
function estate(): object {
  const { sites, ...rest } = builtinEstate('single-site');
  const second = { name: 'nas', capacityGiB: 10_000 };
  return { ...rest, sites: sites.map((site) => ({ ...site, datastores: [...site.datastores, second] })) };
}

export async function prepareSetting(): Promise<Setting> {
  const test = await TestCloud.start({ estate: estate() });
  const acme = await TestTenant.create(test, 'acme');
  const globex = await TestTenant.create(test, 'globex');
  const [vm] = (await acme.running()) as [VmView];
  const [foreignVm] = (await globex.running()) as [VmView];
  const { client, operator } = test;
  const hosts = await client.must<{ items: { id: string }[] }>('GET', '/v1/system/hosts', operator);
  const idle = hosts.items.map((h) => h.id).filter((id) => id !== vm.hostId && id !== foreignVm.hostId);
  const failedHosts = idle.slice(0, 3);
  const faults = [];
  for (const id of failedHosts) faults.push(await test.fault('host-power-loss', id));
  await test.until(async () => {
    const fenced = await client.must<{ items: object[] }>('GET', '/v1/system/hosts?state=fenced', operator);
    return fenced.items.length === failedHosts.length;
  });
  await test.settle();
  const incidents = await client.must<{ items: { id: string }[] }>('GET', '/v1/system/incidents', operator);
  const tokens = Object.fromEntries(
    await Promise.all(
      ROLES.map(async (role) => {
        const ofTenant = (TENANT_ROLES as readonly Role[]).includes(role);
        return [role, await (ofTenant ? client.tenant(acme.id, [role]) : client.operator([role]))];
      }),
    ),
  ) as Record<Role, string>;
  const volume = (await test.world()).volumes.find((v) => v.vmId === vm.id)?.id as string;
  const twin = await twinOf(test, acme);
  const { group } = await twinGroup(globex, await twinOf(test, globex));
  const incident = incidents.items[0]?.id as string;
  const foreignExecution = await ownExecution({ test, tenant: globex });
  return {
    test,
    acme,
    globex,
    vm,
    foreignVm,
    foreignExecution,
    failedHosts,
    incident,
    fault: faults[0]?.id as string,
    volume,
    twin,
    foreignGroup: group.id,
    tokens,
  };
}

/** The ids of globex's things, by the parameter that takes them. A tenant's path takes no others. */
export const foreignIds = (s: Setting): Record<string, string> => ({
  vdcId: s.globex.vdcId,
  vpcId: s.globex.vpcId,
  networkId: s.globex.networkId,
  vmId: s.foreignVm.id,
  disk: 'root',
  operationId: s.foreignVm.operationId,
  groupId: s.foreignGroup,
  ...s.foreignExecution,
});

/** An id of the same shape and owner that nothing has. */
export const missing = (id: string): string => `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`;

export interface Request {
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
  /** Without one, the token of a role that may. */
  token?: string | null;
}

/** How an operation is called, whatever it is. */
export function send(s: Setting, operationId: string, request: Request): Promise<Reply> {
  const operation = CONTRACT[operationId] as ApiOperation;
  const { params = {}, query = {}, body, headers = {}, token = s.tokens[operation.roles[0] as Role] } = request;
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`${operationId} needs the parameter ${name}`);
    return encodeURIComponent(value);
  });
  const search = new URLSearchParams(query).toString();
  return s.test.client.call(operation.method.toUpperCase(), search ? `${path}?${search}` : path, {
    ...(token === null ? {} : { token }),
    ...(body === undefined ? {} : { body }),
    headers,
  });
}
