import type { TestCloud } from './cloud.ts';
import type { TestTenant, VmShape, VmView } from './tenant.ts';

/** A site of another platform, as it is found before a move to this one (MIG-9). */
export const vmwareSite = (more: object = {}) => ({
  name: 'old',
  hypervisor: 'vmware',
  clusters: [{ name: 'c1', hosts: { count: 2, cores: 16, mhz: 2400, memoryGiB: 64 } }],
  datastores: [{ name: 'vmfs', capacityGiB: 1000 }],
  ...more,
});

/** Loads that site, and gives the tenant a VDC over it and `site_a`. */
export async function ownVdc(test: TestCloud, acme: TestTenant): Promise<string> {
  await test.client.must('POST', '/v1/system/estates', test.operator, { sites: [vmwareSite()] });
  return vdcOver(test, acme, ['site_old', 'site_a']);
}

export async function vdcOver(test: TestCloud, acme: TestTenant, sites: string[]): Promise<string> {
  const quota = { vcpus: 128, memoryMiB: 262_144, storageGiB: 2_000, vms: 40 };
  const body = { name: `over-${sites.join('-').replaceAll('_', '-')}`, sites, quota };
  return (await test.client.must<{ id: string }>('POST', `/v1/system/tenants/${acme.id}/vdcs`, test.operator, body)).id;
}

/** A VM of the vmware site, without NICs as its VDC has no networks; it runs unless the shape says otherwise. */
export async function vmwareVm(
  acme: TestTenant,
  vdcId: string,
  shape: VmShape & { more?: object } = {},
): Promise<VmView & { hostId: string }> {
  const { more = {}, ...rest } = shape;
  const body = { ...acme.body({ ...rest, nic: false }), vpcId: undefined, placement: { siteId: 'site_old' }, ...more };
  const { client } = acme.test;
  const { id } = await client.must<VmView>('POST', `/v1/vdcs/${vdcId}/vms`, acme.token, body);
  await acme.test.settle();
  return (await acme.vm(id)) as VmView & { hostId: string };
}
