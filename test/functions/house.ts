import { GetCommand, PutCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { lambdaOf } from '../../functions/http/mount.ts';
import { tenantApi } from '../../functions/tenant-api/app.ts';
import { portClient } from '../../shared/hypervisor/port.ts';
import { ManualClock } from '../../shared/kernel/clock.ts';
import { makeIds, tagOfTenant } from '../../shared/kernel/ids.ts';
import { silent } from '../../shared/kernel/log.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import type { Network } from '../../shared/model/network.ts';
import { QUOTA_DIMENSIONS, type Quota, type Vdc } from '../../shared/model/vdc.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Key } from '../../shared/store/tables.ts';
import { cluster, datastore, host } from '../placement/hosts.ts';
import { cancelled, dynamo, NONE, store } from '../store/edge.ts';
import createVmEvent from './fixtures/create-vm.json' with { type: 'json' };

type Row = Key & Record<string, unknown>;

export interface LambdaAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
  isBase64Encoded: boolean;
}

const clock = new ManualClock();
const ids = makeIds(clock, seededRandom(1));
export const tenantId = ids.make('tenant');
export const tag = tagOfTenant(tenantId);
const quota = { ...Object.fromEntries(QUOTA_DIMENSIONS.map((d) => [d, 9000])), memoryMiB: 1_000_000 } as Quota;
const common = { tenantId, version: 1, createdAt: clock.now() };
export const vdc: Vdc = {
  ...common,
  id: ids.make('vdc', tag),
  name: 'main',
  sites: ['s1'],
  quota,
  left: quota,
};
export const vpcId = ids.make('vpc', tag);
const vpcOf = (id: string, name: string, vdcId: string) => ({
  ...keys.vpc(tenantId, id),
  ...common,
  id,
  name,
  vdcId,
  sharing: 'private',
  networks: 1,
});
/** A VPC of another VDC of the same tenant. */
export const strangeVpcId = ids.make('vpc', tag);
export const network: Network = {
  ...common,
  id: ids.make('network', tag),
  vdcId: vdc.id,
  vpcId,
  name: 'inner',
  type: 'internal',
  cidr: '10.1.0.0/24',
  state: 'active',
};

/** What stands in the Control table: a site with two hosts, and a tenant with a VDC and a network. */
export const rows = (): Row[] => [
  { ...keys.site('s1'), id: 's1', name: 's1', hypervisor: 'fusioncompute' },
  { ...keys.cluster('c1'), ...cluster },
  { ...keys.host('c1', 'h1'), ...host('h1') },
  { ...keys.host('c1', 'h2'), ...host('h2', { free: { memoryMiB: 30_000 } }) },
  { ...keys.datastore('s1', 'ds1'), ...datastore() },
  { ...keys.vdc(tenantId, vdc.id), ...vdc },
  { ...keys.network(tenantId, network.id), ...network },
  vpcOf(vpcId, 'private', vdc.id),
  vpcOf(strangeVpcId, 'strange', 'vdc_other'),
];

/** Plays the table: reads find these rows, writes are taken. */
export function stand(table: Row[] = rows()): void {
  dynamo.reset();
  dynamo.on(GetCommand).callsFake(({ Key: key }) => ({ Item: table.find((r) => r.pk === key.pk && r.sk === key.sk) }));
  dynamo.on(QueryCommand).callsFake(({ ExpressionAttributeValues: v }) => ({
    Items: table.filter((r) => r.pk === v[':pk'] && [undefined, r.name].includes(v[':f0'])),
  }));
  dynamo.on(PutCommand).resolves({});
  dynamo.on(TransactWriteCommand).resolves({});
}

/** A container of the tenants' function, as Lambda starts one. */
export function container(): (event: object) => Promise<LambdaAnswer> {
  const runtime = { store: store(), clock, ids, random: seededRandom(2), log: silent, pause: async () => {} };
  const handler = lambdaOf(
    tenantApi(
      runtime,
      portClient(async () => ({ ok: false, error: 'timeout', message: 'no site here' })),
    ),
  );
  return (event) => handler(event as never, {} as never) as unknown as Promise<LambdaAnswer>;
}

/** The gateway's event of a creation, for this house; `change` alters the body that the client sends. */
export function creation(change: (body: Record<string, unknown>) => void = () => {}) {
  const text = JSON.stringify(createVmEvent)
    .replaceAll('TENANT', tenantId)
    .replaceAll('NETWORK', network.id)
    .replaceAll('VDC', vdc.id);
  const event = JSON.parse(text) as typeof createVmEvent;
  const body = JSON.parse(event.body);
  change(body);
  return { ...event, body: JSON.stringify(body) };
}

export const written = () => dynamo.commandCalls(TransactWriteCommand).map((c) => c.args[0].input.TransactItems ?? []);
export const audited = () => dynamo.commandCalls(PutCommand).map((c) => c.args[0].input.Item ?? {});

export const bodyOf = (answer: LambdaAnswer) => JSON.parse(answer.body);

/** Cancels the next transaction at the action that touches this partition. */
export function cancelAt(partition: string, code: { Code: string }, found?: object): void {
  let once = true;
  dynamo.on(TransactWriteCommand).callsFake(({ TransactItems }) => {
    if (!once) return {};
    once = false;
    const keyOf = (a: Record<string, { Key?: { pk: string }; Item?: { pk: string } }>) => {
      const [action] = Object.values(a);
      return (action?.Key ?? action?.Item)?.pk ?? '';
    };
    throw cancelled(
      ...TransactItems.map((a: never) =>
        keyOf(a).startsWith(partition) ? { ...code, ...(found ? { Item: found } : {}) } : NONE,
      ),
    );
  });
}
