import type { GROUP_STATES } from '../../shared/model/protection.ts';
import type { TestCloud } from './cloud.ts';
import { TestGroups } from './protection.ts';
import { vdcOver } from './rainbow.ts';
import type { TestTenant, VmShape, VmView } from './tenant.ts';

/** A second site beside `site_a`, so near that each kind of replication is possible, and a VDC of the tenant over both. */
export interface Twin {
  vdcId: string;
  vpcId: string;
  networkId: string;
}

export const TWIN = 'site_twin';

export async function twinOf(test: TestCloud, acme: TestTenant): Promise<Twin> {
  const { client, operator } = test;
  await client.must('POST', '/v1/system/estates', operator, {
    sites: [
      {
        name: 'twin',
        clusters: [{ name: 'c1', hosts: { count: 3, cores: 16, mhz: 2400, memoryGiB: 64 } }],
        datastores: [{ name: 'san', capacityGiB: 1000 }],
      },
    ],
    links: [{ from: 'a', to: 'twin', latencyMs: 1, mbps: 10_000, mode: 'sync' }],
  });
  const vdcId = await vdcOver(test, acme, ['site_a', TWIN]);
  await client.must('PATCH', `/v1/system/tenants/${acme.id}/vdcs/${vdcId}`, operator, {
    quota: { vpcs: 2, networks: 2 },
  });
  const vpc = await client.must<{ id: string }>('POST', `/v1/vdcs/${vdcId}/vpcs`, acme.token, { name: 'twin' });
  const network = await client.must<{ id: string }>('POST', `/v1/vpcs/${vpc.id}/networks`, acme.token, {
    name: 'inner',
    type: 'internal',
    cidr: '10.7.0.0/22',
  });
  return { vdcId, vpcId: vpc.id, networkId: network.id };
}

/** A VM of it that runs at `site_a`. */
export async function twinVm(
  acme: TestTenant,
  { vdcId, vpcId, networkId }: Twin,
  shape: VmShape = {},
): Promise<VmView> {
  const nics = [{ networkId, io: 'virtio' }];
  const body = { ...acme.body({ ...shape, siteId: 'site_a' }), vpcId, nics };
  const { id } = await acme.test.client.must<VmView>('POST', `/v1/vdcs/${vdcId}/vms`, acme.token, body);
  await acme.test.settle();
  return acme.vm(id);
}

/** A group of one VM that is in this state. */
export async function twinGroup(
  acme: TestTenant,
  twin: Twin,
  { name = 'guarded', state = 'protected' as (typeof GROUP_STATES)[number] } = {},
) {
  const groups = new TestGroups(acme);
  const vm = await twinVm(acme, twin, { name });
  const made = await groups.create([vm], { mode: 'sync', targetSiteId: TWIN }, { name, vdcId: twin.vdcId });
  if (made.status !== 201) throw new Error(`group: ${made.status} ${JSON.stringify(made.body)}`);
  await acme.test.settle();
  if (state === 'suspended') {
    await groups.action(made.body.id, 'suspend');
    await acme.test.settle();
  }
  const group = await groups.get(made.body.id);
  if (group.state !== state) throw new Error(`the group is ${group.state}: ${group.reason}`);
  return { vm, group };
}
