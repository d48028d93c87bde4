import { parse } from 'yaml';
import { loadEstateText } from '../../shared/estate/builtin.ts';
import { expandEstate } from '../../shared/estate/expand.ts';
import { parseEstate } from '../../shared/estate/parse.ts';
import { QUOTA_DIMENSIONS, type Quota } from '../../shared/model/vdc.ts';
import type { LocalClient } from './client.ts';

/** The tenant that a fresh cloud has, so that there is somebody to try things as. */
export const DEMO_TENANT = 'demo';
const DEMO_QUOTA: Partial<Quota> = {
  vcpus: 256,
  memoryMiB: 524_288,
  storageGiB: 10_000,
  vms: 200,
  vpcs: 10,
  networks: 50,
  elasticIps: 10,
  snapshots: 200,
  backupGiB: 10_000,
};

/**
 * Loads the estate into a cloud that has none, through its own API, and gives it a first tenant.
 * @throws DomainError that names line and field of every flaw of the file; nothing is loaded then.
 */
export async function firstStart(
  client: LocalClient,
  estateName: string,
): Promise<{ loaded: boolean; tenantId: string; vdcId: string }> {
  const operator = await client.operator();
  const sites = await client.must<{ items: { id: string }[] }>('GET', '/v1/system/sites', operator);
  const loaded = sites.items.length === 0;
  if (loaded) {
    const { text, source } = loadEstateText(estateName);
    const { tenants } = expandEstate(parseEstate(text, source));
    const { tenants: _, ...rest } = parse(text) as Record<string, unknown>;
    await client.must('POST', '/v1/system/estates', operator, rest);
    for (const tenant of tenants) await addTenant(client, operator, tenant.name, tenant.vdcs);
  }
  return { loaded, ...(await demoTenant(client, operator)) };
}

async function addTenant(
  client: LocalClient,
  operator: string,
  name: string,
  vdcs: readonly { name: string; sites: string[]; quota: Partial<Quota>; management?: true }[],
): Promise<void> {
  const tenant = await client.must<{ id: string }>('POST', '/v1/system/tenants', operator, { name });
  for (const { name: vdc, sites, quota, management } of vdcs)
    await client.must('POST', `/v1/system/tenants/${tenant.id}/vdcs`, operator, {
      name: vdc,
      sites,
      quota: { ...zeroQuota(), ...quota },
      ...(management ? { management } : {}),
    });
}

const zeroQuota = () => Object.fromEntries(QUOTA_DIMENSIONS.map((d) => [d, 0]));

async function demoTenant(client: LocalClient, operator: string): Promise<{ tenantId: string; vdcId: string }> {
  const all = await client.must<{ items: { id: string; name: string }[] }>(
    'GET',
    '/v1/system/tenants?limit=1000',
    operator,
  );
  const tenant =
    all.items.find((t) => t.name === DEMO_TENANT) ??
    (await client.must<{ id: string }>('POST', '/v1/system/tenants', operator, { name: DEMO_TENANT }));
  const vdcs = await client.must<{ items: { id: string }[] }>('GET', `/v1/system/tenants/${tenant.id}/vdcs`, operator);
  if (vdcs.items[0]) return { tenantId: tenant.id, vdcId: vdcs.items[0].id };
  const sites = await client.must<{ items: { id: string }[] }>('GET', '/v1/system/sites', operator);
  const vdc = await client.must<{ id: string }>('POST', `/v1/system/tenants/${tenant.id}/vdcs`, operator, {
    name: 'main',
    sites: sites.items.map((s) => s.id),
    quota: DEMO_QUOTA,
  });
  return { tenantId: tenant.id, vdcId: vdc.id };
}
